/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/mutex.h"

/* clock.h - the seam through which time enters. Nothing else asks the operating system for it
 * (event loops' own timers apart).
 *
 * Wall time is microseconds since 1970-01-01T00:00:00Z and may jump; monotonic time is nanoseconds
 * from some start and never goes back: use it for durations and timeouts. Thread-safe. */

struct clock {
	uint64_t (*wall_us)(struct clock *clock);
	uint64_t (*monotonic_ns)(struct clock *clock);
};

/* The operating system's clock. Static; never freed. */
struct clock *clock_system(void);

static inline uint64_t clock_wall_us(struct clock *clock)
{
	return clock->wall_us(clock);
}

static inline uint64_t clock_monotonic_ns(struct clock *clock)
{
	return clock->monotonic_ns(clock);
}

/* A clock that stands still until told to move, for tests. `clock` comes first, so that a pointer
 * to its `clock` member is passed on. */
struct clock_manual {
	struct clock clock;
	struct mutex mu; /* RANK_LOG; guards the fields below */
	uint64_t now_us;
	uint64_t now_ns;
};

void clock_manual_init(struct clock_manual *manual, uint64_t wall_us);
void clock_manual_fini(struct clock_manual *manual);
void clock_manual_advance_us(struct clock_manual *manual, uint64_t us);       /* both times */
void clock_manual_set_wall_us(struct clock_manual *manual, uint64_t wall_us); /* a jump */

#endif
