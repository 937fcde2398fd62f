/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - one call of the runtime: arguments become values, the table finds the function, what it emitted becomes
 * text. The same for a component and for a native test. */
#include "internal.h"

#include <string.h>

/* The running call. A component is one thread and one call at a time, so there is one of these. */
static struct {
	const char *failure;
	struct cc_emitted *first;
	struct cc_emitted *last;
	size_t event_count;
	const char *code;
	const char *reason;
	struct cc_json *details;
} call;

const char *cc_call_failure(void)
{
	return call.failure;
}

void cc_call_end(void)
{
	memset(&call, 0, sizeof(call));
	cc_json_reset();
	cc_arena_reset();
}

void cc_fail(const char *format, ...)
{
	va_list arguments;

	if (call.failure != NULL)
		return;
	va_start(arguments, format);
	call.failure = cc_format_list(format, arguments, NULL);
	va_end(arguments);
}

enum cc_decision cc_emit(const char *type, struct cc_json *data)
{
	struct cc_emitted *event = cc_alloc(sizeof(*event));

	event->type = type;
	event->data = cc_json_write(data, &event->data_size);
	if (call.last != NULL)
		call.last->next = event;
	else
		call.first = event;
	call.last = event;
	call.event_count++;
	return CC_ACCEPTED;
}

static enum cc_decision reject(struct cc_json *details, const char *code, const char *format,
			       va_list arguments)
{
	call.code = code;
	call.reason = cc_format_list(format, arguments, NULL);
	call.details = details;
	return CC_REJECTED;
}

enum cc_decision cc_reject(const char *code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	enum cc_decision decision = reject(NULL, code, format, arguments);
	va_end(arguments);
	return decision;
}

enum cc_decision cc_reject_with(struct cc_json *details, const char *code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	enum cc_decision decision = reject(details, code, format, arguments);
	va_end(arguments);
	return decision;
}

/* The value of a text from the runtime. What isn't JSON fails the call. */
static struct cc_json *read_value(struct cc_given text, const char *what)
{
	struct cc_json *value = NULL;

	if (!cc_json_read_in_place(text.data, text.size, &value))
		cc_fail("%s is not JSON", what);
	return value;
}

static cc_command_fn *find_command(const struct cc_aggregate *aggregate, const char *type)
{
	for (size_t i = 0; i < aggregate->command_count; i++)
		if (strcmp(aggregate->commands[i].type, type) == 0)
			return aggregate->commands[i].handle;
	return NULL;
}

static cc_event_fn *find_event(const struct cc_aggregate *aggregate, const char *type)
{
	for (size_t i = 0; i < aggregate->event_count; i++)
		if (cc_same_type(aggregate->events[i].type, type))
			return aggregate->events[i].apply;
	return NULL;
}

bool cc_call_handle(const struct cc_aggregate *aggregate, struct cc_given state,
		    const struct cc_given_command *given, struct cc_handled *ret)
{
	cc_command_fn *handle = find_command(aggregate, given->type.data);
	enum cc_decision decision;

	if (handle == NULL) {
		decision =
			cc_reject("unknown_command", "there is no command '%s'", given->type.data);
	} else {
		struct cc_json *state_value = read_value(state, "the state");
		struct cc_command command = {
			.id = given->id.data,
			.type = given->type.data,
			.key = given->key.data,
			.time = given->time,
			.data = read_value(given->data, "the command's data"),
			.metadata = given->metadata.data,
		};

		if (call.failure != NULL)
			return false;
		decision = handle(state_value, &command);
	}
	if (call.failure != NULL)
		return false;
	if (decision == CC_REJECTED && call.code == NULL) {
		cc_fail("command '%s' is rejected without a reason: return what cc_reject() "
			"returned",
			given->type.data);
		return false;
	}
	*ret = (struct cc_handled){ .decision = decision };
	if (decision == CC_REJECTED) {
		ret->code = call.code;
		ret->reason = call.reason;
		ret->details = call.details != NULL ? cc_write(call.details) : NULL;
	} else {
		ret->events = call.first;
		ret->event_count = call.event_count;
	}
	return call.failure == NULL;
}

bool cc_call_apply(const struct cc_aggregate *aggregate, struct cc_given state,
		   struct cc_given_event (*next)(size_t index, void *arg), void *arg, size_t count,
		   const char **ret_state, size_t *ret_size)
{
	struct cc_json *value = read_value(state, "the state");

	for (size_t i = 0; i < count && call.failure == NULL; i++) {
		struct cc_given_event given = next(i, arg);
		cc_event_fn *apply = find_event(aggregate, given.type.data);

		if (apply == NULL)
			continue;
		struct cc_event event = {
			.type = given.type.data,
			.version = given.version,
			.time = given.time,
			.data = read_value(given.data, "the event's data"),
		};
		if (call.failure == NULL)
			value = apply(value, &event);
		if (call.failure != NULL)
			call.failure =
				cc_format("event %llu (%s): %s", (unsigned long long)event.version,
					  event.type, call.failure);
	}
	if (call.failure == NULL)
		*ret_state = cc_json_write(value, ret_size);
	return call.failure == NULL;
}

#define CHECKED(name, operation, word)                                             \
	long long name(long long a, long long b)                                   \
	{                                                                          \
		long long result;                                                  \
                                                                                   \
		if (!__builtin_##operation##_overflow(a, b, &result))              \
			return result;                                             \
		cc_fail("%lld " word " %lld is more than an integer holds", a, b); \
		return 0;                                                          \
	}

CHECKED(cc_plus, add, "plus")
CHECKED(cc_minus, sub, "minus")
CHECKED(cc_times, mul, "times")
