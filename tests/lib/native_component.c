/* SPDX-License-Identifier: Apache-2.0 */
/* native_component.c - components that are C functions. */
#include "lib/native_component.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "digest/digest.h"
#include "model/frame.h"
#include "json/json.h"

struct native_instance {
	struct component_instance instance; /* first: what component.h hands around */
	bool failed;                        /* only closing is allowed */
};

static struct native_component *native_of(struct component_instance *instance)
{
	return CONTAINER_OF(instance->component, struct native_component, component);
}

static enum status native_open(struct component *component, const struct component_call *call,
			       struct component_instance **ret, struct error *err)
{
	struct native_component *native =
		CONTAINER_OF(component, struct native_component, component);
	enum status fail = (enum status)atomic_load(&native->fail_open);

	CHECK(call->arena != NULL);
	if (fail != OK)
		return ERROR(err, fail, "opening failed, as it was told to");
	struct native_instance *instance = calloc(1, sizeof(*instance));
	CHECK(instance != NULL);
	instance->instance = (struct component_instance){ .component = component, .call = call };
	atomic_fetch_add(&native->opened, 1);
	atomic_fetch_add(&native->open_now, 1);
	*ret = &instance->instance;
	return OK;
}

static void native_close(struct component_instance *instance)
{
	atomic_fetch_sub(&native_of(instance)->open_now, 1);
	free(CONTAINER_OF(instance, struct native_instance, instance));
}

static void native_free(struct component *component)
{
	struct native_component *native =
		CONTAINER_OF(component, struct native_component, component);

	CHECK(atomic_load(&native->open_now) == 0);
	free(native);
}

/* What this call does instead of its work; counts down what was asked for. */
static enum native_failure take_failure(struct native_component *native, _Atomic int *which)
{
	int failure = atomic_load(which);

	if (failure != NATIVE_FINE) {
		uint64_t left = atomic_load(&native->fail_count);

		if (left != 0 && atomic_fetch_sub(&native->fail_count, 1) == 1)
			atomic_store(which, NATIVE_FINE);
	}
	return (enum native_failure)failure;
}

/* JSON that is larger than the component may return. */
static struct span too_large(struct component_instance *instance)
{
	size_t size = instance->component->limits.output_bytes + 3;
	char *text = arena_alloc(instance->call->arena, size);

	if (text == NULL)
		return SPAN_EMPTY;
	memset(text, 'x', size);
	text[0] = '"';
	text[size - 1] = '"';
	return span_of(text, size);
}

static void one_event(struct component_instance *instance, struct component_decision *ret,
		      size_t count, struct span type, struct span data)
{
	ret->events = arena_alloc_array(instance->call->arena, count, sizeof(*ret->events));
	CHECK(ret->events != NULL);
	ret->event_count = count;
	for (size_t i = 0; i < count; i++)
		ret->events[i] = (struct component_new_event){ .type = type, .data = data };
}

static enum status common_failure(enum native_failure failure, const char *function,
				  struct error *err)
{
	if (failure == NATIVE_DEADLINE)
		return ERROR(err, ERR_DEADLINE, "%s did not finish, as it was told", function);
	if (failure == NATIVE_LIMIT)
		return ERROR(err, ERR_LIMIT, "%s passed a limit, as it was told", function);
	return ERROR(err, ERR_TRAP, "%s trapped, as it was told", function);
}

static enum status native_handle(struct component_instance *instance, struct span state,
				 const struct component_command *command,
				 struct component_decision *ret, struct error *err)
{
	struct native_component *native = native_of(instance);
	struct native_instance *own = CONTAINER_OF(instance, struct native_instance, instance);
	enum native_failure failure = take_failure(native, &native->fail_handle);

	CHECK(!own->failed);
	CHECK(json_check(state, JSON_MISSING, NULL) == OK);
	CHECK(json_check(command->data, JSON_MISSING, NULL) == OK);
	CHECK(json_check(command->metadata, JSON_OBJECT, NULL) == OK);
	atomic_fetch_add(&native->handled, 1);
	switch (failure) {
	case NATIVE_FINE:
	case NATIVE_UNSTEADY:
		break;
	case NATIVE_BAD_JSON:
		one_event(instance, ret, 1, SPAN("broken"), SPAN("{\"a\":"));
		return OK;
	case NATIVE_BAD_NAME:
		one_event(instance, ret, 1, SPAN("no type!"), SPAN("{}"));
		return OK;
	case NATIVE_TOO_MANY:
		one_event(instance, ret, FRAME_EVENTS_MAX + 1, SPAN("deposited"),
			  SPAN("{\"amount\":1}"));
		return OK;
	case NATIVE_TOO_LARGE:
		one_event(instance, ret, 1, SPAN("fat"), too_large(instance));
		return OK;
	case NATIVE_TRAP:
	case NATIVE_DEADLINE:
	case NATIVE_LIMIT:
	case NATIVE_CANNOT_FOLD:
		own->failed = true;
		return common_failure(failure, "handle", err);
	}
	enum status s = native->functions.handle(native->functions.arg, instance->call, state,
						 command, ret, err);
	own->failed = s != OK;
	return s;
}

