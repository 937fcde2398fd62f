/* SPDX-License-Identifier: Apache-2.0 */
/* test_check.c - assertions that hold in every build, and those that are only for debugging. */
#include "base/check.h"

#include <stdbool.h>

#include "expect.h"

static void check(void *arg)
{
	const bool *fact = arg;

	CHECK(*fact);
}

static void a_fact_that_holds_does_nothing(void **state)
{
	bool fact = true;

	(void)state;
	check(&fact);
	CHECK_DEBUG(fact);
}

static void a_fact_that_does_not_ends_the_process_and_says_where(void **state)
{
	bool fact = false;

	(void)state;
	expect_abort(check, &fact, "test_check.c:");
	expect_abort(check, &fact, ": *fact\n");
}

static void facts_are_established_once_or_not_at_all(void **state)
{
	unsigned looked = 0;

	(void)state;
	CHECK(++looked == 1);
	assert_int_equal(looked, 1);
	CHECK_DEBUG(++looked == 2);
#ifdef NDEBUG
	assert_int_equal(looked, 1);
#else
	assert_int_equal(looked, 2);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fact_that_holds_does_nothing),
		cmocka_unit_test(a_fact_that_does_not_ends_the_process_and_says_where),
		cmocka_unit_test(facts_are_established_once_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
