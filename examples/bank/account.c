/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - the aggregate `bankaccount`: one bank account; its key is the account number.
 *
 * State: {"balance", "min_balance", "customer_id", "reservations": {wire transfer id: amount}}
 *
 * Amounts are integers in cents. What is *available* is the balance less the reservations; a decision never lets it
 * fall below min_balance. The money of a wire transfer is first reserved, then committed (it is gone) or released (it
 * never left). */
#include "concordance.h"

#define AMOUNT_MAX ((1LL << 53) - 1) /* up to here every JSON reader keeps integers exact */

/* ---- what can be wrong: each of these rejects the command, or answers CC_ACCEPTED, which is 0 ---- */

static enum cc_decision missing(const struct cc_json *account, const struct cc_command *command)
{
	if (account == NULL)
		return cc_reject("no_account", "there is no account %s", command->key);
	return CC_ACCEPTED;
}

static enum cc_decision bad_amount(const struct cc_command *command, long long *ret_amount)
{
	if (!cc_read_integer(command->data, "amount", ret_amount) || *ret_amount < 1 ||
	    *ret_amount > AMOUNT_MAX)
		return cc_reject("invalid_amount", "amount must be an integer from 1 to %lld",
				 AMOUNT_MAX);
	return CC_ACCEPTED;
}

static enum cc_decision bad_optional_amount(const struct cc_command *command, const char *name,
					    long long min, long long *ret_amount)
{
	if (cc_get(command->data, name) == NULL)
		return CC_ACCEPTED;
	if (!cc_read_integer(command->data, name, ret_amount) || *ret_amount < min ||
	    *ret_amount > AMOUNT_MAX)
		return cc_reject("invalid_amount", "%s must be an integer from %lld to %lld", name,
				 min, AMOUNT_MAX);
	return CC_ACCEPTED;
}

static enum cc_decision bad_text(const struct cc_command *command, const char *name)
{
	const char *text;

	if (!cc_read_text(command->data, name, &text) || *text == '\0')
		return cc_reject("invalid_data", "%s must be a text", name);
	return CC_ACCEPTED;
}

static enum cc_decision bad_optional_text(const struct cc_command *command, const char *name)
{
	const char *text;

	if (cc_get(command->data, name) != NULL && !cc_read_text(command->data, name, &text))
		return cc_reject("invalid_data", "%s must be a text", name);
	return CC_ACCEPTED;
}

static enum cc_decision bad_target(const struct cc_command *command)
{
	if (bad_text(command, "wireTransferId") || bad_text(command, "targetRoutingNumber") ||
	    bad_text(command, "targetAccountNumber"))
		return CC_REJECTED;
	return CC_ACCEPTED;
}

static enum cc_decision too_little(const struct cc_json *account, long long amount)
{
	long long available = cc_integer(account, "balance");
	long long min_balance = cc_integer(account, "min_balance");

	for (struct cc_walk w = cc_walk(cc_get(account, "reservations")); cc_walk_next(&w);)
		available = cc_minus(available, cc_as_integer(w.value));
	if (cc_minus(available, amount) < min_balance)
		return cc_reject("insufficient_funds",
				 "%lld of the %lld available would leave less than %lld", amount,
				 available, min_balance);
	return CC_ACCEPTED;
}

/* ---- commands ---- */

static enum cc_decision create_account(const struct cc_json *account,
				       const struct cc_command *command)
{
	long long balance = 0, min_balance = 0;
	const char *number;

	if (account != NULL)
		return cc_reject("account_exists", "there is an account %s already", command->key);
	if (!cc_read_text(command->data, "accountNumber", &number) ||
	    !cc_equal(number, command->key))
		return cc_reject("wrong_key", "accountNumber must be the key, %s", command->key);
	if (bad_text(command, "customerId") ||
	    bad_optional_amount(command, "initialBalance", 0, &balance) ||
	    bad_optional_amount(command, "minBalance", -AMOUNT_MAX, &min_balance))
		return CC_REJECTED;

	struct cc_json *data = cc_pick(command->data, "accountNumber", "customerId");
	cc_set_integer(data, "initialBalance", balance);
	cc_set_integer(data, "minBalance", min_balance);
	return cc_emit("account_created", data);
}

static enum cc_decision deposit_funds(const struct cc_json *account,
				      const struct cc_command *command)
{
	long long amount;

	if (missing(account, command) || bad_amount(command, &amount) ||
	    bad_optional_text(command, "note") || bad_optional_text(command, "transferId"))
		return CC_REJECTED;
	if (cc_plus(cc_integer(account, "balance"), amount) > AMOUNT_MAX)
		return cc_reject("balance_limit", "no balance may pass %lld", AMOUNT_MAX);
	return cc_emit("funds_deposited", cc_pick(command->data, "amount", "note", "transferId"));
}

