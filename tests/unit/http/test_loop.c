/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <signal.h>
#include <unistd.h>

struct fixture {
	struct loop *loop;
	struct thread thread;
	struct task tasks[100];
	atomic_int ran;
	int order_broken;
	int last;
	atomic_int turns;
	int turns_left; /* turns that the turn-end function asks for */
	atomic_int fired;
	atomic_int signals;
	struct loop_timer *timer;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || loop_new(&f->loop, NULL) != OK)
		return 1;
	f->last = -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	free(f);
	return 0;
}

static struct fixture *current; /* of the test that runs */

static void run_task(struct task *task)
{
	int index = (int)(task - current->tasks);

	if (index != current->last + 1)
		current->order_broken++;
	current->last = index;
	if (atomic_fetch_add(&current->ran, 1) + 1 == (int)ARRAY_COUNT(current->tasks))
		loop_stop(current->loop);
}

static void post_all(void *arg)
{
	struct fixture *f = arg;

	for (size_t i = 0; i < ARRAY_COUNT(f->tasks); i++) {
		f->tasks[i].run = run_task;
		executor_post(loop_executor(f->loop), &f->tasks[i]);
		if (i % 10 == 0)
			sleep_ms(1);
	}
}

static void tasks_of_another_thread_run_on_the_loop_in_order(void **state)
{
	struct fixture *f = *state;

	current = f;
	assert_int_equal(thread_start(&f->thread, "poster", post_all, f, NULL), OK);
	loop_run(f->loop);
	thread_join(&f->thread);
	assert_int_equal(atomic_load(&f->ran), ARRAY_COUNT(f->tasks));
	assert_int_equal(f->order_broken, 0);
}

static void tasks_posted_before_the_loop_runs_are_run(void **state)
{
	struct fixture *f = *state;

	current = f;
	post_all(f);
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->ran), ARRAY_COUNT(f->tasks));
}

static void run_and_post_next(struct task *task)
{
	int index = (int)(task - current->tasks);

	if (index + 1 == (int)ARRAY_COUNT(current->tasks)) {
		loop_stop(current->loop);
		return;
	}
	task[1].run = run_and_post_next;
	executor_post(loop_executor(current->loop), &task[1]);
	atomic_fetch_add(&current->ran, 1);
}

static void tasks_posted_from_the_loop_itself_need_no_wake_up(void **state)
{
	struct fixture *f = *state;

	current = f;
	f->tasks[0].run = run_and_post_next;
	executor_post(loop_executor(f->loop), &f->tasks[0]);
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->ran), ARRAY_COUNT(f->tasks) - 1);
}

static bool count_turn(void *arg)
{
	struct fixture *f = arg;

	atomic_fetch_add(&f->turns, 1);
	return f->turns_left > 0 && f->turns_left-- > 0;
}

static void on_timer_stop(void *arg)
{
	struct fixture *f = arg;

	atomic_fetch_add(&f->fired, 1);
	loop_stop(f->loop);
}

static void asking_for_another_turn_gives_it_at_once_and_not_asking_waits(void **state)
{
	struct fixture *f = *state;

	f->turns_left = 1000;
	loop_on_turn_end(f->loop, count_turn, f);
	assert_int_equal(loop_timer_new(f->loop, on_timer_stop, f, &f->timer, NULL), OK);
	loop_timer_start(f->timer, 200);
	loop_run(f->loop);
	/* 1,000 asked for, one that waited for the timer, one that it ended; and no spinning. */
	assert_in_range(atomic_load(&f->turns), 1001, 1005);
	loop_timer_free(f->timer);
}

static void a_turn_that_stops_the_loop_has_its_end(void **state)
{
	struct fixture *f = *state;

	loop_on_turn_end(f->loop, count_turn, f);
	loop_stop(f->loop);
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->turns), 1);
}

static void a_timer_fires_once_each_time_it_is_started(void **state)
{
	struct fixture *f = *state;
	uint64_t start;

	assert_int_equal(loop_timer_new(f->loop, on_timer_stop, f, &f->timer, NULL), OK);
	loop_timer_start(f->timer, 1);
	loop_timer_start(f->timer, 30); /* starts anew */
	start = now_ms();
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->fired), 1);
	assert_true(now_ms() - start >= 25);
	loop_timer_start(f->timer, 1);
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->fired), 2);
	loop_timer_free(f->timer);
}

static void a_stopped_timer_does_not_fire(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *end = NULL;

	assert_int_equal(loop_timer_new(f->loop, on_timer_stop, f, &f->timer, NULL), OK);
	assert_int_equal(loop_timer_new(f->loop, on_timer_stop, f, &end, NULL), OK);
	loop_timer_start(f->timer, 5);
	loop_timer_start(end, 30);
	loop_timer_stop(f->timer);
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->fired), 1);
	loop_timer_free(f->timer);
	/* `end` is left to loop_free(). */
}

static void on_signal_stop(int signal_number, void *arg)
{
	struct fixture *f = arg;

	atomic_store(&f->signals, signal_number);
	loop_stop(f->loop);
}

static void a_signal_is_handled_on_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_on_signal(f->loop, SIGUSR1, on_signal_stop, f, NULL), OK);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	loop_run(f->loop);
	assert_int_equal(atomic_load(&f->signals), SIGUSR1);
}

static void no_signal_of_that_number_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };

	assert_int_not_equal(loop_on_signal(f->loop, SIGKILL, on_signal_stop, f, &err), OK);
	assert_non_null(strstr(err.message, "signal 9"));
}

int test_loop(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(tasks_of_another_thread_run_on_the_loop_in_order),
		TEST(tasks_posted_before_the_loop_runs_are_run),
		TEST(tasks_posted_from_the_loop_itself_need_no_wake_up),
		TEST(asking_for_another_turn_gives_it_at_once_and_not_asking_waits),
		TEST(a_turn_that_stops_the_loop_has_its_end),
		TEST(a_timer_fires_once_each_time_it_is_started),
		TEST(a_stopped_timer_does_not_fire),
		TEST(a_signal_is_handled_on_the_loop),
		TEST(no_signal_of_that_number_is_an_error),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