static enum status native_apply(struct component_instance *instance, struct span state,
				const struct component_event *events, size_t count,
				struct span *ret_state, struct error *err)
{
	static _Atomic uint64_t unsteady;
	struct native_component *native = native_of(instance);
	struct native_instance *own = CONTAINER_OF(instance, struct native_instance, instance);
	enum native_failure failure = take_failure(native, &native->fail_apply);

	CHECK(!own->failed);
	CHECK(json_check(state, JSON_MISSING, NULL) == OK);
	for (size_t i = 0; i < count; i++) {
		CHECK(json_check(events[i].data, JSON_MISSING, NULL) == OK);
		CHECK(i == 0 || events[i].version == events[i - 1].version + 1);
		CHECK(i == 0 || events[i].time_us >= events[i - 1].time_us);
	}
	atomic_fetch_add(&native->applied, 1);
	atomic_fetch_add(&native->folded, count);
	switch (failure) {
	case NATIVE_FINE:
		break;
	case NATIVE_UNSTEADY:
		*ret_state =
			arena_format(instance->call->arena, "{\"balance\":0,\"call\":%" PRIu64 "}",
				     atomic_fetch_add(&unsteady, 1));
		return OK;
	case NATIVE_BAD_JSON:
	case NATIVE_BAD_NAME:
		*ret_state = SPAN("{\"a\":");
		return OK;
	case NATIVE_TOO_MANY:
	case NATIVE_TOO_LARGE:
		*ret_state = too_large(instance);
		return OK;
	case NATIVE_CANNOT_FOLD:
		own->failed = true;
		return ERROR(err, ERR_INVALID, "apply refused an event, as it was told");
	case NATIVE_TRAP:
	case NATIVE_DEADLINE:
	case NATIVE_LIMIT:
		own->failed = true;
		return common_failure(failure, "apply", err);
	}
	enum status s = native->functions.apply(native->functions.arg, instance->call, state,
						events, count, ret_state, err);
	own->failed = s != OK;
	return s;
}

static const struct component_ops native_ops = {
	.open = native_open,
	.handle = native_handle,
	.apply = native_apply,
	.close = native_close,
	.free = native_free,
};

struct native_component *native_component_new(const char *name, const char *version,
					      const struct native_functions *functions)
{
	struct native_component *native = calloc(1, sizeof(*native));

	CHECK(native != NULL);
	native->component = (struct component){
		.ops = &native_ops,
		.role = ROLE_AGGREGATE,
		.digest = digest_sha256(span_from_string(version)),
		.limits = component_limits_default,
	};
	CHECK(strlen(name) < sizeof(native->component.name));
	memcpy(native->component.name, name, strlen(name) + 1);
	native->functions = *functions;
	return native;
}

/* ---- the account ------------------------------------------------------------------------------ */

struct account {
	bool exists;
	int64_t balance;
	int64_t events;
};

/* The parsed state; ours, so it has the right members. */
static enum status account_read(struct arena *arena, struct span state, struct account *ret,
				struct error *err)
{
	const struct json *value = NULL;
	enum status s = json_parse(state, arena, &value, err);

	if (s != OK)
		return s;
	*ret = (struct account){ .exists = json_type(value) == JSON_OBJECT };
	if (ret->exists && (!json_i64(json_get(value, "balance"), &ret->balance) ||
			    !json_i64(json_get(value, "events"), &ret->events)))
		return ERROR(err, ERR_TRAP, "a state that is no account");
	return OK;
}

static enum status reject(struct component_decision *ret, struct span code, struct span reason,
			  struct span details)
{
	ret->rejected = true;
	ret->rejection =
		(struct component_rejection){ .code = code, .reason = reason, .details = details };
	return OK;
}

