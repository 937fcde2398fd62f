/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_DIRECT_APPEND_H
#define RUNTIME_DIRECT_APPEND_H

#include "model/metadata.h"
#include "runtime/command.h"
#include "runtime/work.h"

/* direct_append.h - events appended to a category that no component owns: imports, other programs.
 *
 * Conditional and atomic. When the client gives ids (all events or none), the same append again
 * gets the first answer; the first id known with other content is FAILURE_ID_REUSED.
 * FAILURE_CATEGORY_OWNED: the category is a component's, or `external`. */

struct direct_event {
	bool has_id;
	struct uuid id; /* made when it has none */
	struct span type;
	struct span data;     /* JSON */
	struct span metadata; /* JSON object or empty */
};

struct direct_append_request {
	struct work work;

	/* In; borrowed until answered. Made ids are filled in, and of a duplicate the stored events. */
	struct direct_event *events;
	size_t event_count; /* 1 .. FRAME_EVENTS_MAX */
	struct metadata metadata;
	bool has_expected_version;
	uint64_t expected_version;

	/* Out. */
	bool duplicate;
	uint64_t version;
	uint64_t position; /* of the last */
	uint64_t first_version;
	uint64_t first_position;
	uint64_t time_us;
	uint64_t actual_version; /* on FAILURE_VERSION_CONFLICT */
};

void direct_append_submit(struct runtime *runtime, struct direct_append_request *request);

#endif
