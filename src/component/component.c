/* SPDX-License-Identifier: Apache-2.0 */
/* component.c - calls components and believes nothing that they answer.
 *
 * The order of the checks follows their price: counts and sizes first, then names, then JSON, so
 * that a component that returns too much is refused before anybody reads it. */
#include "component/component.h"

#include "base/check.h"
#include "base/utf8.h"
#include "model/frame.h"
#include "model/name.h"
#include "json/json.h"

/* X(role, word) */
#define ROLE_TABLE(X)                              \
	X(ROLE_AGGREGATE, "aggregate")             \
	X(ROLE_PROCESS_MANAGER, "process_manager") \
	X(ROLE_PROJECTOR, "projector")             \
	X(ROLE_NOTIFIER, "notifier")               \
	X(ROLE_GATEWAY, "gateway")

const struct component_limits component_limits_default = {
	.memory_bytes = UINT64_C(64) << 20,
	.call_ms = 250,
	.output_bytes = UINT64_C(1) << 20,
	.log_lines = 100,
	.log_bytes = UINT64_C(1) << 10,
};

const char *component_role_word(enum component_role role)
{
	switch (role) {
#define X(value, word) \
	case value:    \
		return word;
		ROLE_TABLE(X)
#undef X
	}
	return "unknown";
}

bool component_role_parse(struct span word, enum component_role *ret)
{
#define X(value, text)                      \
	if (span_equal(word, SPAN(text))) { \
		*ret = value;               \
		return true;                \
	}
	ROLE_TABLE(X)
#undef X
	return false;
}

/* Who failed stands in front of every message. */
static enum status blame(const struct component *component, enum status s, struct error *err)
{
	return error_wrap(err, s, "component '%s'", component->name);
}

/* A bad value is the component's own failure: it broke. */
#define BAD(component, err, ...) blame((component), ERROR((err), ERR_TRAP, __VA_ARGS__), (err))

/* Adds to what a call has returned so far. */
static bool add_size(uint64_t *total, uint64_t max, struct span s)
{
	if (s.size > max - *total)
		return false;
	*total += s.size;
	return true;
}

static enum status too_large(const struct component *component, const char *function,
			     struct error *err)
{
	ERROR(err, ERR_LIMIT, "%s returned more than %llu bytes", function,
	      (unsigned long long)component->limits.output_bytes);
	return blame(component, ERR_LIMIT, err);
}

static enum status check_rejection(const struct component *component,
				   const struct component_rejection *rejection, struct error *err)
{
	uint64_t max = component->limits.output_bytes;
	uint64_t total = 0;
	enum status s;

	if (!add_size(&total, max, rejection->code) || !add_size(&total, max, rejection->reason) ||
	    !add_size(&total, max, rejection->details))
		return too_large(component, "handle", err);
	s = name_check_code(rejection->code, err);
	if (s != OK) {
		error_wrap(err, ERR_TRAP, "handle rejected with a bad code");
		return blame(component, ERR_TRAP, err);
	}
	if (!utf8_is_valid(rejection->reason))
		return BAD(component, err, "handle rejected with a reason that is not UTF-8");
	if (rejection->details.size != 0) {
		s = json_check(rejection->details, JSON_OBJECT, err);
		if (s == ERR_NOMEM)
			return s;
		if (s != OK) {
			error_wrap(err, ERR_TRAP,
				   "handle rejected with details that are no good JSON object");
			return blame(component, ERR_TRAP, err);
		}
	}
	return OK;
}

static enum status check_new_events(const struct component *component,
				    const struct component_decision *decision, struct error *err)
{
	uint64_t total = 0;

	if (decision->event_count > FRAME_EVENTS_MAX) {
		ERROR(err, ERR_LIMIT,
		      "handle returned %zu events, of which a command takes at most %d",
		      decision->event_count, FRAME_EVENTS_MAX);
		return blame(component, ERR_LIMIT, err);
	}
	for (size_t i = 0; i < decision->event_count; i++) {
		const struct component_new_event *event = &decision->events[i];

		if (!add_size(&total, component->limits.output_bytes, event->type) ||
		    !add_size(&total, component->limits.output_bytes, event->data))
			return too_large(component, "handle", err);
	}
	for (size_t i = 0; i < decision->event_count; i++) {
		const struct component_new_event *event = &decision->events[i];
		enum status s = name_check_type(event->type, err);

		if (s != OK) {
			error_wrap(err, ERR_TRAP, "handle returned event %zu with a bad type",
				   i + 1);
			return blame(component, ERR_TRAP, err);
		}
		s = json_check(event->data, JSON_MISSING, err);
		if (s == ERR_NOMEM)
			return s;
		if (s != OK) {
			error_wrap(err, ERR_TRAP, "handle returned event %zu (%.*s) with bad data",
				   i + 1, SPAN_ARG(event->type));
			return blame(component, ERR_TRAP, err);
		}
	}
	return OK;
}

enum status component_open(struct component *component, const struct component_call *call,
			   struct component_instance **ret, struct error *err)
{
	enum status s = component->ops->open(component, call, ret, err);

	return s == OK ? OK : blame(component, s, err);
}

enum status component_handle(struct component_instance *instance, struct span state,
			     const struct component_command *command,
			     struct component_decision *ret, struct error *err)
{
	const struct component *component = instance->component;
	struct component_decision decision = { 0 };

	CHECK(component->role == ROLE_AGGREGATE);
	enum status s = component->ops->handle(instance, state, command, &decision, err);
	if (s != OK)
		return blame(component, s, err);
	s = decision.rejected ? check_rejection(component, &decision.rejection, err)
			      : check_new_events(component, &decision, err);
	if (s == OK)
		*ret = decision;
	return s;
}

enum status component_apply(struct component_instance *instance, struct span state,
			    const struct component_event *events, size_t count,
			    struct span *ret_state, struct error *err)
{
	const struct component *component = instance->component;
	struct span folded = SPAN_EMPTY;

	CHECK(component->role == ROLE_AGGREGATE);
	enum status s = component->ops->apply(instance, state, events, count, &folded, err);
	if (s != OK)
		return blame(component, s, err);
	if (folded.size > component->limits.output_bytes)
		return too_large(component, "apply", err);
	s = json_check(folded, JSON_MISSING, err);
	if (s == ERR_NOMEM)
		return s;
	if (s != OK) {
		error_wrap(err, ERR_TRAP, "apply returned a bad state");
		return blame(component, ERR_TRAP, err);
	}
	*ret_state = folded;
	return OK;
}
