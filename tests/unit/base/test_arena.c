/* SPDX-License-Identifier: Apache-2.0 */
/* test_arena.c - memory that goes all at once, and its limit. */
#include "base/arena.h"

#include <string.h>

#include "expect.h"

#define MANY ((size_t)16 << 20)

static void memory_is_aligned_to_sixteen_and_does_not_overlap(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(MANY);
	unsigned char *blocks[300];

	(void)state;
	assert_non_null(arena);
	for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
		blocks[i] = arena_alloc(arena, i);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % 16, 0);
		memset(blocks[i], (int)(i & 0xFF), i);
	}
	for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
		for (size_t j = 0; j < i; j++)
			assert_int_equal(blocks[i][j], i & 0xFF);
	}
}

static void nothing_is_a_pointer_of_its_own(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(MANY);
	void *first = arena_alloc(arena, 0);
	void *second = arena_alloc(arena, 0);

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
}

static void the_limit_can_be_used_up_and_not_passed(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(64);

	(void)state;
	assert_non_null(arena_alloc(arena, 48));
	assert_null(arena_alloc(arena, 17));
	assert_non_null(arena_alloc(arena, 16));
	assert_int_equal(arena_used_bytes(arena), 64);
	assert_null(arena_alloc(arena, 1));
	assert_null(arena_alloc(arena, 0));
	assert_int_equal(arena_used_bytes(arena), 64);
}

static void an_arena_of_nothing_gives_nothing(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(0);

	(void)state;
	assert_null(arena_alloc(arena, 0));
	assert_null(arena_alloc(arena, 1));
	assert_null(arena_copy(arena, SPAN_EMPTY).data);
	assert_null(arena_format(arena, "%s", "").data);
}

static void sizes_that_wrap_round_are_refused(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(SIZE_MAX);

	(void)state;
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 15));
	assert_null(arena_alloc(arena, PTRDIFF_MAX));
	assert_null(arena_alloc_array(arena, SIZE_MAX / 2 + 1, 2));
	assert_null(arena_alloc_array(arena, SIZE_MAX, SIZE_MAX));
	assert_null(arena_copy(arena, span_of("", SIZE_MAX)).data);
	assert_int_equal(arena_used_bytes(arena), 0);
	assert_non_null(arena_alloc(arena, 16));
}

static void a_request_larger_than_a_chunk_gets_one_of_its_own(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(MANY);
	char *small = arena_alloc(arena, 16);
	char *large = arena_alloc(arena, (size_t)5 << 20);
	char *after = arena_alloc(arena, 16);

	(void)state;
	assert_non_null(small);
	assert_non_null(large);
	assert_non_null(after);
	memset(small, 1, 16);
	memset(large, 2, (size_t)5 << 20);
	memset(after, 3, 16);
	assert_int_equal(small[15], 1);
	assert_int_equal(large[((size_t)5 << 20) - 1], 2);
	assert_int_equal(arena_used_bytes(arena), ((size_t)5 << 20) + 32);
}

static void clearing_forgets_all_and_gives_the_first_chunk_again(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(MANY);

	(void)state;
	arena_clear(arena); /* never used */
	char *first = arena_alloc(arena, 16);
	for (size_t i = 0; i < 100; i++)
		assert_non_null(arena_alloc(arena, 10000));
	arena_clear(arena);
	assert_int_equal(arena_used_bytes(arena), 0);
	assert_ptr_equal(arena_alloc(arena, 16), first);
	arena_clear(arena);
	assert_non_null(arena_alloc(arena, MANY)); /* the whole limit is there again */
}

static void zeroed_memory_is_zero_also_when_used_before(void **state)
{
	static const char zeros[1000];
	OWNED(arena) struct arena *arena = arena_new(MANY);
	char *dirty = arena_alloc(arena, 2016);

	(void)state;
	memset(dirty, 0xFF, 2016);
	arena_clear(arena);
	assert_memory_equal(arena_alloc_zeroed(arena, 1000), zeros, 1000);
	assert_memory_equal(arena_alloc_array(arena, 250, 4), zeros, 1000);
	assert_non_null(arena_alloc_array(arena, 0, 4));
}

static void a_copy_is_followed_by_a_nul_that_is_not_counted(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(MANY);
	char source[] = "a\0b";
	struct span copy = arena_copy(arena, span_of(source, 3));

	(void)state;
	source[0] = 'x';
	assert_int_equal(copy.size, 3);
	assert_memory_equal(copy.data, "a\0b", 4);
}

static void a_copy_of_nothing_is_an_empty_string(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(MANY);
	struct span copy = arena_copy(arena, SPAN_EMPTY);

	(void)state;
	assert_non_null(copy.data);
	assert_int_equal(copy.size, 0);
	assert_string_equal(copy.data, "");
}

static void a_copy_that_does_not_fit_is_no_data(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(16);

	(void)state;
	assert_null(arena_copy(arena, SPAN("0123456789abcdef")).data); /* and a NUL */
	expect_text(arena_copy(arena, SPAN("0123456789abcde")), "0123456789abcde");
}

static void formatted_text_fits_or_is_no_data(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(32);
	struct span text = arena_format(arena, "%s-%d", "acct", 1);

	(void)state;
	expect_text(text, "acct-1");
	assert_int_equal(text.data[text.size], 0);
	assert_null(arena_format(arena, "%032d", 1).data);
	expect_text(arena_format(arena, "%s", ""), "");
}

static void freeing_nothing_does_nothing(void **state)
{
	(void)state;
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_aligned_to_sixteen_and_does_not_overlap),
		cmocka_unit_test(nothing_is_a_pointer_of_its_own),
		cmocka_unit_test(the_limit_can_be_used_up_and_not_passed),
		cmocka_unit_test(an_arena_of_nothing_gives_nothing),
		cmocka_unit_test(sizes_that_wrap_round_are_refused),
		cmocka_unit_test(a_request_larger_than_a_chunk_gets_one_of_its_own),
		cmocka_unit_test(clearing_forgets_all_and_gives_the_first_chunk_again),
		cmocka_unit_test(zeroed_memory_is_zero_also_when_used_before),
		cmocka_unit_test(a_copy_is_followed_by_a_nul_that_is_not_counted),
		cmocka_unit_test(a_copy_of_nothing_is_an_empty_string),
		cmocka_unit_test(a_copy_that_does_not_fit_is_no_data),
		cmocka_unit_test(formatted_text_fits_or_is_no_data),
		cmocka_unit_test(freeing_nothing_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
