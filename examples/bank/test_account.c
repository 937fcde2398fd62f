/* SPDX-License-Identifier: Apache-2.0 */
/* test_account.c - the rules of a bank account, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concordance.h"
#include "concordance_test.h"

#define CREATED                                                                            \
	"{\"accountNumber\":\"ABC123\",\"customerId\":\"CUST-9\",\"initialBalance\":4000," \
	"\"minBalance\":100}"
#define WIRE                                                               \
	"\"wireTransferId\":\"w1\",\"targetRoutingNumber\":\"001002003\"," \
	"\"targetAccountNumber\":\"XYZ789\""
#define FROM ",\"accountNumber\":\"ABC123\""

/* An account with 4000, of which 100 have to stay. */
static int open_account(void **state)
{
	(void)state;
	cc_start("ABC123");
	cc_given("account_created", CREATED);
	return 0;
}

static int no_account_yet(void **state)
{
	(void)state;
	cc_start("ABC123");
	return 0;
}

static int check_end(void **state)
{
	(void)state;
	cc_end();
	return 0;
}

/* ---- create_account ---- */

static void an_account_is_created_with_what_the_command_says(void **state)
{
	(void)state;
	cc_when("create_account", CREATED);
	cc_then("account_created", CREATED);
	cc_then_state("{\"balance\":4000,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
}

static void balance_and_minimum_are_zero_unless_given(void **state)
{
	(void)state;
	cc_when("create_account",
		"{\"customerId\":\"c\",\"accountNumber\":\"ABC123\",\"colour\":7}");
	cc_then("account_created", "{\"accountNumber\":\"ABC123\",\"customerId\":\"c\","
				   "\"initialBalance\":0,\"minBalance\":0}");
}

static void an_account_can_be_created_once(void **state)
{
	(void)state;
	cc_when("create_account", CREATED);
	cc_then_rejected("account_exists");
}

static void the_account_number_must_be_the_key(void **state)
{
	(void)state;
	cc_when("create_account", "{\"accountNumber\":\"ABC124\",\"customerId\":\"c\"}");
	cc_then_rejected("wrong_key");
	cc_when("create_account", "{\"accountNumber\":123,\"customerId\":\"c\"}");
	cc_then_rejected("wrong_key");
	cc_when("create_account", "{\"customerId\":\"c\"}");
	cc_then_rejected("wrong_key");
}

static void bad_data_creates_no_account(void **state)
{
	static const char *const customers[] = { "\"\"", "7", "null", "[\"c\"]" };
	static const char *const balances[] = { "-1", "1.5", "\"10\"", "9007199254740992", "1e3" };

	(void)state;
	for (size_t i = 0; i < sizeof(customers) / sizeof(customers[0]); i++) {
		cc_when("create_account",
			cc_format("{\"accountNumber\":\"ABC123\",\"customerId\":%s}",
				  customers[i]));
		cc_then_rejected("invalid_data");
	}
	for (size_t i = 0; i < sizeof(balances) / sizeof(balances[0]); i++) {
		cc_when("create_account",
			cc_format("{\"accountNumber\":\"ABC123\",\"customerId\":\"c\","
				  "\"initialBalance\":%s}",
				  balances[i]));
		cc_then_rejected("invalid_amount");
	}
	cc_when("create_account",
		"{\"accountNumber\":\"ABC123\",\"customerId\":\"c\",\"minBalance\":0.5}");
	cc_then_rejected("invalid_amount");
	static const char *const no_objects[] = { "[]", "null", "\"text\"", "7" };
	for (size_t i = 0; i < sizeof(no_objects) / sizeof(no_objects[0]); i++) {
		cc_when("create_account", no_objects[i]);
		cc_then_rejected("wrong_key");
	}
	cc_then_state("null");
}

/* ---- amounts, the same for every command that has one ---- */

static void without_an_account_nothing_moves(void **state)
{
	static const char *const commands[] = { "deposit_funds", "withdraw_funds", "wire_funds",
						"reserve_funds" };

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cc_when(commands[i], "{\"amount\":1," WIRE "}");
		cc_then_rejected("no_account");
		cc_when(commands[i], "{}");
		cc_then_rejected("no_account");
	}
}

