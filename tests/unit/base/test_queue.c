/* SPDX-License-Identifier: Apache-2.0 */
/* test_queue.c - from many threads to one. */
#include "base/queue.h"

#include <sched.h>
#include <stdlib.h>

#include "base/thread.h"
#include "expect.h"

#define PRODUCERS 4u
#define EACH      20000u

struct numbered {
	struct task task;
	unsigned producer;
	unsigned number;
};

static struct numbered *numbered_of(struct task *task)
{
	return CONTAINER_OF(task, struct numbered, task);
}

static void an_empty_queue_gives_nothing(void **state)
{
	struct queue queue;

	(void)state;
	queue_init(&queue);
	assert_null(queue_take_all(&queue));
}

static void tasks_come_out_in_the_order_they_went_in(void **state)
{
	struct numbered tasks[10];
	struct queue queue;
	unsigned next = 0;

	(void)state;
	queue_init(&queue);
	for (unsigned i = 0; i < ARRAY_COUNT(tasks); i++) {
		tasks[i].number = i;
		(void)queue_push(&queue, &tasks[i].task);
	}
	for (struct task *task = queue_take_all(&queue); task != NULL; task = task->next)
		assert_int_equal(numbered_of(task)->number, next++);
	assert_int_equal(next, ARRAY_COUNT(tasks));
	assert_null(queue_take_all(&queue));
}

static void only_the_first_push_asks_for_waking(void **state)
{
	struct task tasks[3];
	struct queue queue;

	(void)state;
	queue_init(&queue);
	assert_true(queue_push(&queue, &tasks[0]));
	assert_false(queue_push(&queue, &tasks[1]));
	assert_false(queue_push(&queue, &tasks[2]));
	assert_non_null(queue_take_all(&queue));
	assert_true(queue_push(&queue, &tasks[0]));
}

struct producer {
	struct queue *queue;
	struct numbered *tasks; /* EACH of them */
	_Atomic unsigned *wakes;
};

static void produce(void *arg)
{
	struct producer *producer = arg;

	for (unsigned i = 0; i < EACH; i++) {
		if (queue_push(producer->queue, &producer->tasks[i].task))
			atomic_fetch_add(producer->wakes, 1);
	}
}

static void every_task_of_several_producers_arrives_once_and_in_its_producers_order(void **state)
{
	struct numbered *tasks = calloc(PRODUCERS * EACH, sizeof(*tasks));
	struct producer producers[PRODUCERS];
	struct thread threads[PRODUCERS];
	unsigned next[PRODUCERS] = { 0 };
	_Atomic unsigned wakes = 0;
	unsigned taken = 0, batches = 0;
	struct queue queue;

	(void)state;
	assert_non_null(tasks);
	queue_init(&queue);
	for (unsigned i = 0; i < PRODUCERS * EACH; i++)
		tasks[i] = (struct numbered){ .producer = i / EACH, .number = i % EACH };
	for (unsigned i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){ .queue = &queue,
						  .tasks = tasks + (size_t)i * EACH,
						  .wakes = &wakes };
		expect_status(OK,
			      thread_start(&threads[i], "produce", produce, &producers[i], NULL));
	}
	while (taken < PRODUCERS * EACH) {
		struct task *task = queue_take_all(&queue);

		if (task == NULL) {
			(void)sched_yield();
			continue;
		}
		batches++;
		for (; task != NULL; task = task->next, taken++) {
			const struct numbered *numbered = numbered_of(task);

			if (numbered->number != next[numbered->producer]++)
				fail_msg("producer %u: %u came instead of %u", numbered->producer,
					 numbered->number, next[numbered->producer] - 1);
		}
	}
	for (unsigned i = 0; i < PRODUCERS; i++)
		thread_join(&threads[i]);
	assert_null(queue_take_all(&queue));
	/* Each time it went from empty to not empty, exactly one producer was told. */
	assert_int_equal(wakes, batches);
	free(tasks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_queue_gives_nothing),
		cmocka_unit_test(tasks_come_out_in_the_order_they_went_in),
		cmocka_unit_test(only_the_first_push_asks_for_waking),
		cmocka_unit_test(
			every_task_of_several_producers_arrives_once_and_in_its_producers_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
