/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_EXTERNAL_H
#define RUNTIME_EXTERNAL_H

#include "model/cloudevent.h"
#include "model/metadata.h"
#include "runtime/work.h"

/* external.h - one external event (CloudEvent), stored in the stream `external/<source>`.
 *
 * Its identity is (source, id): the same again is stored once and answered as a duplicate. */

struct external_request {
	struct work work; /* work.stream is set by external_submit() */

	/* In; borrowed until answered. Checked by cloudevent_check() and external_check(). */
	struct cloudevent event;
	struct metadata metadata; /* correlation id and traceparent */

	/* Out. */
	bool duplicate;
	struct uuid id; /* ours */
	uint64_t version;
	uint64_t position;
};

/* May it be stored at all? FAILURE_NO_INTEREST: no component wants `external/<type>`.
 * FAILURE_INVALID: its source begins with `/<application>/`. A batch is checked as a whole before
 * any of it is submitted. */
enum failure external_check(struct runtime *runtime, const struct cloudevent *event,
			    struct error *err);

void external_submit(struct runtime *runtime, struct external_request *request);

#endif
