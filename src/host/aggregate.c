/* SPDX-License-Identifier: Apache-2.0 */
/* aggregate.c - handle and apply of an aggregate: our values into wasmtime's and back.
 *
 * wasmtime copies arguments, so they are lent from where they lie: records and lists on the stack or
 * in the call's arena, texts from the caller. A text that is no UTF-8 would end the process, so each
 * is looked at first. A result is wasmtime's until it is deleted; what is kept is copied into the
 * call's arena, after counts and sizes have been checked. Its types were compared with the contract
 * on loading; kinds are looked at all the same before anything is read by them. */
#include "base/utf8.h"
#include "host/internal.h"
#include "model/frame.h"

/* X(field name, kind) would hide more than it says: the fields stand where they are filled. */
#define COMMAND_FIELDS 6
#define EVENT_FIELDS   4

static wasmtime_component_val_t text_of(struct span s)
{
	return (wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_STRING,
					   .of.string = name_of_span(s) };
}

static wasmtime_component_val_t number_of(uint64_t n)
{
	return (wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_U64, .of.u64 = n };
}

static wasmtime_component_valrecord_entry_t field(const char *name, wasmtime_component_val_t value)
{
	return (wasmtime_component_valrecord_entry_t){ .name = name_of_span(span_from_string(name)),
						       .val = value };
}

static wasmtime_component_val_t record_of(wasmtime_component_valrecord_entry_t *fields,
					  size_t count)
{
	return (wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_RECORD,
					   .of.record = { .size = count, .data = fields } };
}

/* ---- what comes back -------------------------------------------------------------------------- */

/* A result's value is kept until this is called; a val that was never written is a boolean. */
static void val_cleanup(wasmtime_component_val_t *val)
{
	wasmtime_component_val_delete(val);
}

static enum status bad_kind(struct guest_instance *instance, struct error *err)
{
	return ERROR(err, ERR_TRAP, "%s returned a value of another type than the contract's",
		     instance->function);
}

static enum status too_large(struct guest_instance *instance, struct error *err)
{
	instance_returned_too_much(instance);
	return ERROR(err, ERR_LIMIT, "%s returned more than %llu bytes", instance->function,
		     (unsigned long long)instance->guest->component.limits.output_bytes);
}

/* The n-th of `count` fields, which must be of the kind. NULL: it is not. */
static const wasmtime_component_val_t *field_at(const wasmtime_component_val_t *record,
						size_t count, size_t n,
						wasmtime_component_valkind_t kind)
{
	if (record->kind != WASMTIME_COMPONENT_RECORD || record->of.record.size != count)
		return NULL;
	const wasmtime_component_val_t *value = &record->of.record.data[n].val;
	return value->kind == kind ? value : NULL;
}

/* Copies a text into the arena, counting it. */
static enum status take_text(struct guest_instance *instance, const wasmtime_component_val_t *value,
			     uint64_t *left, struct span *ret, struct error *err)
{
	if (value == NULL || value->kind != WASMTIME_COMPONENT_STRING)
		return bad_kind(instance, err);
	struct span text = span_of_name(&value->of.string);
	if (text.size > *left)
		return too_large(instance, err);
	*left -= text.size;
	*ret = arena_copy(instance->instance.call->arena, text);
	if (ret->data == NULL)
		return ERROR(err, ERR_NOMEM, "%s: room for %zu bytes", instance->function,
			     text.size);
	return OK;
}

static enum status take_events(struct guest_instance *instance,
			       const wasmtime_component_val_t *value,
			       struct component_decision *ret, struct error *err)
{
	uint64_t left = instance->guest->component.limits.output_bytes;

	if (value == NULL || value->kind != WASMTIME_COMPONENT_LIST)
		return bad_kind(instance, err);
	size_t count = value->of.list.size;
	if (count > FRAME_EVENTS_MAX) {
		instance_returned_too_much(instance);
		return ERROR(err, ERR_LIMIT,
			     "handle returned %zu events, of which a command takes at most %d",
			     count, FRAME_EVENTS_MAX);
	}
	struct component_new_event *events =
		arena_alloc_array(instance->instance.call->arena, count, sizeof(*events));
	if (events == NULL)
		return ERROR(err, ERR_NOMEM, "handle: room for %zu events", count);
	for (size_t i = 0; i < count; i++) {
		const wasmtime_component_val_t *record = &value->of.list.data[i];
		enum status s =
			take_text(instance, field_at(record, 2, 0, WASMTIME_COMPONENT_STRING),
				  &left, &events[i].type, err);
		if (s == OK)
			s = take_text(instance, field_at(record, 2, 1, WASMTIME_COMPONENT_STRING),
				      &left, &events[i].data, err);
		if (s != OK)
			return s;
	}
	ret->events = events;
	ret->event_count = count;
	return OK;
}

static enum status take_rejection(struct guest_instance *instance,
				  const wasmtime_component_val_t *value,
				  struct component_rejection *ret, struct error *err)
{
	uint64_t left = instance->guest->component.limits.output_bytes;

