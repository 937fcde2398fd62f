/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define ARENA_MAX_BYTES ((size_t)256 << 20)

static char run_name[160];

void broken_names(const char *run)
{
	(void)snprintf(run_name, sizeof(run_name), "%s", run);
}

void broken(const char *format, ...)
{
	va_list arguments;

	(void)fprintf(stderr, "\n%s\n", run_name);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	abort();
}

void model_init(struct model *model)
{
	memset(model, 0, sizeof(*model));
	model->arena = arena_new(ARENA_MAX_BYTES);
	CHECK(model->arena != NULL);
}

void model_fini(struct model *model)
{
	for (size_t i = 0; i < model->stream_count; i++)
		free(model->streams[i].events);
	arena_free(model->arena);
}

struct model_stream *model_stream(struct model *model, struct stream_name name)
{
	char text[STREAM_NAME_MAX_BYTES + 1];

	(void)snprintf(text, sizeof(text), "%.*s/%.*s", SPAN_ARG(name.category),
		       SPAN_ARG(name.key));
	for (size_t i = 0; i < model->stream_count; i++)
		if (strcmp(model->streams[i].text, text) == 0)
			return &model->streams[i];
	CHECK(model->stream_count < MODEL_STREAMS_MAX);
	struct model_stream *stream = &model->streams[model->stream_count++];
	memcpy(stream->text, text, sizeof(text));
	return stream;
}

int64_t model_number(struct span data, const char *member)
{
	char label[32];

	(void)snprintf(label, sizeof(label), "\"%s\":", member);
	size_t size = strlen(label);
	for (size_t i = 0; i + size < data.size; i++)
		if (memcmp(data.data + i, label, size) == 0)
			return strtoll((const char *)data.data + i + size, NULL, 10);
	return 0;
}

static struct model_account fold(struct model_account account, const struct frame_event *event)
{
	if (span_equal_string(event->type, "account_opened"))
		return (struct model_account){ .exists = true, .events = 1 };
	if (span_equal_string(event->type, "account_closed"))
		return (struct model_account){ 0 };
	if (span_equal_string(event->type, "deposited"))
		account.balance += model_number(event->data, "amount");
	else
		account.balance -= model_number(event->data, "amount");
	account.events++;
	return account;
}

size_t model_decide(struct model_account account, struct span type, struct span data,
		    const char **ret_code)
{
	*ret_code = NULL;
	if (span_equal_string(type, "open_account")) {
		*ret_code = account.exists ? "exists" : NULL;
		return account.exists ? 0 : 1;
	}
	if (!account.exists)
		*ret_code = "no_such_account";
	else if (span_equal_string(type, "withdraw") &&
		 model_number(data, "amount") > account.balance)
		*ret_code = "insufficient_funds";
	if (*ret_code != NULL || span_equal_string(type, "look"))
		return 0;
	return span_equal_string(type, "deposit_many") ? (size_t)model_number(data, "count") : 1;
}

struct model_account model_account(const struct model_stream *stream, uint64_t version)
{
	CHECK(version <= stream->event_count);
	return version == 0 ? (struct model_account){ 0 } : stream->events[version - 1].after;
}

void model_state(struct model_account account, char text[static 96])
{
	if (account.exists)
		(void)snprintf(text, 96, "{\"balance\":%" PRId64 ",\"events\":%" PRId64 "}",
			       account.balance, account.events);
	else
		(void)snprintf(text, 96, "null");
}

uint64_t model_version_at(const struct model_stream *stream, uint64_t time_us)
{
	uint64_t version = 0;

	while (version < stream->event_count && stream->events[version].frame->time_us <= time_us)
		version++;
	return version;
}

