/* SPDX-License-Identifier: Apache-2.0 */
/* mutex.c - locks whose order is checked in debug builds: each thread keeps the ranks it holds. */
#include "base/mutex.h"

#include <errno.h>
#include <time.h>

#include "base/check.h"

#ifndef NDEBUG
#define HELD_MAX 16
static _Thread_local const struct mutex *held[HELD_MAX];
static _Thread_local unsigned held_count;

static void note_locking(const struct mutex *mu)
{
	CHECK(held_count < HELD_MAX);
	for (unsigned i = 0; i < held_count; i++)
		CHECK(mu->rank < held[i]->rank);
}

/* By this thread's own list: mu's fields are another thread's to write while it holds it. */
static bool is_held(const struct mutex *mu)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i] == mu)
			return true;
	return false;
}

static void note_locked(struct mutex *mu)
{
	held[held_count++] = mu;
	mu->owner = pthread_self();
	mu->held = true;
}

static void note_unlocking(struct mutex *mu)
{
	unsigned i = held_count;

	CHECK(is_held(mu));
	while (held[i - 1] != mu)
		i--;
	for (; i < held_count; i++)
		held[i - 1] = held[i];
	held_count--;
	mu->held = false;
}
#else
static void note_locking(const struct mutex *mu)
{
	(void)mu;
}
static void note_locked(struct mutex *mu)
{
	(void)mu;
}
static void note_unlocking(struct mutex *mu)
{
	(void)mu;
}
#endif

void mutex_init(struct mutex *mu, enum mutex_rank rank)
{
	CHECK(pthread_mutex_init(&mu->native, NULL) == 0);
	mu->rank = rank;
	mu->held = false;
}

void mutex_fini(struct mutex *mu)
{
	CHECK(pthread_mutex_destroy(&mu->native) == 0);
}

void mutex_lock(struct mutex *mu)
{
	note_locking(mu);
	CHECK(pthread_mutex_lock(&mu->native) == 0);
	note_locked(mu);
}

void mutex_unlock(struct mutex *mu)
{
	note_unlocking(mu);
	CHECK(pthread_mutex_unlock(&mu->native) == 0);
}

bool mutex_is_held(const struct mutex *mu)
{
#ifndef NDEBUG
	return is_held(mu);
#else
	(void)mu;
	return true;
#endif
}

void cond_init(struct cond *cond)
{
	pthread_condattr_t attributes;

	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&cond->native, &attributes) == 0);
	CHECK(pthread_condattr_destroy(&attributes) == 0);
}

void cond_fini(struct cond *cond)
{
	CHECK(pthread_cond_destroy(&cond->native) == 0);
}

void cond_wait(struct cond *cond, struct mutex *mu)
{
	note_unlocking(mu);
	note_locking(mu); /* waking up takes it again */
	CHECK(pthread_cond_wait(&cond->native, &mu->native) == 0);
	note_locked(mu);
}

bool cond_wait_ms(struct cond *cond, struct mutex *mu, uint64_t timeout_ms)
{
	struct timespec until;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	note_unlocking(mu);
	note_locking(mu);
	int result = pthread_cond_timedwait(&cond->native, &mu->native, &until);
	note_locked(mu);
	CHECK(result == 0 || result == ETIMEDOUT);
	return result == 0;
}

void cond_signal(struct cond *cond)
{
	CHECK(pthread_cond_signal(&cond->native) == 0);
}

void cond_broadcast(struct cond *cond)
{
	CHECK(pthread_cond_broadcast(&cond->native) == 0);
}
