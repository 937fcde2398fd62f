/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_METADATA_H
#define MODEL_METADATA_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/* metadata.h - what travels with a command and with the events and commands that follow from it.
 *
 * Stored as one JSON object, built once at the edge. Members that are ours: correlation_id,
 * causation_id, traceparent, actor, depth. A client may give correlation_id and traceparent and
 * members of its own; actor, causation_id and depth are set by the runtime alone. */

#define METADATA_MAX_BYTES      65536
#define METADATA_TEXT_MAX_BYTES 256 /* correlation id, traceparent, actor */

struct metadata {
	struct span correlation_id; /* empty: none */
	struct span causation_id;
	struct span traceparent;
	struct span actor;
	uint64_t depth;    /* 0: came from outside */
	struct span extra; /* JSON object with the client's own members, or empty */
};

/* One of the texts above, as a client or a header gives it: 1 to METADATA_TEXT_MAX_BYTES bytes of UTF-8
 * without control characters. `what` begins the message: "correlation_id has at most 256 bytes". */
enum status metadata_check_text(struct span text, const char *what, struct error *err) NODISCARD;

/* Takes a client's `metadata` object (text that json_parse() accepted; empty for none).
 * ERR_INVALID: no object, too large, a member that is the runtime's alone (named), a correlation_id
 * or traceparent that breaks its rule. Spans borrow from the text or the arena. */
enum status metadata_from_client(struct span text, struct arena *arena, struct metadata *ret,
				 struct error *err) NODISCARD;

/* Appends the JSON object, members in a fixed order, the client's own last. */
void metadata_append(struct buf *buf, const struct metadata *metadata);

/* Reads back what metadata_append() wrote; empty text reads as none of it. ERR_CORRUPT when it is
 * something else. Spans borrow from the text or the arena. */
enum status metadata_parse(struct span text, struct arena *arena, struct metadata *ret,
			   struct error *err) NODISCARD;

#endif
