/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTRACT_STORE_ENGINES_H
#define CONTRACT_STORE_ENGINES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "lib/store_work.h"
#include "lib/vfs_sim.h"
#include "store/store.h"

/* engines.h - the engines that the suite runs on, and what a test of one gets. */

struct fixture {
	const struct engine *engine;
	struct store *store;
	struct vfs_sim *sim; /* NULL: the engine has no files in memory */
	char directory[128]; /* of an engine on the machine's own files; "" else */
	uint64_t segment_bytes;
	_Atomic unsigned fatal_calls;
};

struct engine {
	const char *name;
	/* Opens f->store; again after store_close() when `keeps`. */
	enum status (*open)(struct fixture *f, uint64_t pending_max_bytes, struct error *err);
	/* The next write fails. */
	void (*break_disk)(struct fixture *f);
	bool keeps; /* what was closed can be opened again */
};

extern const struct engine engines[];
extern const size_t engine_count;

void fixture_init(struct fixture *f, const struct engine *engine, uint64_t segment_bytes);
void fixture_open(struct fixture *f, uint64_t pending_max_bytes);
void fixture_fini(struct fixture *f);

/* What reading gives, as text. */
void read_stream_text(struct store *store, const char *category, const char *key,
		      uint64_t from_version, const struct read_options *options, struct buf *ret);
void read_all_text(struct store *store, uint64_t from_sequence, const struct read_options *options,
		   uint64_t *ret_scanned, struct buf *ret);

#define expect_status(expected, call)                                        \
	do {                                                                 \
		enum status got_ = (call);                                   \
		if (got_ != (expected))                                      \
			fail_msg("%s: %s, not %s", #call, status_word(got_), \
				 status_word(expected));                     \
	} while (0)

static inline struct stream_name stream_of(const char *category, const char *key)
{
	return (struct stream_name){ .category = span_from_string(category),
				     .key = span_from_string(key) };
}

#endif
