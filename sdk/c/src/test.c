/* SPDX-License-Identifier: Apache-2.0 */
/* test.c - a runtime for tests: one instance, in memory, native.
 *
 * It treats the aggregate as the real one does: arguments as JSON texts, one call at a time, nothing kept between calls
 * but the state's text. What a test allocates hangs from one list, which cc_test_start() frees. */
#include "concordance_test.h"
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX        4096
#define MESSAGE_MAX_BYTES 2048

struct past_event {
	char *type;
	char *data;
};

static struct {
	char *key;
	char *state;
	struct past_event events[EVENTS_MAX]; /* stored: given and decided */
	size_t event_count;
	size_t checked_count; /* events before this one have been asked for */
	char *rejected;       /* "code: reason" of the last decision, or NULL */
	char *failed;         /* its failure, or NULL */
	uint64_t steps;
} test;

static char message[MESSAGE_MAX_BYTES];

struct allocation {
	struct allocation *next;
	char text[];
};
static struct allocation *allocations;

static char *duplicate(const char *text, size_t size)
{
	struct allocation *copy = calloc(1, sizeof(*copy) + size + CC_TEXT_PADDING);

	if (copy == NULL)
		abort();
	copy->next = allocations;
	allocations = copy;
	memcpy(copy->text, text, size);
	return copy->text;
}

static void free_all(void)
{
	while (allocations != NULL) {
		struct allocation *next = allocations->next;

		free(allocations);
		allocations = next;
	}
}

static char *duplicate_text(const char *text)
{
	return duplicate(text, strlen(text));
}

/* A fresh copy, because parsing changes the text. */
static struct cc_given given(const char *text)
{
	return (struct cc_given){ .data = duplicate_text(text), .size = strlen(text) };
}

static const char *complain(const char *format, ...) CC_FORMAT(1, 2);
static const char *complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return message;
}

void cc_log_write(enum cc_level level, const char *line, size_t size)
{
	static const char *const names[] = {
		"trace", "debug", "info", "warn", "error", "critical"
	};

	(void)fprintf(stderr, "%s: %.*s\n", names[level], (int)size, line);
}

/* The same JSON without spaces, or NULL when it isn't JSON. */
static char *normal(const char *text)
{
	struct cc_given copy = given(text);
	struct cc_json *value;
	char *result = NULL;
	size_t size;

	if (cc_json_read_in_place(copy.data, copy.size, &value)) {
		const char *written = cc_json_write(value, &size);

		result = duplicate(written, size);
	}
	cc_call_end();
	return result;
}

static struct cc_given_event event_at(size_t index, void *arg)
{
	const size_t *first = arg;
	const struct past_event *event = &test.events[*first + index];

	return (struct cc_given_event){
		.type = given(event->type),
		.data = given(event->data),
		.version = *first + index + 1,
		.time = (*first + index + 1) * 1000000,
	};
}

/* The state after events [first, event_count), from `state`; NULL with *ret_failure when they can't be folded. */
static char *fold(const char *state, size_t first, char **ret_failure)
{
	const char *text;
	char *result = NULL;
	size_t size;

	if (cc_call_apply(&cc_aggregate, given(state), event_at, &first, test.event_count - first,
			  &text, &size))
		result = duplicate(text, size);
	else
		*ret_failure = duplicate_text(cc_call_failure());
	cc_call_end();
	return result;
}

/* Folds what was added from `first` on, in two ways. On failure the events are taken back. */
static const char *advance(size_t first)
{
	char *failure = NULL;
	char *state = fold(test.state, first, &failure);
	char *again = state != NULL ? fold("null", 0, &failure) : NULL;

	if (again == NULL) {
		test.event_count = first;
		test.failed = failure;
		return NULL;
	}
	if (strcmp(state, again) != 0)
		return complain("the state depends on how the past is cut: %s, but in one go %s",
				state, again);
	test.state = state;
	return NULL;
}

static const char *add_event(const char *type, const char *data, size_t data_size)
{
	if (test.event_count == EVENTS_MAX)
		return complain("a test has at most %d events", EVENTS_MAX);
	test.events[test.event_count++] = (struct past_event){
		.type = duplicate_text(type),
		.data = duplicate(data, data_size),
	};
	return NULL;
}