static enum cc_decision withdraw_funds(const struct cc_json *account,
				       const struct cc_command *command)
{
	long long amount;

	if (missing(account, command) || bad_amount(command, &amount) ||
	    bad_optional_text(command, "note") || too_little(account, amount))
		return CC_REJECTED;
	return cc_emit("funds_withdrawn", cc_pick(command->data, "amount", "note"));
}

static enum cc_decision wire_funds(const struct cc_json *account, const struct cc_command *command)
{
	long long amount;

	if (missing(account, command) || bad_amount(command, &amount) || bad_target(command) ||
	    bad_optional_text(command, "note") || too_little(account, amount))
		return CC_REJECTED;

	struct cc_json *data = cc_pick(command->data, "amount", "wireTransferId",
				       "targetRoutingNumber", "targetAccountNumber", "note");
	return cc_emit("wire_transfer_initiated", cc_set_text(data, "accountNumber", command->key));
}

static enum cc_decision reserve_funds(const struct cc_json *account,
				      const struct cc_command *command)
{
	long long amount;

	if (missing(account, command) || bad_amount(command, &amount) || bad_target(command))
		return CC_REJECTED;

	const char *transfer = cc_text(command->data, "wireTransferId");
	if (cc_has(cc_get(account, "reservations"), transfer))
		return cc_reject("already_reserved", "transfer %s has its funds already", transfer);
	if (too_little(account, amount))
		return CC_REJECTED;

	struct cc_json *data = cc_pick(command->data, "amount", "wireTransferId",
				       "targetRoutingNumber", "targetAccountNumber");
	return cc_emit("funds_reserved", cc_set_text(data, "accountNumber", command->key));
}

/* Release and commit differ only in what they are called: the event says what the reservation was, and then it ends. */
static enum cc_decision end_reservation(const struct cc_json *account,
					const struct cc_command *command, const char *event_type)
{
	const struct cc_json *reservations = cc_get(account, "reservations");
	long long amount;

	if (bad_text(command, "wireTransferId"))
		return CC_REJECTED;
	if (!cc_read_integer(reservations, cc_text(command->data, "wireTransferId"), &amount))
		return cc_reject("no_reservation", "nothing is reserved for transfer %s",
				 cc_text(command->data, "wireTransferId"));

	struct cc_json *data = cc_pick(command->data, "wireTransferId");
	cc_set_integer(data, "amount", amount);
	return cc_emit(event_type, cc_set_text(data, "accountNumber", command->key));
}

static enum cc_decision release_funds(const struct cc_json *account,
				      const struct cc_command *command)
{
	return end_reservation(account, command, "funds_released");
}

static enum cc_decision commit_funds(const struct cc_json *account,
				     const struct cc_command *command)
{
	return end_reservation(account, command, "funds_committed");
}

/* ---- events ---- */

static struct cc_json *account_created(struct cc_json *account, const struct cc_event *event)
{
	account = cc_object();
	cc_set_integer(account, "balance", cc_integer(event->data, "initialBalance"));
	cc_set_integer(account, "min_balance", cc_integer(event->data, "minBalance"));
	cc_set_text(account, "customer_id", cc_text(event->data, "customerId"));
	return cc_set(account, "reservations", cc_object());
}

static struct cc_json *funds_deposited(struct cc_json *account, const struct cc_event *event)
{
	return cc_add(account, "balance", cc_integer(event->data, "amount"));
}

static struct cc_json *funds_withdrawn(struct cc_json *account, const struct cc_event *event)
{
	return cc_add(account, "balance", cc_minus(0, cc_integer(event->data, "amount")));
}

static struct cc_json *funds_reserved(struct cc_json *account, const struct cc_event *event)
{
	cc_set_integer(cc_edit(account, "reservations"), cc_text(event->data, "wireTransferId"),
		       cc_integer(event->data, "amount"));
	return account;
}

static struct cc_json *funds_released(struct cc_json *account, const struct cc_event *event)
{
	cc_remove(cc_edit(account, "reservations"), cc_text(event->data, "wireTransferId"));
	return account;
}

static struct cc_json *funds_committed(struct cc_json *account, const struct cc_event *event)
{
	return funds_withdrawn(funds_released(account, event), event);
}

const struct cc_aggregate cc_aggregate = {
	CC_COMMANDS({ "create_account", create_account }, { "deposit_funds", deposit_funds },
		    { "withdraw_funds", withdraw_funds }, { "wire_funds", wire_funds },
		    { "reserve_funds", reserve_funds }, { "release_funds", release_funds },
		    { "commit_funds", commit_funds }),
	/* wire_transfer_initiated changes nothing: it starts a process that then reserves */
	CC_EVENTS({ "account_created", account_created }, { "funds_deposited", funds_deposited },
		  { "funds_withdrawn", funds_withdrawn }, { "funds_reserved", funds_reserved },
		  { "funds_released", funds_released }, { "funds_committed", funds_committed }),
};
