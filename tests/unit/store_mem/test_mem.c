/* SPDX-License-Identifier: Apache-2.0 */
/* test_mem.c - what the model in memory has beyond the contract (tests/contract/store): its switches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/store_work.h"
#include "store_mem/mem.h"

static unsigned fatal_calls;

static void note_fatal(void *arg, const char *message)
{
	(void)arg;
	assert_non_null(message);
	fatal_calls++;
}

static struct store *open_store(void)
{
	const struct store_options options = { .fatal = note_fatal };
	struct store *store = NULL;

	fatal_calls = 0;
	assert_int_equal(mem_open(&options, NULL, 1, &store, NULL), OK);
	return store;
}

static const struct work_shape shape = { .key = "a", .event_count = 1 };

static void a_full_store_refuses_appends_and_recovers(void **state)
{
	OWNED(store) struct store *store = open_store();
	struct store_status status;

	(void)state;
	assert_int_equal(store_put(store, &shape, NULL), OK);
	mem_set_full(store, true);
	assert_int_equal(store_put(store, &shape, NULL), ERR_FULL);
	store_status(store, &status);
	assert_int_equal(status.mode, STORE_READ_ONLY_FULL);
	mem_set_full(store, false);
	assert_int_equal(store_put(store, &shape, NULL), OK);
	assert_int_equal(store_durable(store), 2);
}

static void a_flush_that_fails_is_told_once_and_ends_it(void **state)
{
	OWNED(store) struct store *store = open_store();

	(void)state;
	mem_fail_next_flush(store);
	assert_int_equal(store_put(store, &shape, NULL), ERR_IO);
	assert_int_equal(store_put(store, &shape, NULL), ERR_CLOSED);
	assert_int_equal(fatal_calls, 1);
	assert_int_equal(store_durable(store), 0);
}

static void two_stores_have_two_ids(void **state)
{
	OWNED(store) struct store *one = open_store();
	OWNED(store) struct store *two = open_store();

	(void)state;
	assert_false(uuid_equal(&one->log_id, &two->log_id));
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test(a_full_store_refuses_appends_and_recovers),
		cmocka_unit_test(a_flush_that_fails_is_told_once_and_ends_it),
		cmocka_unit_test(two_stores_have_two_ids),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
