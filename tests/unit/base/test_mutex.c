/* SPDX-License-Identifier: Apache-2.0 */
/* test_mutex.c - the order of locks, scope guards, and condition variables. */
#include "base/mutex.h"

#include "base/clock.h"
#include "base/thread.h"
#include "expect.h"

struct pair {
	struct mutex low;
	struct mutex high;
};

static void set_up(struct pair *pair)
{
	mutex_init(&pair->low, RANK_STORE);
	mutex_init(&pair->high, RANK_RUNTIME);
}

static void tear_down(struct pair *pair)
{
	mutex_fini(&pair->low);
	mutex_fini(&pair->high);
}

static void ranks_may_be_taken_downwards(void **state)
{
	struct pair pair;

	(void)state;
	set_up(&pair);
	mutex_lock(&pair.high);
	mutex_lock(&pair.low);
	assert_true(mutex_is_held(&pair.high));
	assert_true(mutex_is_held(&pair.low));
	mutex_unlock(&pair.high); /* in any order */
	mutex_unlock(&pair.low);
	tear_down(&pair);
}

static void a_guard_holds_to_the_end_of_its_scope(void **state)
{
	struct pair pair;

	(void)state;
	set_up(&pair);
	for (unsigned i = 0; i < 2; i++) {
		MUTEX_GUARD(&pair.high);
		{
			MUTEX_GUARD(&pair.low);
			assert_true(mutex_is_held(&pair.low));
		}
		assert_int_equal(pthread_mutex_trylock(&pair.low.native), 0);
		assert_int_equal(pthread_mutex_unlock(&pair.low.native), 0);
		assert_int_not_equal(pthread_mutex_trylock(&pair.high.native), 0);
	}
	assert_int_equal(pthread_mutex_trylock(&pair.high.native), 0);
	assert_int_equal(pthread_mutex_unlock(&pair.high.native), 0);
	tear_down(&pair);
}

struct counting {
	struct mutex mu;
	unsigned count; /* mu */
};

#define ROUNDS 20000u

static void count(void *arg)
{
	struct counting *counting = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		MUTEX_GUARD(&counting->mu);
		counting->count++;
	}
}

static void one_thread_at_a_time_is_inside(void **state)
{
	struct counting counting = { .count = 0 };
	struct thread threads[4];

	(void)state;
	mutex_init(&counting.mu, RANK_APP);
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		expect_status(OK, thread_start(&threads[i], "count", count, &counting, NULL));
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		thread_join(&threads[i]);
	assert_int_equal(counting.count, ROUNDS * ARRAY_COUNT(threads));
	mutex_fini(&counting.mu);
}

#ifndef NDEBUG
static void lock_upwards(void *arg)
{
	struct pair *pair = arg;

	mutex_lock(&pair->low);
	mutex_lock(&pair->high);
}

static void lock_twice(void *arg)
{
	struct pair *pair = arg;

	mutex_lock(&pair->low);
	mutex_lock(&pair->low);
}

static void lock_equal(void *arg)
{
	struct pair *pair = arg;
	struct mutex other;

	mutex_init(&other, RANK_STORE);
	mutex_lock(&pair->low);
	mutex_lock(&other);
}

static void unlock_unheld(void *arg)
{
	struct pair *pair = arg;

	mutex_unlock(&pair->low);
}

/* The order counts for all that are held, not for the last one only. */
static void lock_between(void *arg)
{
	struct pair *pair = arg;
	struct mutex lowest;

	mutex_init(&lowest, RANK_LOG);
	mutex_lock(&pair->low);
	mutex_lock(&lowest);
	mutex_unlock(&lowest);
	mutex_lock(&lowest);
	mutex_lock(&pair->high);
}

static void wait_without_holding(void *arg)
{
	struct pair *pair = arg;
	struct cond cond;

	cond_init(&cond);
	(void)cond_wait_ms(&cond, &pair->low, 1);
}

/* Waking up would take `high` again with `low` held. */
static void wait_upwards(void *arg)
{
	struct pair *pair = arg;
	struct cond cond;

	cond_init(&cond);
	mutex_lock(&pair->high);
	mutex_lock(&pair->low);
	(void)cond_wait_ms(&cond, &pair->high, 1);
}

static void breaking_the_order_ends_the_process(void **state)
{
	struct pair pair;

	(void)state;
	set_up(&pair);
	expect_abort(lock_upwards, &pair, "mu->rank < held[i]->rank");
	expect_abort(lock_twice, &pair, "mu->rank < held[i]->rank");
	expect_abort(lock_equal, &pair, "mu->rank < held[i]->rank");
	expect_abort(lock_between, &pair, "mu->rank < held[i]->rank");
	expect_abort(wait_upwards, &pair, "mu->rank < held[i]->rank");
	tear_down(&pair);
}

