/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - threads that take tasks from one queue. */
#include "base/pool.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mutex.h"
#include "base/thread.h"

struct pool {
	struct executor executor;
	struct mutex mu; /* RANK_QUEUE; guards the fields below */
	struct cond more;
	struct task *oldest;
	struct task *newest;
	size_t waiting;
	bool ending;

	size_t thread_count; /* set once; those that were started */
	struct thread threads[];
};

static void post(struct executor *executor, struct task *task)
{
	struct pool *pool = CONTAINER_OF(executor, struct pool, executor);

	MUTEX_GUARD(&pool->mu);
	task->next = NULL;
	if (pool->oldest == NULL)
		pool->oldest = task;
	else
		pool->newest->next = task;
	pool->newest = task;
	pool->waiting++;
	cond_signal(&pool->more);
}

static struct task *take(struct pool *pool)
{
	MUTEX_GUARD(&pool->mu);

	while (pool->oldest == NULL && !pool->ending)
		cond_wait(&pool->more, &pool->mu);
	struct task *task = pool->oldest;
	if (task != NULL) {
		pool->oldest = task->next;
		pool->waiting--;
	}
	return task;
}

static void work(void *arg)
{
	struct pool *pool = arg;

	for (struct task *task; (task = take(pool)) != NULL;)
		task->run(task);
}

enum status pool_new(const char *name, size_t thread_count, struct pool **ret, struct error *err)
{
	CHECK(thread_count != 0);
	struct pool *pool = calloc(1, sizeof(*pool) + thread_count * sizeof(pool->threads[0]));
	if (pool == NULL)
		return ERROR(err, ERR_NOMEM, "a pool of %zu threads", thread_count);
	pool->executor.post = post;
	mutex_init(&pool->mu, RANK_QUEUE);
	cond_init(&pool->more);
	while (pool->thread_count < thread_count) {
		enum status s =
			thread_start(&pool->threads[pool->thread_count], name, work, pool, err);
		if (s != OK) {
			pool_free(pool);
			return s;
		}
		pool->thread_count++;
	}
	*ret = pool;
	return OK;
}

void pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	mutex_lock(&pool->mu);
	pool->ending = true;
	cond_broadcast(&pool->more);
	mutex_unlock(&pool->mu);
	for (size_t i = 0; i < pool->thread_count; i++)
		thread_join(&pool->threads[i]);
	CHECK(pool->waiting == 0);
	cond_fini(&pool->more);
	mutex_fini(&pool->mu);
	free(pool);
}

struct executor *pool_executor(struct pool *pool)
{
	return &pool->executor;
}

size_t pool_waiting(struct pool *pool)
{
	MUTEX_GUARD(&pool->mu);

	return pool->waiting;
}
