/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MUTEX_H
#define BASE_MUTEX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"

/* mutex.h - locks with a rank, condition variables.
 *
 * With one mutex held, a thread may take only mutexes of a lower rank; so there is no cycle and no
 * deadlock. A rank is the layer of the module, times ten, plus a step inside the module where two
 * nest. Debug builds (without NDEBUG) check the order and that `_locked` functions are called with
 * the lock held; release builds pay nothing. Errors of the pthread calls are our own bugs: CHECKed. */

enum mutex_rank {
	RANK_LOG = 1,           /* base: may be taken while holding anything */
	RANK_QUEUE = 2,         /* base: queues and pools */
	RANK_METRICS = 3,       /* base */
	RANK_LIBRARY = 10,      /* layer 1 */
	RANK_STORE = 40,        /* layer 4: engines */
	RANK_STORE_STREAM = 41, /* layer 4: an engine's streams; takes RANK_STORE with one held */
	RANK_HOST = 42,         /* layer 4: component host */
	RANK_RUNTIME = 45,      /* layer 4: the runtime's stripes; may call a store with one held */
	RANK_API = 50,          /* layer 5 */
	RANK_APP = 60,          /* layer 6 */
};

struct mutex {
	pthread_mutex_t native;
	enum mutex_rank rank;
	pthread_t owner; /* debug builds: valid while held */
	bool held;       /* debug builds */
};

void mutex_init(struct mutex *mu, enum mutex_rank rank);
void mutex_fini(struct mutex *mu);
void mutex_lock(struct mutex *mu);
void mutex_unlock(struct mutex *mu);
bool mutex_is_held(const struct mutex *mu); /* by this thread; always true in release builds */

/* For use inside CHECK_DEBUG at the head of a `_locked` function. */
#define MUTEX_IS_HELD(mu) mutex_is_held(mu)

static inline void mutex_guard_cleanup(struct mutex **mu)
{
	if (*mu != NULL)
		mutex_unlock(*mu);
}

static inline struct mutex *mutex_guard_begin(struct mutex *mu)
{
	mutex_lock(mu);
	return mu;
}

/* Holds the mutex to the end of the scope. */
#define MUTEX_GUARD_NAME2(line) guard_##line
#define MUTEX_GUARD_NAME(line)  MUTEX_GUARD_NAME2(line)
#define MUTEX_GUARD(mu) \
	struct mutex *MUTEX_GUARD_NAME(__LINE__) OWNED(mutex_guard) UNUSED = mutex_guard_begin(mu)

struct cond {
	pthread_cond_t native; /* on the monotonic clock */
};

void cond_init(struct cond *cond);
void cond_fini(struct cond *cond);
void cond_wait(struct cond *cond, struct mutex *mu);
/* False when `timeout_ms` passed without a signal. */
bool cond_wait_ms(struct cond *cond, struct mutex *mu, uint64_t timeout_ms);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);

#endif
