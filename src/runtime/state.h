/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_STATE_H
#define RUNTIME_STATE_H

#include "runtime/work.h"

/* state.h - the state of an aggregate's instance: now, or as it was at a version or a time.
 *
 * FAILURE_NOT_FOUND: the stream never had an event, or not that version, or none at that time.
 * FAILURE_CANNOT_FOLD names the event. A gone instance has the state `null` and a version. */

enum state_as_of { STATE_NOW, STATE_AT_VERSION, STATE_AT_TIME };

struct state_request {
	struct work work;

	/* In. */
	enum state_as_of as_of;
	uint64_t at_version;
	uint64_t at_time_us; /* events up to and at that time */

	/* Out; in the arena. */
	uint64_t version;
	struct span state;
};

void state_submit(struct runtime *runtime, struct state_request *request);

#endif
