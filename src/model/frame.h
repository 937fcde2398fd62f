/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_FRAME_H
#define MODEL_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "digest/digest.h"
#include "model/name.h"
#include "model/position.h"
#include "model/uuid.h"

/* frame.h - how everything durable is recorded: one frame, one stream, one condition.
 *
 * Every durable step is one frame, appended to one stream on the condition that the stream is still
 * at the frame number before it. A frame holds one thing, whole:
 *
 *	decision      a command, its events, the digest of the component that decided
 *	queued        a command accepted into the queue of its target stream
 *	outcome       that queued command was rejected, accepted without events, failed or skipped
 *	step          one step of a process instance
 *	external      events that came from outside undecided: a CloudEvent in `external/<source>`, or a
 *	              direct append in a category that no component owns
 *	handled       a handler's outcome with the commands and events that it put out
 *	progress      subscriber cursors
 *	registration  a subscriber, its interest and where it started
 *	dead letter   parked, retried, skipped
 *
 * All share one layout: an envelope (kind, stream, number, time), optionally a command, events, a
 * component digest, and a body: one JSON object whose members belong to the kind (docs/formats.md).
 * Frames without events leave the stream's version alone and are invisible to subscribers. */

#define FRAME_EVENTS_MAX 1023
#define FRAME_MAX_BYTES  1000000 /* encoded */

enum frame_kind {
	FRAME_DECISION = 1,
	FRAME_QUEUED = 2,
	FRAME_OUTCOME = 3,
	FRAME_STEP = 4,
	FRAME_EXTERNAL = 5,
	FRAME_HANDLED = 6,
	FRAME_PROGRESS = 7,
	FRAME_REGISTRATION = 8,
	FRAME_DEAD_LETTER = 9,
};

/* "decision", "dead_letter", ...; NULL for a number that is no kind. */
const char *frame_kind_word(enum frame_kind kind);

struct frame_event {
	struct uuid id;
	struct span type;
	struct span data; /* JSON, as received */
	struct span
		metadata; /* JSON object or empty: of a CloudEvent its own id, source, subject, time, ... */
};

struct frame_command {
	/* What a duplicate is known by: the command's id, a CloudEvent's own id, the id of the first
	 * event of a direct append. Empty: the frame has no command and no identity. */
	struct span id;
	struct span type;     /* empty in external frames */
	struct span data;     /* JSON; empty in external frames */
	struct span metadata; /* JSON object: model/metadata.h */
};

struct frame {
	enum frame_kind kind;
	struct stream_name stream;
	uint64_t number;        /* in its stream: 1, 2, 3 ... */
	uint64_t sequence;      /* in the log, from 1; the store's, not part of the encoding */
	uint64_t time_us;       /* of the decision; never decreasing within a stream */
	uint64_t first_version; /* of events[0]; without events the stream's version, unchanged */
	struct frame_event *events;
	size_t event_count; /* <= FRAME_EVENTS_MAX */
	struct frame_command command;
	bool has_component;
	struct sha256 component; /* digest of the component that decided */
	struct span body;        /* JSON object or empty */
};

/* The stream's version after this frame. */
static inline uint64_t frame_last_version(const struct frame *frame)
{
	return frame->event_count == 0 ? frame->first_version
				       : frame->first_version + frame->event_count - 1;
}

/* The position of its last event; without events of its place in the log. */
static inline uint64_t frame_last_position(const struct frame *frame)
{
	return position_of(frame->sequence,
			   frame->event_count == 0 ? 0 : (unsigned)frame->event_count - 1);
}

/* Appends the encoding (docs/formats.md, "Frame"). ERR_LIMIT: over FRAME_MAX_BYTES or
 * FRAME_EVENTS_MAX; the buf is then as before. ERR_NOMEM. The parts' sizes are CHECKed against
 * model/name.h: whoever makes a frame has validated them. */
enum status frame_encode(const struct frame *frame, struct buf *ret, struct error *err) NODISCARD;

/* Decodes a whole span. Spans in *ret borrow from `bytes`, the array of events is in the arena. A
 * frame has one encoding: what is accepted here encodes to the same bytes. Its names obey
 * model/name.h, all texts are UTF-8; JSON inside is not parsed. ret->sequence is 0.
 *
 * Hostile bytes are fine: ERR_CORRUPT says what and at which byte. ERR_UNSUPPORTED: a later version
 * of the encoding, a kind or a flag that this build does not know. ERR_NOMEM. */
enum status frame_decode(struct span bytes, struct arena *arena, struct frame *ret,
			 struct error *err) NODISCARD;

#endif
