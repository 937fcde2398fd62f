/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_COMMAND_H
#define RUNTIME_COMMAND_H

#include "model/metadata.h"
#include "runtime/work.h"

/* command.h - a command to an aggregate, decided and made durable.
 *
 * The decision is made on the state after all earlier events of the stream. All its events are
 * stored, in one frame, or none. Outcomes:
 *
 *	accepted  zero or more events; without any, nothing is stored or remembered
 *	rejected  the aggregate's typed no; nothing is stored
 *	failed    work.failure and work.err say why; nothing is stored, unless FAILURE_STORAGE:
 *	          then the outcome is unknown and the same id may be sent again
 *
 * An accepted command's id, sent again to the same stream with the same type and data (the same
 * JSON value), gives the same reply with `duplicate` set; with others FAILURE_ID_REUSED. That is
 * looked at before expected_version. */

struct decision; /* command.c */

struct reply_event {
	struct uuid id;
	struct span type;
	struct span data;
};

struct command_request {
	struct work work; /* work.stream: aggregate and key */

	/* In; borrowed until answered. */
	struct span id; /* the client's; empty: one is made, which begins with `$` */
	struct span type;
	struct span data; /* JSON */
	struct metadata metadata;
	bool has_expected_version;
	uint64_t expected_version;
	bool want_state;

	/* Out, unless work.failure is set; in the arena. */
	bool rejected;
	struct component_rejection rejection;
	bool duplicate;
	uint64_t version;  /* of the stream after it */
	uint64_t position; /* of the last event, 0 without events */
	uint64_t time_us;
	struct reply_event *events;
	size_t event_count;
	uint64_t first_version;
	uint64_t first_position; /* the events' positions follow one another */
	struct span state;       /* with want_state: after it */

	/* On FAILURE_VERSION_CONFLICT. */
	uint64_t actual_version;

	/* The runtime's. */
	struct decision *decision;
	bool looks_for_duplicate;
	void (*answer)(struct work *work); /* the submitter's */
};

/* Submits; on the lane's thread. The answer may be delivered before it returns (when the request
 * fails at once), but not before a durable write when it looked at state that is not durable. */
void command_submit(struct runtime *runtime, struct command_request *request);

#endif
