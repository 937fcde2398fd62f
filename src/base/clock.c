/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - the operating system's time, and one that tests move. */
#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static uint64_t system_wall_us(struct clock *clock)
{
	struct timespec now;

	(void)clock;
	CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	/* A machine whose clock stands before 1970 is at its beginning. */
	if (now.tv_sec < 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t system_monotonic_ns(struct clock *clock)
{
	struct timespec now;

	(void)clock;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct clock *clock_system(void)
{
	static struct clock system = { .wall_us = system_wall_us,
				       .monotonic_ns = system_monotonic_ns };

	return &system;
}

static uint64_t manual_wall_us(struct clock *clock)
{
	struct clock_manual *manual = CONTAINER_OF(clock, struct clock_manual, clock);

	MUTEX_GUARD(&manual->mu);
	return manual->now_us;
}

static uint64_t manual_monotonic_ns(struct clock *clock)
{
	struct clock_manual *manual = CONTAINER_OF(clock, struct clock_manual, clock);

	MUTEX_GUARD(&manual->mu);
	return manual->now_ns;
}

void clock_manual_init(struct clock_manual *manual, uint64_t wall_us)
{
	*manual = (struct clock_manual){
		.clock = { .wall_us = manual_wall_us, .monotonic_ns = manual_monotonic_ns },
		.now_us = wall_us,
	};
	mutex_init(&manual->mu, RANK_LOG);
}

void clock_manual_fini(struct clock_manual *manual)
{
	mutex_fini(&manual->mu);
}

void clock_manual_advance_us(struct clock_manual *manual, uint64_t us)
{
	MUTEX_GUARD(&manual->mu);

	manual->now_us += us;
	manual->now_ns += us * 1000;
}

void clock_manual_set_wall_us(struct clock_manual *manual, uint64_t wall_us)
{
	MUTEX_GUARD(&manual->mu);

	manual->now_us = wall_us;
}