static void releasing_what_is_not_held_ends_the_process(void **state)
{
	struct pair pair;

	(void)state;
	set_up(&pair);
	expect_abort(unlock_unheld, &pair, "is_held(mu)");
	expect_abort(wait_without_holding, &pair, "is_held(mu)");
	tear_down(&pair);
}

struct question {
	struct mutex *mu;
	bool held;
};

static void ask(void *arg)
{
	struct question *question = arg;

	question->held = mutex_is_held(question->mu);
}

static void held_means_by_this_thread(void **state)
{
	struct pair pair;
	struct thread thread;
	struct question question = { .mu = &pair.low, .held = true };

	(void)state;
	set_up(&pair);
	assert_false(mutex_is_held(&pair.low));
	mutex_lock(&pair.low);
	assert_true(mutex_is_held(&pair.low));
	expect_status(OK, thread_start(&thread, "ask", ask, &question, NULL));
	thread_join(&thread);
	assert_false(question.held);
	mutex_unlock(&pair.low);
	assert_false(mutex_is_held(&pair.low));
	tear_down(&pair);
}

static void ask_often(void *arg)
{
	for (unsigned i = 0; i < 1000; i++)
		ask(arg);
}

/* It is ThreadSanitizer that would see the question read what the holder writes. */
static void asking_does_not_disturb_who_holds_it(void **state)
{
	struct pair pair;
	struct thread thread;
	struct question question = { .mu = &pair.low, .held = true };

	(void)state;
	set_up(&pair);
	expect_status(OK, thread_start(&thread, "ask", ask_often, &question, NULL));
	for (unsigned i = 0; i < 1000; i++) {
		MUTEX_GUARD(&pair.low);
		assert_true(mutex_is_held(&pair.low));
	}
	thread_join(&thread);
	assert_false(question.held);
	tear_down(&pair);
}
#endif

static void a_wait_ends_when_its_time_is_over(void **state)
{
	struct mutex mu;
	struct cond cond;
	uint64_t begin = clock_monotonic_ns(clock_system());

	(void)state;
	mutex_init(&mu, RANK_APP);
	cond_init(&cond);
	mutex_lock(&mu);
	while (cond_wait_ms(&cond, &mu, 20))
		; /* woken for nothing */
	assert_true(mutex_is_held(&mu));
	mutex_unlock(&mu);
	assert_true(clock_monotonic_ns(clock_system()) - begin >= UINT64_C(20000000));
	cond_fini(&cond);
	mutex_fini(&mu);
}

struct turns {
	struct mutex mu;
	struct cond cond;
	unsigned waiting; /* mu */
	unsigned passed;  /* mu */
	bool open;        /* mu */
};

static void wait_for_it(void *arg)
{
	struct turns *turns = arg;

	MUTEX_GUARD(&turns->mu);
	turns->waiting++;
	cond_broadcast(&turns->cond);
	while (!turns->open)
		cond_wait(&turns->cond, &turns->mu);
	turns->passed++;
}

static void a_broadcast_wakes_all_and_an_early_signal_is_in_time(void **state)
{
	struct turns turns = { .open = false };
	struct thread threads[3];

	(void)state;
	mutex_init(&turns.mu, RANK_APP);
	cond_init(&turns.cond);
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		expect_status(OK, thread_start(&threads[i], "wait", wait_for_it, &turns, NULL));
	mutex_lock(&turns.mu);
	while (turns.waiting < ARRAY_COUNT(threads))
		assert_true(cond_wait_ms(&turns.cond, &turns.mu, 10000));
	assert_int_equal(turns.passed, 0);
	turns.open = true;
	cond_broadcast(&turns.cond);
	mutex_unlock(&turns.mu);
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		thread_join(&threads[i]);
	assert_int_equal(turns.passed, ARRAY_COUNT(threads));
	cond_fini(&turns.cond);
	mutex_fini(&turns.mu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_may_be_taken_downwards),
		cmocka_unit_test(a_guard_holds_to_the_end_of_its_scope),
		cmocka_unit_test(one_thread_at_a_time_is_inside),
#ifndef NDEBUG
		cmocka_unit_test(breaking_the_order_ends_the_process),
		cmocka_unit_test(releasing_what_is_not_held_ends_the_process),
		cmocka_unit_test(held_means_by_this_thread),
		cmocka_unit_test(asking_does_not_disturb_who_holds_it),
#endif
		cmocka_unit_test(a_wait_ends_when_its_time_is_over),
		cmocka_unit_test(a_broadcast_wakes_all_and_an_early_signal_is_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
