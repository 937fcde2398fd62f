/* SPDX-License-Identifier: Apache-2.0 */
/* test_random.c - the same chance for the same seed, and the kernel's. */
#include "base/random.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "expect.h"

static void a_seed_gives_the_published_sequence(void **state)
{
	/* xoshiro256** whose state is the first four values of splitmix64 from 0. */
	static const uint64_t expected[] = { UINT64_C(0x99EC5F36CB75F2B4),
					     UINT64_C(0xBF6E1F784956452A),
					     UINT64_C(0x1A5F849D4933E6E0) };
	struct random_seeded seeded;

	(void)state;
	random_seeded_init(&seeded, 0);
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		assert_int_equal(random_u64(&seeded.random), expected[i]);
	random_seeded_fini(&seeded);
}

static void equal_seeds_give_equal_chance_and_near_ones_another(void **state)
{
	struct random_seeded a, b, c;
	unsigned equal = 0;

	(void)state;
	random_seeded_init(&a, 7);
	random_seeded_init(&b, 7);
	random_seeded_init(&c, 8);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t value = random_u64(&a.random);

		assert_int_equal(random_u64(&b.random), value);
		equal += random_u64(&c.random) == value;
	}
	assert_int_equal(equal, 0);
	random_seeded_fini(&a);
	random_seeded_fini(&b);
	random_seeded_fini(&c);
}

/* Exactly so many bytes, by either source. */
static void expect_filled(struct random *random)
{
	for (size_t size = 0; size <= 600; size++) {
		unsigned char bytes[2][602];
		unsigned changed = 0;

		for (unsigned i = 0; i < 2; i++) {
			memset(bytes[i], 0xAA, sizeof(bytes[i]));
			random_fill(random, bytes[i] + 1, size);
			assert_int_equal(bytes[i][0], 0xAA);
			assert_int_equal(bytes[i][size + 1], 0xAA);
		}
		for (size_t i = 1; i <= size; i++)
			changed += bytes[0][i] != bytes[1][i];
		if (changed < size * 9 / 10) /* of 256 pairs, 255 differ */
			fail_msg("of %zu bytes %u changed", size, changed);
	}
}

static void a_fill_is_as_long_as_it_was_asked_to_be(void **state)
{
	struct random_seeded seeded;

	(void)state;
	random_seeded_init(&seeded, 1);
	expect_filled(&seeded.random);
	random_seeded_fini(&seeded);
	expect_filled(random_system());
}

static void below_stays_below_and_reaches_all(void **state)
{
	static const uint64_t bounds[] = { 1, 2, 3, 7, 10, 64 };
	struct random_seeded seeded;

	(void)state;
	random_seeded_init(&seeded, 3);
	for (size_t i = 0; i < ARRAY_COUNT(bounds); i++) {
		unsigned seen[64] = { 0 };

		for (unsigned j = 0; j < 6400; j++) {
			uint64_t value = random_below(&seeded.random, bounds[i]);

			assert_true(value < bounds[i]);
			seen[value]++;
		}
		for (size_t j = 0; j < bounds[i]; j++) {
			if (seen[j] < 6400 / bounds[i] / 2 || seen[j] > 6400 / bounds[i] * 2)
				fail_msg("below %zu: %zu came %u times of 6400", (size_t)bounds[i],
					 j, seen[j]);
		}
	}
	for (unsigned j = 0; j < 1000; j++)
		assert_true(random_below(&seeded.random, UINT64_MAX) != UINT64_MAX);
	random_seeded_fini(&seeded);
}

struct scripted {
	struct random random;
	const uint64_t *values;
	size_t at;
};

static void fill_scripted(struct random *random, void *data, size_t size)
{
	struct scripted *scripted = CONTAINER_OF(random, struct scripted, random);

	assert_int_equal(size, sizeof(uint64_t));
	memcpy(data, &scripted->values[scripted->at++], size);
}

static void values_that_would_come_up_too_often_are_skipped(void **state)
{
	/* 2^64 mod (2^63 + 1) = 2^63 - 1: smaller values are drawn again. */
	static const uint64_t bound = (UINT64_C(1) << 63) + 1;
	static const uint64_t values[] = { 0, (UINT64_C(1) << 63) - 2, (UINT64_C(1) << 63) - 1,
					   UINT64_MAX };
	struct scripted scripted = { .random.fill = fill_scripted, .values = values };

	(void)state;
	assert_int_equal(random_below(&scripted.random, bound), (UINT64_C(1) << 63) - 1);
	assert_int_equal(scripted.at, 3);
	assert_int_equal(random_below(&scripted.random, bound), UINT64_MAX % bound);
}

static void below_nothing(void *arg)
{
	(void)random_below(arg, 0);
}

static void below_nothing_is_our_own_mistake(void **state)
{
	(void)state;
	expect_abort(below_nothing, random_system(), "bound != 0");
}

static void a_forked_child_never_hands_out_what_its_parent_does(void **state)
{
	unsigned char mine[64], childs[64];
	int ends[2], result;

	(void)state;
	(void)random_u64(random_system()); /* the buffer is full when it is inherited */
	assert_return_code(pipe(ends), 0);
	pid_t child = fork();
	assert_return_code(child, 0);
	if (child == 0) {
		random_fill(random_system(), childs, sizeof(childs));
		_exit(write(ends[1], childs, sizeof(childs)) == sizeof(childs) ? 0 : 1);
	}
	random_fill(random_system(), mine, sizeof(mine));
	assert_int_equal(read(ends[0], childs, sizeof(childs)), sizeof(childs));
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_memory_not_equal(mine, childs, sizeof(mine));
}

static void draw(void *arg)
{
	random_fill(random_system(), arg, 64);
}

static void each_thread_has_its_own(void **state)
{
	unsigned char bytes[2][64] = { { 0 } };
	struct thread threads[2];

	(void)state;
	for (size_t i = 0; i < 2; i++)
		expect_status(OK, thread_start(&threads[i], "draw", draw, bytes[i], NULL));
	for (size_t i = 0; i < 2; i++)
		thread_join(&threads[i]);
	assert_memory_not_equal(bytes[0], bytes[1], 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_gives_the_published_sequence),
		cmocka_unit_test(equal_seeds_give_equal_chance_and_near_ones_another),
		cmocka_unit_test(a_fill_is_as_long_as_it_was_asked_to_be),
		cmocka_unit_test(below_stays_below_and_reaches_all),
		cmocka_unit_test(values_that_would_come_up_too_often_are_skipped),
		cmocka_unit_test(below_nothing_is_our_own_mistake),
		cmocka_unit_test(a_forked_child_never_hands_out_what_its_parent_does),
		cmocka_unit_test(each_thread_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