static void an_amount_is_an_integer_from_1_to_2_to_the_53_minus_1(void **state)
{
	static const char *const commands[] = { "deposit_funds", "withdraw_funds", "wire_funds",
						"reserve_funds" };
	static const char *const amounts[] = {
		"0",
		"-1",
		"-0",
		"1.0",
		"0.5",
		"1e2",
		"1E400",
		"9007199254740992",
		"9223372036854775807",
		"9223372036854775808",
		"18446744073709551616",
		"-9223372036854775809",
		"123456789012345678901234567890",
		"\"5\"",
		"\"NaN\"",
		"null",
		"true",
		"[5]",
		"{\"value\":5}",
	};

	(void)state;
	for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++) {
		for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
			cc_when(commands[c], cc_format("{\"amount\":%s," WIRE "}", amounts[i]));
			cc_then_rejected("invalid_amount");
		}
		cc_when(commands[c], "{" WIRE "}");
		cc_then_rejected("invalid_amount");
		cc_when(commands[c], "[\"amount\",5]");
		cc_then_rejected("invalid_amount");
	}
}

static void a_wire_needs_an_id_and_a_target(void **state)
{
	static const char *const data[] = {
		"{\"amount\":1}",
		"{\"amount\":1,\"wireTransferId\":\"\",\"targetRoutingNumber\":\"r\","
		"\"targetAccountNumber\":\"t\"}",
		"{\"amount\":1,\"wireTransferId\":7,\"targetRoutingNumber\":\"r\","
		"\"targetAccountNumber\":\"t\"}",
		"{\"amount\":1,\"wireTransferId\":\"w\",\"targetAccountNumber\":\"t\"}",
		"{\"amount\":1,\"wireTransferId\":\"w\",\"targetRoutingNumber\":\"r\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		cc_when("wire_funds", data[i]);
		cc_then_rejected("invalid_data");
		cc_when("reserve_funds", data[i]);
		cc_then_rejected("invalid_data");
	}
}

static void a_note_is_a_text(void **state)
{
	(void)state;
	cc_when("deposit_funds", "{\"amount\":1,\"note\":7}");
	cc_then_rejected("invalid_data");
	cc_when("deposit_funds", "{\"amount\":1,\"transferId\":{}}");
	cc_then_rejected("invalid_data");
	cc_when("withdraw_funds", "{\"amount\":1,\"note\":[]}");
	cc_then_rejected("invalid_data");
	cc_when("wire_funds", "{\"amount\":1,\"note\":false," WIRE "}");
	cc_then_rejected("invalid_data");
}

/* ---- deposit_funds, withdraw_funds ---- */