	if (value == NULL)
		return bad_kind(instance, err);
	const wasmtime_component_val_t *details = field_at(value, 3, 2, WASMTIME_COMPONENT_OPTION);
	if (details == NULL)
		return bad_kind(instance, err);
	enum status s = take_text(instance, field_at(value, 3, 0, WASMTIME_COMPONENT_STRING), &left,
				  &ret->code, err);
	if (s == OK)
		s = take_text(instance, field_at(value, 3, 1, WASMTIME_COMPONENT_STRING), &left,
			      &ret->reason, err);
	if (s != OK || details->of.option == NULL)
		return s;
	s = take_text(instance, details->of.option, &left, &ret->details, err);
	/* Empty would mean none; an empty text is no JSON. */
	if (s == OK && ret->details.size == 0)
		return ERROR(err, ERR_TRAP, "handle rejected with details that are empty");
	return s;
}

/* ---- the two functions ------------------------------------------------------------------------ */

static enum status check_text(const char *what, struct span s, struct error *err)
{
	if (LIKELY(utf8_is_valid(s)))
		return OK;
	return ERROR(err, ERR_INVALID, "%s is not UTF-8", what);
}

static enum status aggregate_handle(struct component_instance *base, struct span state,
				    const struct component_command *command,
				    struct component_decision *ret, struct error *err)
{
	struct guest_instance *instance = guest_instance_of(base);
	wasmtime_component_val_t result __attribute__((cleanup(val_cleanup))) = { 0 };
	const struct {
		const char *what;
		struct span text;
	} texts[] = { { "the state", state },
		      { "the command's id", command->id },
		      { "the command's type", command->type },
		      { "the command's key", command->key },
		      { "the command's data", command->data },
		      { "the command's metadata", command->metadata } };

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		enum status s = check_text(texts[i].what, texts[i].text, err);
		if (s != OK)
			return s;
	}
	wasmtime_component_valrecord_entry_t fields[COMMAND_FIELDS] = {
		field("id", text_of(command->id)),
		field("type", text_of(command->type)),
		field("key", text_of(command->key)),
		field("time", number_of(command->time_us)),
		field("data", text_of(command->data)),
		field("metadata", text_of(command->metadata)),
	};
	const wasmtime_component_val_t args[] = { text_of(state),
						  record_of(fields, ARRAY_COUNT(fields)) };
	enum status s =
		instance_call(instance, GUEST_HANDLE, args, ARRAY_COUNT(args), &result, err);
	if (s != OK)
		return s;
	if (result.kind != WASMTIME_COMPONENT_RESULT)
		return instance_failed(instance, bad_kind(instance, err));
	ret->rejected = !result.of.result.is_ok;
	s = ret->rejected ? take_rejection(instance, result.of.result.val, &ret->rejection, err)
			  : take_events(instance, result.of.result.val, ret, err);
	return s == OK ? OK : instance_failed(instance, s);
}

/* The events as a list of records, in the call's arena. */
static enum status events_of(struct guest_instance *instance, const struct component_event *events,
			     size_t count, wasmtime_component_val_t *ret, struct error *err)
{
	struct arena *arena = instance->instance.call->arena;
	wasmtime_component_val_t *values = arena_alloc_array(arena, count, sizeof(*values));
	wasmtime_component_valrecord_entry_t *fields =
		arena_alloc_array(arena, count, sizeof(*fields) * EVENT_FIELDS);

	if (values == NULL || fields == NULL)
		return ERROR(err, ERR_NOMEM, "apply: room for %zu events", count);
	for (size_t i = 0; i < count; i++, fields += EVENT_FIELDS) {
		const struct component_event *event = &events[i];
		enum status s = check_text("an event's type", event->type, err);
		if (s == OK)
			s = check_text("an event's data", event->data, err);
		if (s != OK)
			return s;
		fields[0] = field("type", text_of(event->type));
		fields[1] = field("version", number_of(event->version));
		fields[2] = field("time", number_of(event->time_us));
		fields[3] = field("data", text_of(event->data));
		values[i] = record_of(fields, EVENT_FIELDS);
	}
	*ret = (wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_LIST,
					   .of.list = { .size = count, .data = values } };
	return OK;
}

static enum status aggregate_apply(struct component_instance *base, struct span state,
				   const struct component_event *events, size_t count,
				   struct span *ret_state, struct error *err)
{
	struct guest_instance *instance = guest_instance_of(base);
	uint64_t left = instance->guest->component.limits.output_bytes;
	wasmtime_component_val_t result __attribute__((cleanup(val_cleanup))) = { 0 };
	wasmtime_component_val_t args[2] = { text_of(state) };
	struct span text = SPAN_EMPTY;

	enum status s = check_text("the state", state, err);
	if (s == OK)
		s = events_of(instance, events, count, &args[1], err);
	if (s == OK)
		s = instance_call(instance, GUEST_APPLY, args, ARRAY_COUNT(args), &result, err);
	if (s != OK)
		return s;
	if (result.kind != WASMTIME_COMPONENT_RESULT)
		return instance_failed(instance, bad_kind(instance, err));
	s = take_text(instance, result.of.result.val, &left, &text, err);
	if (s != OK)
		return instance_failed(instance, s);
	if (result.of.result.is_ok) {
		*ret_state = text;
		return OK;
	}
	OWNED(buf) struct buf reason = { 0 };
	failure_append_text(&reason, text);
	s = ERROR(err, ERR_INVALID, "apply cannot fold: %.*s", SPAN_ARG(buf_span(&reason)));
	return instance_failed(instance, s);
}

const struct component_ops aggregate_ops = {
	.open = instance_open,
	.handle = aggregate_handle,
	.apply = aggregate_apply,
	.close = instance_close,
	.free = guest_free,
};
