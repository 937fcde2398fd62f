/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/vfs.h"

/* progress.h - files that tell how far reading them has come.
 *
 * Wraps another vfs and counts what is read. Whoever reads knows nothing of it. A line is written to
 * `out` when the work takes longer than PROGRESS_QUIET_MS, and renewed then; progress_end() takes it
 * away. One thread at a time. */

#define PROGRESS_QUIET_MS 500
#define PROGRESS_RENEW_MS 200

struct progress {
	struct vfs vfs; /* give this to the reader */
	struct vfs *inner;
	struct clock *clock;
	FILE *out;        /* a terminal; NULL: only counts */
	const char *what; /* "reading data" */
	uint64_t total_bytes;
	uint64_t read_bytes;
	uint64_t next_ns; /* when to write next */
	bool shown;
};

/* Sums up the files of the directory whose name begins with `prefix`; when that fails, the reader
 * will tell why. All pointers are borrowed. */
void progress_begin(struct progress *progress, struct vfs *inner, struct clock *clock, FILE *out,
		    const char *what, const char *directory, const char *prefix);
void progress_end(struct progress *progress);

#endif
