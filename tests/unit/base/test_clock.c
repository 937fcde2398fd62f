/* SPDX-License-Identifier: Apache-2.0 */
/* test_clock.c - the system's time, and one that stands still until told. */
#include "base/clock.h"

#include <time.h>

#include "expect.h"

static void a_manual_clock_stands_still(void **state)
{
	struct clock_manual manual;

	(void)state;
	clock_manual_init(&manual, 1000);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(clock_wall_us(&manual.clock), 1000);
		assert_int_equal(clock_monotonic_ns(&manual.clock), 0);
	}
	clock_manual_fini(&manual);
}

static void advancing_moves_both_times_by_the_same(void **state)
{
	struct clock_manual manual;

	(void)state;
	clock_manual_init(&manual, 1000);
	clock_manual_advance_us(&manual, 5);
	clock_manual_advance_us(&manual, 2);
	assert_int_equal(clock_wall_us(&manual.clock), 1007);
	assert_int_equal(clock_monotonic_ns(&manual.clock), 7000);
	clock_manual_fini(&manual);
}

static void a_jump_moves_only_the_wall_and_goes_back_as_well(void **state)
{
	struct clock_manual manual;

	(void)state;
	clock_manual_init(&manual, 1000);
	clock_manual_advance_us(&manual, 5);
	clock_manual_set_wall_us(&manual, 3);
	assert_int_equal(clock_wall_us(&manual.clock), 3);
	assert_int_equal(clock_monotonic_ns(&manual.clock), 5000);
	clock_manual_fini(&manual);
}

static void the_systems_wall_is_in_microseconds_since_1970(void **state)
{
	uint64_t before = (uint64_t)time(NULL);
	uint64_t now_us = clock_wall_us(clock_system());
	uint64_t after = (uint64_t)time(NULL);

	(void)state;
	/* time() may be a tick behind. */
	assert_in_range(now_us / 1000000, before, after + 1);
}

static void the_systems_monotonic_time_goes_on_in_nanoseconds(void **state)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	uint64_t begin = clock_monotonic_ns(clock_system());

	(void)state;
	assert_int_equal(nanosleep(&pause, NULL), 0);
	uint64_t passed = clock_monotonic_ns(clock_system()) - begin;
	assert_in_range(passed, 5000000, UINT64_C(60000000000));
	assert_ptr_equal(clock_system(), clock_system());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manual_clock_stands_still),
		cmocka_unit_test(advancing_moves_both_times_by_the_same),
		cmocka_unit_test(a_jump_moves_only_the_wall_and_goes_back_as_well),
		cmocka_unit_test(the_systems_wall_is_in_microseconds_since_1970),
		cmocka_unit_test(the_systems_monotonic_time_goes_on_in_nanoseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