static void take_in_events(struct model_stream *stream, const struct frame *frame)
{
	bool account = span_equal_string(frame->stream.category, "account");
	const char *code;

	/* Promise 2: decided on the state after all that came before. */
	if (account) {
		size_t count = model_decide(model_account(stream, stream->event_count),
					    frame->command.type, frame->command.data, &code);
		MUST(code == NULL && count == frame->event_count,
		     "%s: the decision at version %zu (%.*s %.*s) has %zu events, not %zu (%s)",
		     stream->text, stream->event_count, SPAN_ARG(frame->command.type),
		     SPAN_ARG(frame->command.data), frame->event_count, count,
		     code != NULL ? code : "accepted");
	}
	for (size_t i = 0; i < frame->event_count; i++) {
		struct model_event event = { .frame = frame, .index = i };

		if (account)
			event.after =
				fold(model_account(stream, stream->event_count), &frame->events[i]);
		if (stream->event_count == stream->capacity) {
			stream->capacity = stream->capacity * 2 + 64;
			stream->events =
				realloc(stream->events, stream->capacity * sizeof(*stream->events));
			CHECK(stream->events != NULL);
		}
		stream->events[stream->event_count++] = event;
	}
}

static void take_in(struct model *model, const struct frame *frame, struct span bytes)
{
	struct model_frame *made = arena_alloc_zeroed(model->arena, sizeof(*made));
	struct model_stream *stream = model_stream(model, frame->stream);

	CHECK(made != NULL && model->sequence < MODEL_FRAMES_MAX);
	made->bytes = arena_copy(model->arena, bytes);
	CHECK(made->bytes.data != NULL);
	CHECK(frame_decode(made->bytes, model->arena, &made->frame, NULL) == OK);
	made->frame.sequence = frame->sequence;
	made->compared = true;

	/* Promise 4: none skipped, none twice, overall and in the stream; time never goes back. */
	MUST(frame->sequence == model->sequence + 1, "frame %" PRIu64 " follows %" PRIu64,
	     frame->sequence, model->sequence);
	MUST(frame->number == stream->number + 1, "%s: frame %" PRIu64 " follows %" PRIu64,
	     stream->text, frame->number, stream->number);
	MUST(frame->first_version == stream->event_count + 1, "%s: version %" PRIu64 " follows %zu",
	     stream->text, frame->first_version, stream->event_count);
	MUST(stream->event_count == 0 ||
		     frame->time_us >= stream->events[stream->event_count - 1].frame->time_us,
	     "%s: time goes back at version %" PRIu64, stream->text, frame->first_version);
	/* Promise 5: an id has one effect. */
	for (size_t i = 0; frame->command.id.size != 0 && i < stream->event_count; i++)
		MUST(!span_equal(stream->events[i].frame->command.id, frame->command.id),
		     "%s: id '%.*s' is stored twice", stream->text, SPAN_ARG(frame->command.id));
	model->frames[model->sequence++] = made;
	stream->number = frame->number;
	take_in_events(stream, &made->frame);
	model->taken_in(&made->frame, model->arg);
}

static bool visit(const struct frame *frame, void *arg)
{
	struct model *model = arg;
	OWNED(buf) struct buf bytes = { 0 };

	CHECK(frame_encode(frame, &bytes, NULL) == OK);
	if (frame->sequence > model->sequence) {
		take_in(model, frame, buf_span(&bytes));
		return true;
	}
	struct model_frame *known = model->frames[frame->sequence - 1];
	MUST(!known->compared && span_equal(known->bytes, buf_span(&bytes)),
	     "frame %" PRIu64 " is not what it was", frame->sequence);
	known->compared = true;
	return true;
}

static bool read_from(struct model *model, struct store *store, uint64_t sequence)
{
	static const struct read_options options = { .direction = FORWARD };

	return store_read_all(store, sequence, &options, visit, model, NULL, NULL) == OK;
}

bool model_follow(struct model *model, struct store *store)
{
	return store_durable(store) == model->sequence ||
	       (read_from(model, store, model->sequence + 1) &&
		store_durable(store) == model->sequence);
}

void model_compare(struct model *model, struct store *store)
{
	uint64_t known = model->sequence;

	for (uint64_t i = 0; i < known; i++)
		model->frames[i]->compared = false;
	MUST(read_from(model, store, 1), "the log cannot be read after it was opened again");
	for (uint64_t i = 0; i < known; i++)
		MUST(model->frames[i]->compared, "frame %" PRIu64 " was durable and is gone",
		     i + 1);
}
