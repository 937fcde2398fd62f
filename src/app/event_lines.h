/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_EVENT_LINES_H
#define APP_EVENT_LINES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* event_lines.h - takes an answer apart that comes in pieces: lines, or server-sent events.
 *
 * A piece ends anywhere. What is incomplete waits for the next one, up to EVENT_LINE_MAX_BYTES. */

#define EVENT_LINE_MAX_BYTES ((size_t)16 << 20)

/* Gets one event's JSON. Anything but OK ends the reading and is answered by event_lines_take(). */
typedef enum status (*event_line_fn)(struct span json, void *arg, struct error *err);

struct event_lines {
	bool server_sent; /* text/event-stream; else one event a line */
	event_line_fn take;
	void *arg;
	struct buf partial; /* owned: the line that is not complete */
	struct buf data;    /* owned: server-sent: the `data` of the event so far */
	uint64_t last_id;   /* server-sent: of the last event or heartbeat */
	bool has_id;
};

void event_lines_fini(struct event_lines *lines);

/* ERR_LIMIT: a line is too long. ERR_NOMEM; else what `take` answered. */
enum status event_lines_take(struct event_lines *lines, struct span piece,
			     struct error *err) NODISCARD;

/* The answer is complete: a last line without line break counts. */
enum status event_lines_end(struct event_lines *lines, struct error *err) NODISCARD;

#endif
