/* SPDX-License-Identifier: Apache-2.0 */
/* test_allocation.c - out of memory is a status: each allocation of the base layer fails once, alone
 * and with all that follow it. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/pool.h"
#include "base/vfs.h"
#include "expect.h"
#include "lib/alloc_fault.h"

static const enum alloc_fault_kind kinds[] = { ALLOC_FAULT_ONE, ALLOC_FAULT_REST };

/* Calls `run(kind, nth)` until nothing fails. At least so many allocations must have been failed. */
static void sweep(void (*run)(void), uint64_t expected_min)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
		for (uint64_t nth = 1; alloc_fault_sweeps(nth, kinds[i]); nth++)
			run();
		if (alloc_fault_count() < expected_min)
			fail_msg("only %llu allocations were failed, not %llu",
				 (unsigned long long)alloc_fault_count(),
				 (unsigned long long)expected_min);
	}
}

static void use_arena(void)
{
	size_t used = 0, refused = 0;

	alloc_fault_begin();
	struct arena *arena = arena_new((size_t)1 << 20);
	for (size_t i = 0; arena != NULL && i < 40; i++) {
		char *memory = arena_alloc(arena, 1000);

		if (memory == NULL) {
			refused++;
			continue;
		}
		memset(memory, 1, 1000);
		used += 1008;
	}
	bool failed = alloc_fault_end();
	assert_int_equal(failed, arena == NULL || refused != 0);
	if (arena == NULL)
		return;
	/* What was refused is not counted, and it works again. */
	assert_int_equal(arena_used_bytes(arena), used);
	assert_non_null(arena_alloc(arena, 5000));
	arena_free(arena);
}

static void an_arena_answers_null_and_goes_on(void **state)
{
	(void)state;
	sweep(use_arena, 4);
}

static void use_buf(void)
{
	OWNED(buf) struct buf buf = { 0 };

	alloc_fault_begin();
	for (size_t i = 0; i < 500; i++) {
		buf_append_byte(&buf, (char)('a' + i % 26));
		buf_append_format(&buf, "%c", 'A');
	}
	bool failed = alloc_fault_end();
	expect_status(failed ? ERR_NOMEM : OK, buf_status(&buf));
	if (!failed)
		assert_int_equal(buf.size, 1000);
	/* A beginning of what was meant, nothing left out in the middle. */
	for (size_t i = 0; i < buf.size; i++)
		assert_int_equal(buf.data[i], i % 2 == 1 ? 'A' : (char)('a' + i / 2 % 26));
	buf_clear(&buf);
	buf_append_string(&buf, "again");
	expect_text(buf_span(&buf), "again");
}

static void a_buf_keeps_its_beginning_and_says_so_at_the_end(void **state)
{
	(void)state;
	sweep(use_buf, 3);
}

static void use_map(void)
{
	static char keys[100][8];
	static struct map_node nodes[100];
	struct map map;
	size_t added = 0;

	map_init(&map);
	for (size_t i = 0; i < 100; i++)
		(void)snprintf(keys[i], sizeof(keys[i]), "%zu", i);
	alloc_fault_begin();
	for (size_t i = 0; i < 100; i++) {
		enum status s = map_add(&map, span_from_string(keys[i]), &nodes[added]);

		if (s == OK)
			added++;
		else
			expect_status(ERR_NOMEM, s);
	}
	bool failed = alloc_fault_end();
	/* Without its first buckets it takes nothing; that cannot grow, everything. */
	if (!failed)
		assert_int_equal(added, 100);
	assert_true(added == 0 || added >= 99);
	assert_int_equal(map.count, added);
	for (size_t i = 0; i < added; i++)
		assert_ptr_equal(map_find(&map, nodes[i].key), &nodes[i]);
	map_fini(&map);
}

static void a_map_that_cannot_grow_still_takes_and_finds(void **state)
{
	(void)state;
	sweep(use_map, 4);
}

static int64_t seven(void *arg)
{
	(void)arg;
	return 7;
}

static void use_metrics(void)
{
	static const char expected[] = "# HELP c_total C.\n# TYPE c_total counter\n"
				       "c_total 0\nc_total{a=\"b\"} 0\n"
				       "# HELP g G.\n# TYPE g gauge\ng 7\n";
	struct metrics *metrics = NULL;
	struct error err = { 0 };
	unsigned refused = 0;

	alloc_fault_begin();
	enum status s = metrics_new(&metrics, &err);
	if (s == OK) {
		refused += metrics_counter(metrics, "c_total", NULL, "C.") == NULL;
		refused += metrics_counter(metrics, "c_total", "a=\"b\"", "C.") == NULL;
		refused += metrics_read_gauge(metrics, "g", NULL, "G.", seven, NULL) != OK;
	}
	bool failed = alloc_fault_end();
	assert_int_equal(failed, s != OK || refused != 0);
	if (s != OK) {
		expect_status(ERR_NOMEM, s);
		assert_null(metrics);
		assert_string_equal(err.message, "the registry of metrics");
		return;
	}
	/* Nothing half is left: what was refused can be registered after all. */
	OWNED(buf) struct buf buf = { 0 };
	metrics_render(metrics, &buf);
	assert_non_null(metrics_counter(metrics, "c_total", NULL, "C."));
	assert_non_null(metrics_counter(metrics, "c_total", "a=\"b\"", "C."));
	expect_status(OK, metrics_read_gauge(metrics, "g", NULL, "G.", seven, NULL));
	if (!failed)
		expect_text(buf_span(&buf), expected);
	metrics_free(metrics);
}

static void a_metric_is_registered_whole_or_not_at_all(void **state)
{
	(void)state;
	sweep(use_metrics, 9);
}

static void use_pool(void)
{
	struct pool *pool = NULL;
	struct error err = { 0 };

	alloc_fault_begin();
	enum status s = pool_new("pool", 2, &pool, &err);
	bool failed = alloc_fault_end();
	expect_status(failed ? ERR_NOMEM : OK, s);
	assert_int_equal(pool == NULL, failed);
	if (failed)
		assert_string_equal(err.message, "a pool of 2 threads");
	pool_free(pool);
}

static void a_pool_is_there_or_it_is_not(void **state)
{
	(void)state;
	sweep(use_pool, 1);
}

static void use_files(void)
{
	OWNED(buf) struct buf buf = { 0 };
	struct error err = { 0 };

	buf_append_string(&buf, "before");
	alloc_fault_begin();
	enum status s = vfs_read_file(vfs_system(), "/proc/self/status", 1 << 20, &buf, &err);
	bool failed = alloc_fault_end();
	expect_status(failed ? ERR_NOMEM : OK, s);
	assert_int_equal(err.status, s);
	if (failed)
		expect_text(buf_span(&buf), "before");
}

static void a_file_that_there_is_no_memory_for_leaves_nothing(void **state)
{
	(void)state;
	sweep(use_files, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_answers_null_and_goes_on),
		cmocka_unit_test(a_buf_keeps_its_beginning_and_says_so_at_the_end),
		cmocka_unit_test(a_map_that_cannot_grow_still_takes_and_finds),
		cmocka_unit_test(a_metric_is_registered_whole_or_not_at_all),
		cmocka_unit_test(a_pool_is_there_or_it_is_not),
		cmocka_unit_test(a_file_that_there_is_no_memory_for_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
