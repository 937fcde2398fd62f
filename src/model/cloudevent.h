/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLOUDEVENT_H
#define MODEL_CLOUDEVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/frame.h"

/* cloudevent.h - events as CloudEvents 1.0, in and out.
 *
 * Out: id = event id, source = /<application>/<category> (external events: their own), type, subject
 * = key (external: their own, if any), time, datacontenttype application/json, data, and the
 * extensions stream, version, position (decimal strings), correlationid, causationid, commandid,
 * traceparent. An external event is given back with its original id, source, subject, time and
 * extensions; our own event id is then the extension `eventid`.
 *
 * In: structured JSON here; the binary form (ce- headers) fills the same struct. */

#define CLOUDEVENT_SUBJECT_MAX_BYTES        1024
#define CLOUDEVENT_EXTENSION_NAME_MAX_BYTES 64

struct cloudevent {
	struct span id; /* required, 1-128 bytes as a command id, but any UTF-8 without controls */
	struct span source;  /* required, 1-256 bytes: the rules of a key */
	struct span type;    /* required: name_check_type */
	struct span subject; /* UTF-8 without controls, at most 1024 bytes; empty: none */
	struct span time;    /* RFC 3339 as received; empty: none */
	struct span data;    /* JSON text as received; `null` when absent */
	/* JSON object of further attributes, or empty: names [a-z0-9]{1,64}, values strings, booleans and
	 * 32-bit integers. Also dataschema. Those that we write ourselves (stream, version, position ...)
	 * are kept, but what is given back under such a name is ours. */
	struct span extensions;
	struct span correlation_id; /* from the extension correlationid, empty: none */
	struct span traceparent;
};

/* Parses one structured event (text that json_parse() accepted or not: it is parsed here).
 * ERR_INVALID names the attribute and the rule. specversion must be "1.0"; datacontenttype, if
 * there, a JSON type; data_base64 is refused. */
enum status cloudevent_parse(struct span text, struct arena *arena, struct cloudevent *ret,
			     struct error *err) NODISCARD;

/* Checks one that was filled from headers, its data and extensions included. */
enum status cloudevent_check(const struct cloudevent *event, struct error *err) NODISCARD;

/* Appends the JSON of what an external frame's event keeps in frame_event.metadata. */
void cloudevent_append_metadata(struct buf *buf, const struct cloudevent *event);

/* Appends event `index` of the frame as one JSON object. The cause of an event that was decided is
 * its command: causationid and commandid are then the same. An event of a direct append may have a
 * correlation_id and traceparent of its own in its metadata, which win over the frame's.
 *
 * The arena holds what parsing the metadata needs. ERR_CORRUPT: stored metadata cannot be read. */
enum status cloudevent_append(struct buf *buf, struct span application, const struct frame *frame,
			      size_t index, struct arena *arena, struct error *err) NODISCARD;

#endif
