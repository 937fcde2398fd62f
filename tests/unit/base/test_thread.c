/* SPDX-License-Identifier: Apache-2.0 */
/* test_thread.c - what a thread made here is like from inside. */
#include "base/thread.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "expect.h"

struct seen {
	char name[64];
	size_t stack_bytes;
	sigset_t blocked;
	bool ran;
};

static void look(void *arg)
{
	struct seen *seen = arg;
	pthread_attr_t attributes;

	seen->ran = pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name)) == 0 &&
		    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked) == 0 &&
		    pthread_getattr_np(pthread_self(), &attributes) == 0 &&
		    pthread_attr_getstacksize(&attributes, &seen->stack_bytes) == 0 &&
		    pthread_attr_destroy(&attributes) == 0;
}

static struct seen run(const char *name)
{
	struct seen seen = { .ran = false };
	struct thread thread;

	expect_status(OK, thread_start(&thread, name, look, &seen, NULL));
	thread_join(&thread);
	assert_true(seen.ran);
	return seen;
}

static void it_has_its_name_and_a_long_one_is_cut(void **state)
{
	(void)state;
	assert_string_equal(run("lane-1").name, "lane-1");
	assert_string_equal(run("fifteen-letters").name, "fifteen-letters");
	assert_string_equal(run("sixteen--letters").name, "sixteen--letter");
}

static void its_stack_is_large_enough_for_guests(void **state)
{
	pthread_attr_t before, small;

	(void)state;
	/* The system's default is often as large: here it is not. */
	assert_int_equal(pthread_getattr_default_np(&before), 0);
	assert_int_equal(pthread_attr_init(&small), 0);
	assert_int_equal(pthread_attr_setstacksize(&small, THREAD_STACK_BYTES / 8), 0);
	assert_int_equal(pthread_setattr_default_np(&small), 0);
	size_t stack_bytes = run("stack").stack_bytes;
	assert_int_equal(pthread_setattr_default_np(&before), 0);
	assert_int_equal(pthread_attr_destroy(&small), 0);
	assert_int_equal(pthread_attr_destroy(&before), 0);
	assert_true(stack_bytes >= THREAD_STACK_BYTES);
}

static void signals_are_blocked_but_those_of_its_own_faults(void **state)
{
	static const int blocked[] = { SIGTERM, SIGINT,  SIGHUP,  SIGPIPE, SIGUSR1, SIGUSR2,
				       SIGCHLD, SIGALRM, SIGQUIT, SIGABRT, SIGPROF };
	static const int open[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct seen seen = run("signals");

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(blocked); i++) {
		if (sigismember(&seen.blocked, blocked[i]) != 1)
			fail_msg("%s is not blocked", strsignal(blocked[i]));
	}
	for (size_t i = 0; i < ARRAY_COUNT(open); i++) {
		if (sigismember(&seen.blocked, open[i]) != 0)
			fail_msg("%s is blocked", strsignal(open[i]));
	}
}

static void the_starting_thread_keeps_its_own_signals(void **state)
{
	sigset_t mine, before, after;

	(void)state;
	assert_int_equal(sigemptyset(&mine), 0);
	assert_int_equal(sigaddset(&mine, SIGUSR1), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &mine, &before), 0);
	(void)run("signals");
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
	for (int signal = 1; signal < 32; signal++)
		assert_int_equal(sigismember(&after, signal), signal == SIGUSR1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_its_name_and_a_long_one_is_cut),
		cmocka_unit_test(its_stack_is_large_enough_for_guests),
		cmocka_unit_test(signals_are_blocked_but_those_of_its_own_faults),
		cmocka_unit_test(the_starting_thread_keeps_its_own_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