static enum status accept(const struct component_call *call, struct component_decision *ret,
			  size_t count, struct span type, struct span data, struct error *err)
{
	ret->events = arena_alloc_array(call->arena, count, sizeof(*ret->events));
	if (ret->events == NULL || data.data == NULL)
		return ERROR(err, ERR_NOMEM, "handle: room for %zu events", count);
	ret->event_count = count;
	for (size_t i = 0; i < count; i++)
		ret->events[i] = (struct component_new_event){ .type = type, .data = data };
	return OK;
}

static enum status account_handle(void *arg, const struct component_call *call, struct span state,
				  const struct component_command *command,
				  struct component_decision *ret, struct error *err)
{
	struct account account;
	const struct json *data = NULL;
	int64_t amount = 0;
	uint64_t count = 0;

	(void)arg;
	enum status s = account_read(call->arena, state, &account, err);
	if (s == OK)
		s = json_parse(command->data, call->arena, &data, err);
	if (s != OK)
		return s;
	if (span_equal(command->type, SPAN("open_account"))) {
		if (account.exists)
			return reject(ret, SPAN("exists"), SPAN("there is one already"),
				      SPAN_EMPTY);
		return accept(call, ret, 1, SPAN("account_opened"), SPAN("{}"), err);
	}
	if (!account.exists)
		return reject(ret, SPAN("no_such_account"), SPAN("there is no such account"),
			      SPAN_EMPTY);
	if (span_equal(command->type, SPAN("look")))
		return OK;
	if (span_equal(command->type, SPAN("log"))) {
		struct span text = json_string(json_get(data, "text"));

		if (call->log != NULL)
			call->log(COMPONENT_INFO, SPAN("account"), text, call->log_arg);
		return OK;
	}
	if (span_equal(command->type, SPAN("close_account")))
		return accept(call, ret, 1, SPAN("account_closed"), SPAN("{}"), err);
	if (span_equal(command->type, SPAN("deposit_many"))) {
		if (!json_u64(json_get(data, "count"), &count))
			return reject(ret, SPAN("bad_count"), SPAN("count is a number"),
				      SPAN_EMPTY);
		return accept(call, ret, count, SPAN("deposited"), SPAN("{\"amount\":1}"), err);
	}
	bool deposit = span_equal(command->type, SPAN("deposit"));
	if (!deposit && !span_equal(command->type, SPAN("withdraw")))
		return reject(ret, SPAN("unknown_command"), command->type, SPAN_EMPTY);
	if (!json_i64(json_get(data, "amount"), &amount) || amount <= 0)
		return reject(ret, SPAN("bad_amount"), SPAN("amount is a number above 0"),
			      SPAN_EMPTY);
	if (!deposit && amount > account.balance)
		return reject(
			ret, SPAN("insufficient_funds"), SPAN("not enough money"),
			arena_format(call->arena, "{\"balance\":%" PRId64 "}", account.balance));
	return accept(call, ret, 1, deposit ? SPAN("deposited") : SPAN("withdrawn"), command->data,
		      err);
}

static enum status account_apply(void *arg, const struct component_call *call, struct span state,
				 const struct component_event *events, size_t count,
				 struct span *ret_state, struct error *err)
{
	struct account account;

	(void)arg;
	enum status s = account_read(call->arena, state, &account, err);
	if (s != OK)
		return s;
	for (size_t i = 0; i < count; i++) {
		const struct component_event *event = &events[i];
		const struct json *data = NULL;
		int64_t amount = 0;

		s = json_parse(event->data, call->arena, &data, err);
		if (s != OK)
			return s;
		bool deposited = span_equal(event->type, SPAN("deposited"));
		if (span_equal(event->type, SPAN("account_opened"))) {
			account = (struct account){ .exists = true };
		} else if (span_equal(event->type, SPAN("account_closed"))) {
			account = (struct account){ 0 };
			continue;
		} else if ((deposited || span_equal(event->type, SPAN("withdrawn"))) &&
			   json_i64(json_get(data, "amount"), &amount)) {
			account.balance += deposited ? amount : -amount;
		} else {
			return ERROR(err, ERR_INVALID, "event %" PRIu64 " (%.*s) is not known",
				     event->version, SPAN_ARG(event->type));
		}
		account.events++;
	}
	*ret_state = account.exists
			     ? arena_format(call->arena,
					    "{\"balance\":%" PRId64 ",\"events\":%" PRId64 "}",
					    account.balance, account.events)
			     : arena_copy(call->arena, SPAN("null"));
	return ret_state->data != NULL ? OK : ERROR(err, ERR_NOMEM, "apply: room for the state");
}

const struct native_functions native_account = {
	.handle = account_handle,
	.apply = account_apply,
};
