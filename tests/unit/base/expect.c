/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void expect_text(struct span found, const char *expected)
{
	if (!span_equal_string(found, expected))
		fail_msg("found:\n%.*s\nexpected:\n%s", SPAN_ARG(found), expected);
}

static void die_in_child(void (*run)(void *arg), void *arg, int out)
{
	const struct rlimit none = { 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGABRT, SIG_DFL);
	if (dup2(out, STDERR_FILENO) < 0)
		_exit(2);
	run(arg);
	_exit(0);
}

void expect_abort(void (*run)(void *arg), void *arg, const char *fact)
{
	int ends[2];
	int result;
	char said[4096] = "";
	size_t size = 0;
	ssize_t got;

	assert_return_code(pipe(ends), 0);
	pid_t child = fork();
	assert_return_code(child, 0);
	if (child == 0)
		die_in_child(run, arg, ends[1]);
	(void)close(ends[1]);
	while (size < sizeof(said) - 1 &&
	       (got = read(ends[0], said + size, sizeof(said) - 1 - size)) > 0)
		size += (size_t)got;
	said[size] = '\0';
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &result, 0), child);
	if (!WIFSIGNALED(result) || WTERMSIG(result) != SIGABRT)
		fail_msg("the child did not abort: %x, it said '%s'", (unsigned)result, said);
	if (strstr(said, "this must hold and does not") == NULL || strstr(said, fact) == NULL)
		fail_msg("the child said '%s', without '%s'", said, fact);
}
