/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_MEM_MEM_H
#define STORE_MEM_MEM_H

#include "base/error.h"
#include "base/random.h"
#include "store/store.h"

/* mem.h - the store as a simple model: a log in memory, gone with the process.
 *
 * It is the oracle that other engines are compared with, what unit tests of higher layers stand on,
 * and what `--ephemeral` runs on. "Durable" is what has been flushed: an append is accepted, and
 * stays invisible to readers until store_flush(), as on a disk. One lock, no threads, no tricks. */

/* `random` makes the log's id (may be NULL: the system's); `wall_us` is the time in it. Closed with
 * store_close(). ERR_NOMEM. */
enum status mem_open(const struct store_options *options, struct random *random, uint64_t wall_us,
		     struct store **ret, struct error *err) NODISCARD;

/* For tests of what stands on a store. While it is set, appends answer ERR_FULL and the mode is
 * STORE_READ_ONLY_FULL. */
void mem_set_full(struct store *store, bool full);

/* For tests: the next flush fails as a write error does. options.fatal is called, everything
 * pending ends with ERR_IO, and after that everything with ERR_CLOSED. */
void mem_fail_next_flush(struct store *store);

#endif
