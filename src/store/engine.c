/* SPDX-License-Identifier: Apache-2.0 */
#include "store/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

enum status append_check(const struct append *append, struct stream_head head,
			 struct stream_head *ret_head, struct error *err)
{
	struct stream_name stream;

	if (append->frame_count == 0)
		return ERROR(err, ERR_INVALID, "an append holds at least one frame");
	stream = append->frames[0].stream;
	if (append->expected_number != head.number)
		return ERROR(err, ERR_CONFLICT,
			     "stream '%.*s/%.*s' is at frame %" PRIu64 ", not %" PRIu64,
			     SPAN_ARG(stream.category), SPAN_ARG(stream.key), head.number,
			     append->expected_number);
	for (size_t i = 0; i < append->frame_count; i++) {
		const struct frame *frame = &append->frames[i];
		uint64_t first = head.version + (frame->event_count != 0);

		if (i != 0 && !stream_name_equal(frame->stream, stream))
			return ERROR(err, ERR_INVALID, "an append holds frames of one stream");
		if (frame->event_count > FRAME_EVENTS_MAX)
			return ERROR(err, ERR_LIMIT, "a frame has at most %d events, not %zu",
				     FRAME_EVENTS_MAX, frame->event_count);
		if (frame->number != head.number + 1 || frame->first_version != first)
			return ERROR(err, ERR_INVALID,
				     "a frame numbered %" PRIu64 " with first version %" PRIu64
				     " does not follow frame %" PRIu64 " at version %" PRIu64,
				     frame->number, frame->first_version, head.number,
				     head.version);
		if (frame->time_us < head.time_us)
			return ERROR(err, ERR_INVALID,
				     "time in a stream does not go back: %" PRIu64
				     " after %" PRIu64,
				     frame->time_us, head.time_us);
		head.number = frame->number;
		head.version = frame_last_version(frame);
		head.time_us = frame->time_us;
	}
	*ret_head = head;
	return OK;
}

bool read_options_want(const struct read_options *options, const struct frame *frame)
{
	if (options->with_events_only && frame->event_count == 0)
		return false;
	if (options->category.size != 0 && !span_equal(options->category, frame->stream.category))
		return false;
	if (options->type_count == 0)
		return true;
	for (size_t i = 0; i < frame->event_count; i++) {
		for (size_t t = 0; t < options->type_count; t++) {
			if (type_matches(frame->events[i].type, options->types[t]))
				return true;
		}
	}
	return false;
}

void stream_key_init(struct stream_key *key, struct stream_name name)
{
	CHECK(name.category.size > 0 && name.category.size <= NAME_MAX_BYTES);
	CHECK(name.key.size > 0 && name.key.size <= KEY_MAX_BYTES);
	memcpy(key->bytes, name.category.data, name.category.size);
	key->bytes[name.category.size] = '/';
	memcpy(key->bytes + name.category.size + 1, name.key.data, name.key.size);
	key->size = name.category.size + 1 + name.key.size;
}

void observers_init(struct observers *observers)
{
	mutex_init(&observers->mu, RANK_STORE);
	cond_init(&observers->idle);
	observers->first = NULL;
	observers->notifying = false;
}

void observers_fini(struct observers *observers)
{
	cond_fini(&observers->idle);
	mutex_fini(&observers->mu);
}

void observers_add(struct observers *observers, struct store_observer *observer)
{
	MUTEX_GUARD(&observers->mu);

	/* In front: a walk that is under way goes on from nodes whose `next` never changes. */
	observer->next = observers->first;
	observers->first = observer;
}

void observers_remove(struct observers *observers, struct store_observer *observer)
{
	MUTEX_GUARD(&observers->mu);

	while (observers->notifying)
		cond_wait(&observers->idle, &observers->mu);
	for (struct store_observer **at = &observers->first; *at != NULL; at = &(*at)->next) {
		if (*at == observer) {
			*at = observer->next;
			return;
		}
	}
}

void observers_notify(struct observers *observers, uint64_t sequence)
{
	struct store_observer *first;

	mutex_lock(&observers->mu);
	first = observers->first;
	observers->notifying = first != NULL;
	mutex_unlock(&observers->mu);
	if (first == NULL)
		return;

	for (struct store_observer *at = first; at != NULL; at = at->next)
		at->durable(at, sequence);

	mutex_lock(&observers->mu);
	observers->notifying = false;
	cond_broadcast(&observers->idle);
	mutex_unlock(&observers->mu);
}

void store_fail(const struct store_options *options, const char *message)
{
	if (options->fatal == NULL) {
		log_event(LOG_ERROR, "store_failed", LOG_STRING("error", message));
		abort();
	}
	options->fatal(options->fatal_arg, message);
}