/* Nothing of the last step may be left over when the next one begins. */
static const char *begin_step(void)
{
	size_t left = test.checked_count;

	test.checked_count = test.event_count;
	test.steps++;
	if (left < test.event_count)
		return complain("event %s %s was decided and not asked for", test.events[left].type,
				test.events[left].data);
	if (test.failed != NULL) {
		const char *failure = complain("the call failed: %s", test.failed);

		test.failed = NULL;
		return failure;
	}
	test.rejected = NULL;
	return NULL;
}

const char *cc_test_start(const char *key)
{
	const char *left = begin_step();

	free_all();
	memset(&test, 0, sizeof(test));
	test.key = duplicate_text(key);
	test.state = duplicate_text("null");
	return left;
}

const char *cc_test_end(void)
{
	return begin_step();
}

const char *cc_test_given(const char *type, const char *data)
{
	const char *failure = begin_step();
	size_t first = test.event_count;

	if (failure == NULL)
		failure = add_event(type, data, strlen(data));
	if (failure == NULL)
		failure = advance(first);
	test.checked_count = test.event_count;
	return failure;
}

const char *cc_test_when(const char *type, const char *data)
{
	const char *failure = begin_step();
	size_t first = test.event_count;
	struct cc_handled handled;

	if (failure != NULL)
		return failure;
	struct cc_given_command command = {
		.id = given("command-1"),
		.type = given(type),
		.key = given(test.key),
		.data = given(data),
		.metadata = given("{\"correlation_id\":\"command-1\"}"),
		.time = test.steps * 1000000,
	};
	if (!cc_call_handle(&cc_aggregate, given(test.state), &command, &handled)) {
		test.failed = duplicate_text(cc_call_failure());
	} else if (handled.decision == CC_REJECTED) {
		const char *reason = cc_format("%s: %s", handled.code, handled.reason);

		test.rejected = duplicate_text(reason);
	} else {
		for (const struct cc_emitted *e = handled.events; e != NULL && failure == NULL;
		     e = e->next)
			failure = add_event(e->type, e->data, e->data_size);
	}
	cc_call_end();
	return failure != NULL || first == test.event_count ? failure : advance(first);
}

static const char *refused(void)
{
	if (test.failed != NULL)
		return complain("the call failed: %s", test.failed);
	if (test.rejected != NULL)
		return complain("the command was rejected: %s", test.rejected);
	return NULL;
}

const char *cc_test_then(const char *type, const char *data)
{
	const char *failure = refused();

	if (failure != NULL)
		return failure;
	if (test.checked_count == test.event_count)
		return complain("there is no event (more), %s was expected", type);
	const struct past_event *event = &test.events[test.checked_count++];
	const char *wanted = normal(data);
	if (wanted == NULL)
		return complain("the test's own data is not JSON: %s", data);
	if (!cc_same_type(event->type, type) || strcmp(event->data, wanted) != 0)
		return complain("decided %s %s, expected %s %s", event->type, event->data, type,
				wanted);
	return NULL;
}

const char *cc_test_then_nothing(void)
{
	const char *failure = refused();

	return failure != NULL ? failure : begin_step();
}

const char *cc_test_then_rejected(const char *code)
{
	size_t size = strlen(code);

	if (test.failed != NULL)
		return refused();
	if (test.rejected == NULL)
		return complain("accepted, %s was expected", code);
	if (strncmp(test.rejected, code, size) != 0 || test.rejected[size] != ':')
		return complain("rejected by %s, %s was expected", test.rejected, code);
	return NULL;
}

const char *cc_test_then_failed(const char *reason)
{
	const char *failed = test.failed;

	if (failed == NULL)
		return complain("the call did not fail, it should with: %s", reason);
	test.failed = NULL;
	if (strstr(failed, reason) == NULL)
		return complain("the call failed with: %s, expected: %s", failed, reason);
	return NULL;
}

const char *cc_test_then_state(const char *state)
{
	const char *wanted = normal(state);

	if (wanted == NULL)
		return complain("the test's own state is not JSON: %s", state);
	if (strcmp(test.state, wanted) != 0)
		return complain("the state is %s, expected %s", test.state, wanted);
	return NULL;
}

const char *cc_test_state(void)
{
	return test.state;
}