static void a_deposit_adds(void **state)
{
	(void)state;
	cc_when("deposit_funds", "{\"note\":\"gr\u00fc\u00dfe\",\"amount\":3000,\"other\":1,"
				 "\"transferId\":\"t\"}");
	cc_then("funds_deposited",
		"{\"amount\":3000,\"note\":\"gr\u00fc\u00dfe\",\"transferId\":\"t\"}");
	cc_then_state("{\"balance\":7000,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
}

static void no_balance_passes_the_largest_exact_integer(void **state)
{
	(void)state;
	cc_when("deposit_funds", "{\"amount\":9007199254736991}");
	cc_then("funds_deposited", "{\"amount\":9007199254736991}");
	cc_when("deposit_funds", "{\"amount\":1}");
	cc_then_rejected("balance_limit");
	cc_when("deposit_funds", "{\"amount\":9007199254740991}");
	cc_then_rejected("balance_limit");
}

static void a_withdrawal_subtracts_down_to_the_minimum(void **state)
{
	(void)state;
	cc_when("withdraw_funds", "{\"amount\":3901}");
	cc_then_rejected("insufficient_funds");
	cc_when("withdraw_funds", "{\"amount\":9007199254740991}");
	cc_then_rejected("insufficient_funds");
	cc_when("withdraw_funds", "{\"amount\":3900,\"note\":\"all\"}");
	cc_then("funds_withdrawn", "{\"amount\":3900,\"note\":\"all\"}");
	cc_then_state("{\"balance\":100,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
	cc_when("withdraw_funds", "{\"amount\":1}");
	cc_then_rejected("insufficient_funds");
}

static void a_negative_minimum_is_an_overdraft(void **state)
{
	(void)state;
	cc_when("create_account", "{\"accountNumber\":\"ABC123\",\"customerId\":\"c\","
				  "\"minBalance\":-9007199254740991}");
	cc_then("account_created", "{\"accountNumber\":\"ABC123\",\"customerId\":\"c\","
				   "\"initialBalance\":0,\"minBalance\":-9007199254740991}");
	cc_when("withdraw_funds", "{\"amount\":9007199254740991}");
	cc_then("funds_withdrawn", "{\"amount\":9007199254740991}");
	cc_then_state("{\"balance\":-9007199254740991,\"min_balance\":-9007199254740991,"
		      "\"customer_id\":\"c\",\"reservations\":{}}");
	cc_when("withdraw_funds", "{\"amount\":1}");
	cc_then_rejected("insufficient_funds");
}

/* ---- wire transfers ---- */

static void wiring_promises_and_changes_nothing(void **state)
{
	(void)state;
	cc_when("wire_funds", "{\"amount\":500," WIRE ",\"note\":\"rent\"}");
	cc_then("wire_transfer_initiated", "{\"amount\":500," WIRE ",\"note\":\"rent\"" FROM "}");
	cc_then_state("{\"balance\":4000,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
	cc_when("wire_funds", "{\"amount\":3901," WIRE "}");
	cc_then_rejected("insufficient_funds");
}

static void what_is_reserved_is_not_available(void **state)
{
	(void)state;
	cc_when("reserve_funds", "{\"amount\":500," WIRE "}");
	cc_then("funds_reserved", "{\"amount\":500," WIRE FROM "}");
	cc_then_state("{\"balance\":4000,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{\"w1\":500}}");
	cc_when("withdraw_funds", "{\"amount\":3401}");
	cc_then_rejected("insufficient_funds");
	cc_when("withdraw_funds", "{\"amount\":3400}");
	cc_then("funds_withdrawn", "{\"amount\":3400}");
}

static void a_transfer_reserves_once(void **state)
{
	(void)state;
	cc_given("funds_reserved", "{\"amount\":3900," WIRE "}");
	cc_when("reserve_funds", "{\"amount\":1," WIRE "}");
	cc_then_rejected("already_reserved");
	cc_when("reserve_funds",
		"{\"amount\":1,\"wireTransferId\":\"w2\",\"targetRoutingNumber\":\"r\","
		"\"targetAccountNumber\":\"t\"}");
	cc_then_rejected("insufficient_funds");
}

static void a_release_gives_the_reservation_back(void **state)
{
	(void)state;
	cc_given("funds_reserved", "{\"amount\":500," WIRE "}");
	cc_when("release_funds", "{\"wireTransferId\":\"w1\"}");
	cc_then("funds_released", "{\"wireTransferId\":\"w1\",\"amount\":500" FROM "}");
	cc_then_state("{\"balance\":4000,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
}

static void a_commit_takes_the_money(void **state)
{
	(void)state;
	cc_given("funds_reserved", "{\"amount\":500," WIRE "}");
	cc_given("funds_reserved", "{\"amount\":20,\"wireTransferId\":\"w2\"}");
	cc_when("commit_funds", "{\"wireTransferId\":\"w1\"}");
	cc_then("funds_committed", "{\"wireTransferId\":\"w1\",\"amount\":500" FROM "}");
	cc_then_state("{\"balance\":3500,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{\"w2\":20}}");
}

static void an_unknown_transfer_cannot_end(void **state)
{
	static const char *const commands[] = { "release_funds", "commit_funds" };

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cc_when(commands[i], "{\"wireTransferId\":\"w1\"}");
		cc_then_rejected("no_reservation");
		cc_when(commands[i], "{\"wireTransferId\":17}");
		cc_then_rejected("invalid_data");
		cc_when(commands[i], "{}");
		cc_then_rejected("invalid_data");
	}
}

static void a_transfer_ends_once(void **state)
{
	(void)state;
	cc_given("funds_reserved", "{\"amount\":500," WIRE "}");
	cc_given("funds_committed", "{\"amount\":500,\"wireTransferId\":\"w1\"}");
	cc_when("release_funds", "{\"wireTransferId\":\"w1\"}");
	cc_then_rejected("no_reservation");
	cc_when("commit_funds", "{\"wireTransferId\":\"w1\"}");
	cc_then_rejected("no_reservation");
}

/* ---- what is not known ---- */

static void an_unknown_command_is_rejected(void **state)
{
	(void)state;
	cc_when("close_account", "{}");
	cc_then_rejected("unknown_command");
	cc_when("DepositFunds", "{\"amount\":1}");
	cc_then_rejected("unknown_command");
}

static void unknown_events_and_members_are_passed_over(void **state)
{
	(void)state;
	cc_given("limit_raised", "{\"amount\":1}");
	cc_given("funds_deposited",
		 "{\"amount\":5,\"currency\":\"EUR\",\"tags\":[1,{\"a\":null}]}");
	cc_then_state("{\"balance\":4005,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
}

static void event_types_match_in_snake_case(void **state)
{
	(void)state;
	cc_given("FundsDeposited", "{\"amount\":5}");
	cc_given("fundsDeposited", "{\"amount\":5}");
	cc_then_state("{\"balance\":4010,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
	cc_given("Funds_Deposited", "{\"amount\":5}");
	cc_then_state("{\"balance\":4010,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
}

static void a_past_that_makes_no_sense_is_not_folded(void **state)
{
	(void)state;
	cc_given("funds_deposited", "{\"note\":\"no amount\"}");
	cc_then_failed("event 2 (funds_deposited): member 'amount' is missing");
	cc_given("funds_deposited", "{\"amount\":9223372036854775807}");
	cc_then_failed("9223372036854775807 is more than an integer holds");
	cc_given("funds_withdrawn", "{\"amount\":-9223372036854775808}");
	cc_then_failed("-9223372036854775808 is more than an integer holds");
	cc_given("funds_released", "[]");
	cc_then_failed("member 'wireTransferId'");
	cc_then_state("{\"balance\":4000,\"min_balance\":100,\"customer_id\":\"CUST-9\","
		      "\"reservations\":{}}");
}

static void a_deposit_before_the_account_is_not_folded(void **state)
{
	(void)state;
	cc_given("funds_deposited", "{\"amount\":5}");
	cc_then_failed("event 1 (funds_deposited): member 'balance'");
	cc_then_state("null");
}

#define NEW(test)  cmocka_unit_test_setup_teardown(test, no_account_yet, check_end)
#define OPEN(test) cmocka_unit_test_setup_teardown(test, open_account, check_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEW(an_account_is_created_with_what_the_command_says),
		NEW(balance_and_minimum_are_zero_unless_given),
		OPEN(an_account_can_be_created_once),
		NEW(the_account_number_must_be_the_key),
		NEW(bad_data_creates_no_account),
		NEW(without_an_account_nothing_moves),
		OPEN(an_amount_is_an_integer_from_1_to_2_to_the_53_minus_1),
		OPEN(a_wire_needs_an_id_and_a_target),
		OPEN(a_note_is_a_text),
		OPEN(a_deposit_adds),
		OPEN(no_balance_passes_the_largest_exact_integer),
		OPEN(a_withdrawal_subtracts_down_to_the_minimum),
		NEW(a_negative_minimum_is_an_overdraft),
		OPEN(wiring_promises_and_changes_nothing),
		OPEN(what_is_reserved_is_not_available),
		OPEN(a_transfer_reserves_once),
		OPEN(a_release_gives_the_reservation_back),
		OPEN(a_commit_takes_the_money),
		OPEN(an_unknown_transfer_cannot_end),
		OPEN(a_transfer_ends_once),
		OPEN(an_unknown_command_is_rejected),
		OPEN(unknown_events_and_members_are_passed_over),
		OPEN(event_types_match_in_snake_case),
		OPEN(a_past_that_makes_no_sense_is_not_folded),
		NEW(a_deposit_before_the_account_is_not_folded),
	};

	return cmocka_run_group_tests_name("bank account", tests, NULL, NULL);
}
