/* SPDX-License-Identifier: Apache-2.0 */
/* test_pool.c - threads that run what is posted. */
#include "base/pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "expect.h"

#define TASKS 1000u

/* A gate that tasks can be held at. */
struct gate {
	struct mutex mu; /* RANK_APP; guards the fields below */
	struct cond cond;
	bool open;
	unsigned inside;
	unsigned begun; /* tasks, ever */
};

struct job {
	struct task task;
	struct gate *gate;
	unsigned order; /* of beginning, from 1; gate->mu */
	unsigned runs;  /* gate->mu */
	bool waits;
	char thread[16];
};

static void run(struct task *task)
{
	struct job *job = CONTAINER_OF(task, struct job, task);

	(void)pthread_getname_np(pthread_self(), job->thread, sizeof(job->thread));
	MUTEX_GUARD(&job->gate->mu);
	job->order = ++job->gate->begun;
	job->runs++;
	job->gate->inside++;
	cond_broadcast(&job->gate->cond);
	while (job->waits && !job->gate->open)
		cond_wait(&job->gate->cond, &job->gate->mu);
	job->gate->inside--;
}

struct fixture {
	struct gate gate;
	struct pool *pool;
	struct job jobs[TASKS];
};

static struct fixture fixture;

static struct fixture *set_up(size_t thread_count)
{
	struct fixture *f = &fixture;

	*f = (struct fixture){ 0 };
	mutex_init(&f->gate.mu, RANK_APP);
	cond_init(&f->gate.cond);
	for (size_t i = 0; i < TASKS; i++)
		f->jobs[i] = (struct job){ .task.run = run, .gate = &f->gate };
	expect_status(OK, pool_new("background", thread_count, &f->pool, NULL));
	return f;
}

static void tear_down(struct fixture *f)
{
	pool_free(f->pool);
	cond_fini(&f->gate.cond);
	mutex_fini(&f->gate.mu);
}

static void post(struct fixture *f, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		executor_post(pool_executor(f->pool), &f->jobs[i].task);
}

static void wait_inside(struct gate *gate, unsigned count)
{
	MUTEX_GUARD(&gate->mu);
	while (gate->inside < count)
		assert_true(cond_wait_ms(&gate->cond, &gate->mu, 10000));
}

static void open_gate(struct gate *gate)
{
	MUTEX_GUARD(&gate->mu);
	gate->open = true;
	cond_broadcast(&gate->cond);
}

static void free_runs_what_was_posted_each_task_once(void **state)
{
	struct fixture *f = set_up(3);

	(void)state;
	post(f, 0, TASKS);
	tear_down(f);
	for (size_t i = 0; i < TASKS; i++)
		assert_int_equal(f->jobs[i].runs, 1);
}

static void tasks_begin_in_the_order_of_posting(void **state)
{
	struct fixture *f = set_up(1);

	(void)state;
	f->jobs[0].waits = true;
	post(f, 0, TASKS);
	open_gate(&f->gate);
	tear_down(f);
	for (unsigned i = 0; i < TASKS; i++)
		assert_int_equal(f->jobs[i].order, i + 1);
}

static void as_many_tasks_run_at_once_as_there_are_threads(void **state)
{
	struct fixture *f = set_up(3);

	(void)state;
	for (size_t i = 0; i < 5; i++)
		f->jobs[i].waits = true;
	post(f, 0, 5);
	wait_inside(&f->gate, 3);
	assert_int_equal(pool_waiting(f->pool), 2);
	mutex_lock(&f->gate.mu);
	assert_int_equal(f->gate.begun, 3);
	mutex_unlock(&f->gate.mu);
	open_gate(&f->gate);
	tear_down(f);
	assert_int_equal(f->gate.begun, 5);
}

static void waiting_counts_what_has_not_begun(void **state)
{
	struct fixture *f = set_up(1);

	(void)state;
	assert_int_equal(pool_waiting(f->pool), 0);
	f->jobs[0].waits = true;
	post(f, 0, 1);
	wait_inside(&f->gate, 1);
	assert_int_equal(pool_waiting(f->pool), 0);
	post(f, 1, 4);
	assert_int_equal(pool_waiting(f->pool), 3);
	open_gate(&f->gate);
	while (pool_waiting(f->pool) != 0)
		(void)sched_yield();
	tear_down(f);
}

static void its_threads_have_its_name(void **state)
{
	struct fixture *f = set_up(2);

	(void)state;
	post(f, 0, 2);
	tear_down(f);
	assert_string_equal(f->jobs[0].thread, "background");
	assert_string_equal(f->jobs[1].thread, "background");
}

struct reposting {
	struct task task;
	struct pool *pool;
	_Atomic unsigned left;
};

static void post_again(struct task *task)
{
	struct reposting *reposting = CONTAINER_OF(task, struct reposting, task);

	/* Its own task: from the moment it runs, the executor is done with it. */
	if (atomic_fetch_sub(&reposting->left, 1) > 1)
		executor_post(pool_executor(reposting->pool), task);
}

static void a_task_may_post_itself_again(void **state)
{
	struct fixture *f = set_up(2);
	struct reposting reposting = { .task.run = post_again, .pool = f->pool, .left = 100 };

	(void)state;
	executor_post(pool_executor(f->pool), &reposting.task);
	while (atomic_load(&reposting.left) != 0)
		(void)sched_yield();
	tear_down(f);
	assert_int_equal(reposting.left, 0);
}

static void post_part(void *arg)
{
	struct job *jobs = arg;

	for (size_t i = 0; i < TASKS / 4; i++)
		executor_post(pool_executor(fixture.pool), &jobs[i].task);
}

static void any_thread_may_post(void **state)
{
	struct fixture *f = set_up(2);
	struct thread threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		expect_status(OK, thread_start(&threads[i], "post", post_part,
					       f->jobs + i * (TASKS / 4), NULL));
	for (size_t i = 0; i < 4; i++)
		thread_join(&threads[i]);
	tear_down(f);
	for (size_t i = 0; i < TASKS; i++)
		assert_int_equal(f->jobs[i].runs, 1);
}

static void freeing_nothing_does_nothing(void **state)
{
	(void)state;
	pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_runs_what_was_posted_each_task_once),
		cmocka_unit_test(tasks_begin_in_the_order_of_posting),
		cmocka_unit_test(as_many_tasks_run_at_once_as_there_are_threads),
		cmocka_unit_test(waiting_counts_what_has_not_begun),
		cmocka_unit_test(its_threads_have_its_name),
		cmocka_unit_test(a_task_may_post_itself_again),
		cmocka_unit_test(any_thread_may_post),
		cmocka_unit_test(freeing_nothing_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
