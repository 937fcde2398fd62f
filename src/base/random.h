/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/mutex.h"

/* random.h - the seam through which chance enters. Thread-safe. */

struct random {
	void (*fill)(struct random *random, void *data, size_t size);
};

/* getrandom(2), buffered per thread. Static; never freed. Aborts when the kernel has no randomness
 * to give, which it always has after boot. */
struct random *random_system(void);

static inline void random_fill(struct random *random, void *data, size_t size)
{
	random->fill(random, data, size);
}

uint64_t random_u64(struct random *random);

/* Uniform in 0 .. bound-1, without modulo bias; bound from 1. */
uint64_t random_below(struct random *random, uint64_t bound);

/* The same sequence for the same seed (xoshiro256**, seeded by splitmix64), for tests and for
 * guests. Not for secrets. */
struct random_seeded {
	struct random random;
	struct mutex mu; /* RANK_LOG; guards state */
	uint64_t state[4];
};

void random_seeded_init(struct random_seeded *seeded, uint64_t seed);
void random_seeded_fini(struct random_seeded *seeded);

#endif
