/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - stored events as text. */
#include "api_http/page.h"

#include "api_http/call.h"
#include "model/cloudevent.h"

/* One event's metadata, parsed. What was stored must be readable, so this is never the tighter limit:
 * a frame's bytes can become some ten times as many as values. */
#define ARENA_MAX_BYTES ((size_t)64 << 20)

struct reader {
	const struct api *api;
	const struct page_query *query;
	struct page *page;
	struct arena *arena;
	uint64_t frames_left; /* of one stream: so many more may be looked at */
	bool more;            /* stopped before the end */
	enum status status;
	struct error *err;
};

static uint64_t place_of(const struct page_query *query, const struct frame *frame, size_t index)
{
	return query->of_stream ? frame->first_version + index
				: position_of(frame->sequence, (unsigned)index);
}

static bool is_wanted(const struct page_query *query, const struct frame *frame, size_t index)
{
	uint64_t place = place_of(query, frame, index);

	if (query->direction == FORWARD ? place <= query->after : place >= query->after)
		return false;
	if (query->type_count == 0)
		return true;
	for (size_t i = 0; i < query->type_count; i++)
		if (type_matches(query->types[i], frame->events[index].type))
			return true;
	return false;
}

/* Data is given back as it was received, which may be over several lines; where a line is an event,
 * those breaks would cut it. In JSON a raw line break can only be white space between values. */
static void put_on_one_line(struct buf *text, size_t start)
{
	for (size_t i = start; i < text->size; i++)
		if (text->data[i] == '\n' || text->data[i] == '\r')
			text->data[i] = ' ';
}

static enum status append_event(struct reader *reader, const struct frame *frame, size_t index)
{
	struct buf *text = &reader->page->text;

	switch (reader->query->format) {
	case PAGE_BATCH:
		if (reader->page->count != 0)
			buf_append_byte(text, ',');
		break;
	case PAGE_NDJSON:
		break;
	case PAGE_SSE:
		buf_append_string(text, "id: ");
		buf_append_u64(text, place_of(reader->query, frame, index));
		buf_append_string(text, "\ndata: ");
		break;
	}
	size_t start = text->size;
	enum status s = cloudevent_append(text, reader->api->options.application, frame, index,
					  reader->arena, reader->err);
	arena_clear(reader->arena);
	if (s != OK)
		return s;
	if (reader->query->format != PAGE_BATCH)
		put_on_one_line(text, start);
	switch (reader->query->format) {
	case PAGE_BATCH:
		break;
	case PAGE_NDJSON:
		buf_append_byte(text, '\n');
		break;
	case PAGE_SSE:
		buf_append_string(text, "\n\n");
		break;
	}
	if (buf_status(text) != OK)
		return ERROR(reader->err, ERR_NOMEM, "no memory for a page of events");
	return OK;
}

static bool visit(const struct frame *frame, void *arg)
{
	struct reader *reader = arg;
	const struct page_query *query = reader->query;
	struct page *page = reader->page;

	if (query->of_stream) {
		if (reader->frames_left == 0) {
			reader->more = true;
			return false;
		}
		reader->frames_left--;
	}
	for (size_t i = 0; i < frame->event_count; i++) {
		size_t index = query->direction == FORWARD ? i : frame->event_count - 1 - i;

		if (!is_wanted(query, frame, index))
			continue;
		if (page->count == query->limit || page->text.size >= PAGE_MAX_BYTES) {
			reader->more = true;
			return false;
		}
		reader->status = append_event(reader, frame, index);
		if (reader->status != OK)
			return false;
		page->count++;
		page->next = place_of(query, frame, index);
	}
	/* Done with all of it, wanted or not. */
	if (query->of_stream)
		page->next = query->direction == FORWARD ? frame_last_version(frame)
							 : frame->first_version;
	return true;
}

static enum status read_stream(struct reader *reader, const struct read_options *options)
{
	const struct page_query *query = reader->query;
	uint64_t from = query->after;

	if (query->direction == FORWARD)
		from = query->after == UINT64_MAX ? UINT64_MAX : query->after + 1;
	else if (query->after != UINT64_MAX && query->after != 0)
		from = query->after - 1;
	reader->page->next = query->after;
	if (query->direction == BACKWARD && from == 0)
		return OK;
	return store_read_stream(reader->api->options.store, query->stream, from, options, visit,
				 reader, reader->err);
}

static enum status read_log(struct reader *reader, const struct read_options *options)
{
	const struct page_query *query = reader->query;
	uint64_t scanned = 0;
	uint64_t from = position_sequence(query->after);

	/* A place at the edge of its frame leaves nothing to look for in it. */
	if (query->direction == FORWARD && query->after == position_end(from))
		from++;
	else if (query->direction == BACKWARD && from != 0 && query->after == position_of(from, 0))
		from--;
	reader->page->next = query->after;
	if (query->direction == BACKWARD && from == 0)
		return OK;
	enum status s = store_read_all(reader->api->options.store, from, options, visit, reader,
				       &scanned, reader->err);
	/* Everything up to the last frame looked at is done with, unless that one did not fit. */
	if (s == OK && reader->status == OK && !reader->more && scanned != 0)
		reader->page->next = query->direction == FORWARD ? position_end(scanned)
								 : position_of(scanned, 0);
	return s;
}

enum status page_read(const struct api *api, const struct page_query *query, struct page *page,
		      struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	uint64_t frames_max = api->options.page_frames_max;
	struct reader reader = { .api = api,
				 .query = query,
				 .page = page,
				 .arena = arena,
				 .frames_left = frames_max,
				 .err = err };
	/* A reader of one stream is not told of frames that the engine stopped at, so it counts itself. */
	const struct read_options options = { .direction = query->direction,
					      .frames_max = query->of_stream ? 0 : frames_max,
					      .with_events_only = true,
					      .category = query->category,
					      .types = query->types,
					      .type_count = query->type_count };
	uint64_t before = query->after;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for a page of events");
	if (query->format == PAGE_BATCH)
		buf_append_byte(&page->text, '[');
	enum status s =
		query->of_stream ? read_stream(&reader, &options) : read_log(&reader, &options);
	if (s == OK)
		s = reader.status;
	if (s != OK)
		return s;
	if (query->format == PAGE_BATCH)
		buf_append_byte(&page->text, ']');
	if (buf_status(&page->text) != OK)
		return ERROR(err, ERR_NOMEM, "no memory for a page of events");
	/* A page of the log may also have been ended by the engine, for the bound on frames. */
	if (query->of_stream)
		page->reached_end = !reader.more;
	else if (query->direction == FORWARD)
		page->reached_end = !reader.more && (page->next == before ||
						     position_sequence(page->next) >=
							     store_durable(api->options.store));
	else
		page->reached_end = !reader.more &&
				    (page->next == before || position_sequence(page->next) <= 1);
	return OK;
}
