/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_SCAN_H
#define STORE_JOURNAL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store_journal/format.h"
#include "store_journal/journal.h"
#include "store_journal/segment.h"

/* scan.h - walks the commits of a journal in order, and finds where the log ends: for recovery and
 * for verify. */

/* A commit that follows what was before it. Borrowed for the call. */
struct scanned {
	const struct commit_header *header;
	struct span bytes; /* header, frames, link */
	struct sha256 link;
	bool after_damage; /* the first one behind a place that cannot be read */
};

struct scan {
	/* Set by the caller. */
	struct segments *segments; /* all of them added */
	/* A status other than OK ends the scan with it. */
	enum status (*commit)(const struct scanned *scanned, void *arg, struct error *err);
	/* NULL: damage ends the scan with ERR_CORRUPT. Else the scan goes on behind it. */
	journal_damage_fn damage;
	void *arg;

	/* Where the log ends, set when the scan returned OK. */
	uint64_t tail;          /* log offset: the next commit's place */
	uint64_t next_sequence; /* of the next frame */
	uint32_t epoch;         /* the last one */
	struct sha256 link;
	bool closed;     /* the last commit is a COMMIT_CLOSE */
	bool unfinished; /* there are bytes at the tail that are no commit */

	/* The scan's own. */
	uint8_t *window; /* owned while it runs */
	uint64_t window_capacity;
	uint64_t window_start; /* log offset */
	uint64_t window_size;
	bool after_damage;
};

/* ERR_CORRUPT: the message says where, which frames, and what to do. */
enum status scan_run(struct scan *scan, struct error *err) NODISCARD;

#endif
