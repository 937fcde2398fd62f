/* SPDX-License-Identifier: Apache-2.0 */
/* test_allocation.c - parsing and checking when memory is out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "lib/alloc_fault.h"
#include "json/json.h"

static const struct span text = { "{\"a\":[1,2.5,\"x\\u00e4\",null],\"b\":{\"c\":{}}}", 41 };

/* No memory is never taken for bad input. */
static void expect_outcome(bool failed, enum status s, const struct error *err)
{
	if (s != (failed ? ERR_NOMEM : OK))
		fail_msg("%s: %s", status_word(s), error_text(err));
}

static void parsing_without_memory_is_a_status(void **state)
{
	(void)state;
	for (uint64_t nth = 1; alloc_fault_sweeps(nth, ALLOC_FAULT_ONE); nth++) {
		OWNED(arena) struct arena *arena = arena_new((size_t)1 << 20);
		const struct json *value = NULL;
		struct error err = { 0 };

		alloc_fault_begin();
		enum status s = json_parse(text, arena, &value, &err);
		bool failed = alloc_fault_end();
		expect_outcome(failed, s, &err);
		assert_int_equal(value == NULL, failed);
	}
	assert_true(alloc_fault_count() >= 1);
}

static void checking_without_memory_is_a_status(void **state)
{
	/* Larger than what is kept for small texts. */
	OWNED(buf) struct buf large = { 0 };

	(void)state;
	buf_append_string(&large, "{\"a\":[0");
	for (unsigned i = 0; i < 100000; i++)
		buf_append_string(&large, ",1");
	buf_append_string(&large, "]}");
	for (uint64_t nth = 1; alloc_fault_sweeps(nth, ALLOC_FAULT_ONE); nth++) {
		struct error err = { 0 };

		alloc_fault_begin();
		enum status s = json_check(buf_span(&large), JSON_OBJECT, &err);
		expect_outcome(alloc_fault_end(), s, &err);
	}
	assert_true(alloc_fault_count() >= 1);
}

static void a_full_arena_is_a_status_at_every_size(void **state)
{
	bool parsed = false;

	(void)state;
	for (size_t max_bytes = 0; !parsed; max_bytes += 16) {
		OWNED(arena) struct arena *arena = arena_new(max_bytes);
		const struct json *value = NULL;
		struct error err = { 0 };
		enum status s = json_parse(text, arena, &value, &err);

		parsed = s == OK;
		expect_outcome(!parsed, s, &err);
		assert_int_equal(value == NULL, !parsed);
		assert_in_range(max_bytes, 0, 1 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing_without_memory_is_a_status),
		cmocka_unit_test(checking_without_memory_is_a_status),
		cmocka_unit_test(a_full_arena_is_a_status_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
