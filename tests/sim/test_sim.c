/* SPDX-License-Identifier: Apache-2.0 */
/* test_sim.c - whole runs of the runtime on its stores, in which everything is drawn from a seed: who
 * sends what, which task runs next, when the disk fails and the machine stops.
 *
 *	CONCORDANCE_SIM_SEED=N   only that seed, on both stores
 *	CONCORDANCE_SIM_FRESH=N  so many new seeds besides the fixed ones
 *
 * A run that breaks a promise names its seed, and the same seed is the same run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sim/clients.h"

#define FIXED_SEEDS 80
#define STEPS       1000
#define OPEN_MAX    48

static void step(struct world *world)
{
	unsigned lane = (unsigned)world_below(world, world->options.lane_count);
	uint64_t pick = world_below(world, 1000);

	if (world->dead)
		world_restart(world);
	else if (pick < 400 && clients_open(world) < OPEN_MAX)
		clients_send(world);
	else if (pick < 650)
		world_run_lane(world, lane);
	else if (pick < 800)
		world_run_pool(world);
	else if (pick < 930)
		world_end_turn(world, lane);
	else if (pick < 965)
		world_move_clock(world);
	else if (pick < 977)
		world_fail_component(world);
	else if (pick < 985)
		world_heal(world);
	else if (pick < 993)
		world_plan_crash(world);
	else if (pick < 996)
		world_fill_disk(world);
	else
		world_restart(world);
}

static uint64_t run(bool journal, uint64_t seed)
{
	struct world world;
	char name[160];

	(void)snprintf(name, sizeof(name), "CONCORDANCE_SIM_SEED=%" PRIu64 " (on %s):", seed,
		       journal ? "the journal" : "store_mem");
	broken_names(name);
	world_init(&world, journal, seed);
	for (unsigned i = 0; i < STEPS; i++)
		step(&world);
	world_restart(&world);
	clients_send_all_again(&world);
	uint64_t trace = world.trace;
	world_fini(&world);
	return trace;
}

static void run_both(uint64_t seed)
{
	(void)run(false, seed);
	(void)run(true, seed);
}

static void the_promises_hold_in_runs_that_are_known(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= FIXED_SEEDS; seed++)
		run_both(seed);
}

static void in_these_runs_everything_has_happened(void **state)
{
	static const char *const names[] = {
#define X(name) #name,
		TALLY_TABLE(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < TALLY_COUNT; i++) {
		printf("%8" PRIu64 " %s\n", tally[i], names[i]);
		assert_true(tally[i] != 0);
	}
}

static void the_promises_hold_in_runs_that_nobody_has_seen(void **state)
{
	const char *fresh = getenv("CONCORDANCE_SIM_FRESH");
	unsigned long count = fresh != NULL ? strtoul(fresh, NULL, 10) : 0;

	(void)state;
	for (unsigned long i = 0; i < count; i++) {
		uint64_t seed = random_u64(random_system()) >> 32;

		printf("seed %" PRIu64 "\n", seed);
		(void)fflush(stdout); /* it may be the last that this process says */
		run_both(seed);
	}
}

static void the_same_seed_is_the_same_run(void **state)
{
	(void)state;
	for (uint64_t seed = 1000; seed < 1003; seed++) {
		assert_int_equal(run(true, seed), run(true, seed));
		assert_int_equal(run(false, seed), run(false, seed));
	}
}

static void the_promises_hold_in_the_run_that_was_asked_for(void **state)
{
	(void)state;
	run_both(strtoull(getenv("CONCORDANCE_SIM_SEED"), NULL, 10));
}

static void ignore_line(struct span line, void *arg)
{
	(void)line;
	(void)arg;
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(the_promises_hold_in_runs_that_are_known),
		cmocka_unit_test(in_these_runs_everything_has_happened),
		cmocka_unit_test(the_same_seed_is_the_same_run),
		cmocka_unit_test(the_promises_hold_in_runs_that_nobody_has_seen),
	};
	const struct CMUnitTest one[] = {
		cmocka_unit_test(the_promises_hold_in_the_run_that_was_asked_for),
	};

	log_set_sink(ignore_line, NULL); /* of disks that fail */
	return getenv("CONCORDANCE_SIM_SEED") != NULL ? cmocka_run_group_tests(one, NULL, NULL)
						      : cmocka_run_group_tests(all, NULL, NULL);
}
