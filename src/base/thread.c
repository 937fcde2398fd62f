/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - threads with a name, a large stack, and no signals but those of their own making. */
#include "base/thread.h"

#include <signal.h>
#include <stdio.h>

#include "base/check.h"

static void *enter(void *arg)
{
	struct thread *thread = arg;

	/* A name that cannot be set is missing in debuggers, nothing else. */
	(void)pthread_setname_np(pthread_self(), thread->name);
	thread->run(thread->arg);
	return NULL;
}

enum status thread_start(struct thread *thread, const char *name, thread_fn run, void *arg,
			 struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;

	(void)snprintf(thread->name, sizeof(thread->name), "%s", name);
	thread->run = run;
	thread->arg = arg;
	CHECK(pthread_attr_init(&attributes) == 0);
	CHECK(pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES) == 0);
	/* Inherited by the new thread, so it never runs with signals open; but those that a fault in
	 * the thread itself raises must reach their handlers, which turn a guest's into traps. Blocked,
	 * they would end the process. */
	CHECK(sigfillset(&all) == 0);
	CHECK(sigdelset(&all, SIGSEGV) == 0 && sigdelset(&all, SIGBUS) == 0);
	CHECK(sigdelset(&all, SIGILL) == 0 && sigdelset(&all, SIGFPE) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int result = pthread_create(&thread->native, &attributes, enter, thread);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	CHECK(pthread_attr_destroy(&attributes) == 0);
	if (result != 0)
		return error_set_errno(err, result, "starting thread '%s'", name);
	return OK;
}

void thread_join(struct thread *thread)
{
	CHECK(pthread_join(thread->native, NULL) == 0);
}
