/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_STORE_JOURNAL_FIXTURE_H
#define UNIT_STORE_JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "lib/store_work.h"
#include "lib/vfs_sim.h"
#include "store_journal/journal.h"

/* journal_fixture.h - a small journal on files in memory, all of it done by the test's own thread. */

#define SEGMENT_BYTES     (64u << 10)
#define JOURNAL_DIRECTORY "/journal"
#define SEGMENT_1         JOURNAL_DIRECTORY "/segment-00000001"
#define SEGMENT_2         JOURNAL_DIRECTORY "/segment-00000002"

struct journal_fixture {
	struct vfs_sim *sim;
	struct store *store;
	_Atomic unsigned fatal_calls;
	char log[8192]; /* lines since the fixture was made */
};

int journal_setup(void **state);
int journal_teardown(void **state);

enum status journal_start(struct journal_fixture *f, struct error *err);
void journal_must_start(struct journal_fixture *f);
void journal_stop(struct journal_fixture *f);
/* As kill -9 would: nothing more reaches the disk. */
void journal_kill(struct journal_fixture *f, uint64_t seed);

/* The whole log as text. */
void journal_text(struct journal_fixture *f, struct buf *ret);

#define expect_status(expected, call)                                        \
	do {                                                                 \
		enum status got_ = (call);                                   \
		if (got_ != (expected))                                      \
			fail_msg("%s: %s, not %s", #call, status_word(got_), \
				 status_word(expected));                     \
	} while (0)

#endif
