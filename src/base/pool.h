/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/error.h"
#include "base/executor.h"

/* pool.h - a fixed number of threads that run tasks: the executor for work that may block or take
 * long (cold loads, long folds, queries). */

struct pool;

/* `thread_count` from 1; threads are called `name`. */
enum status pool_new(const char *name, size_t thread_count, struct pool **ret,
		     struct error *err) NODISCARD;

/* Runs what was posted, then ends the threads. Nobody may post any more. Takes NULL. */
void pool_free(struct pool *pool);

/* Borrowed: lives as long as the pool. */
struct executor *pool_executor(struct pool *pool);

/* Tasks posted and not yet begun: for limits and metrics. */
size_t pool_waiting(struct pool *pool);

#endif
