/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c - compiles a component in a process of its own.
 *
 * A file of 2 MB can take the compiler 13 seconds and more than a gigabyte, so it runs where limits
 * can be set and where its end is not ours. The component goes there in a file without a name, which
 * nobody can exchange meanwhile; code and error text come back in others.
 *
 *	this process                          PROGRAM compile-component /proc/self/fd/0 /proc/self/fd/1
 *	component -> memory file  ==stdin==>  compile
 *	code      <- memory file  <=stdout==  code
 *	message   <- memory file  <=stderr==  what was wrong
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "host/internal.h"

#define CODE_MAX_BYTES    ((size_t)1 << 30)
#define MESSAGE_MAX_BYTES 4096
#define POLL_NS           1000000

/* In the environment of the compiling process: a program that does not know the subcommand and
 * loads components itself does not start the next one. */
#define COMPILING "CONCORDANCE_COMPILING"

/* ---- descriptors ------------------------------------------------------------------------------ */

static void fd_cleanup(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* memory only: nothing can be lost */
}
#define OWNED_FD __attribute__((cleanup(fd_cleanup)))

/* A file without a name. Never one of the three that the compiler gets it as. -1: errno. */
static int memory_file(const char *name)
{
	int fd OWNED_FD = memfd_create(name, MFD_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static enum status write_all(int fd, struct span bytes, struct error *err)
{
	while (bytes.size != 0) {
		ssize_t n = write(fd, bytes.data, bytes.size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "writing %zu bytes", bytes.size);
		bytes = span_after(bytes, (size_t)n);
	}
	return OK;
}

/* From the beginning to the end, at most `max` bytes. */
static enum status read_all(int fd, size_t max, struct buf *ret, struct error *err)
{
	off_t offset = 0;

	for (;;) {
		if (buf_reserve(ret, 65536) != OK)
			return ERROR(err, ERR_NOMEM, "reading what was compiled");
		ssize_t n = pread(fd, ret->data + ret->size, 65536, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "reading what was compiled");
		if (n == 0)
			return OK;
		ret->size += (size_t)n;
		offset += n;
		if ((size_t)offset > max)
			return ERROR(err, ERR_LIMIT, "more than %zu bytes of compiled code", max);
	}
}

/* ---- this process ------------------------------------------------------------------------------ */

/* A copy of the environment with COMPILING in it; only the array is owned. */
static char **environment_new(void)
{
	static char compiling[] = COMPILING "=1";
	size_t count = 0;

	while (environ[count] != NULL)
		count++;
	char **copy = calloc(count + 2, sizeof(*copy));
	if (copy == NULL)
		return NULL;
	memcpy(copy, environ, count * sizeof(*copy));
	copy[count] = compiling;
	return copy;
}

static enum status start(const struct host *host, int in, int out, int message, pid_t *ret,
			 struct error *err)
{
	static char command[] = HOST_COMPILE_COMMAND;
	static char in_path[] = "/proc/self/fd/0";
	static char out_path[] = "/proc/self/fd/1";
	char seconds[24];
	char bytes[24];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;

	(void)snprintf(seconds, sizeof(seconds), "%llu",
		       (unsigned long long)(host->compile_ms + 999) / 1000);
	(void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)host->compile_max_bytes);
	char *argv[] = { host->compiler, command, in_path, out_path, seconds, bytes, NULL };
	char **envp = environment_new();
	if (envp == NULL)
		return ERROR(err, ERR_NOMEM, "starting the compiler");
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	CHECK(posix_spawnattr_init(&attributes) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, in, 0) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, out, 1) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, message, 2) == 0);
	/* Threads block signals; the compiler must be open to those that end it. */
	CHECK(sigemptyset(&none) == 0);
	CHECK(posix_spawnattr_setsigmask(&attributes, &none) == 0);
	CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) == 0);
	int result = posix_spawn(ret, host->compiler, &actions, &attributes, argv, envp);
	CHECK(posix_spawnattr_destroy(&attributes) == 0);
	CHECK(posix_spawn_file_actions_destroy(&actions) == 0);
	free(envp);
	if (result != 0)
		return error_set_errno(err, result, "starting the compiler %s", host->compiler);
	return OK;
}

/* Waits until it ends or its time is up; then it is ended. *ret_status is waitpid's. */
static enum status wait_for(pid_t pid, uint64_t timeout_ms, int *ret_status, bool *ret_killed,
			    struct error *err)
{
	uint64_t until_ns = clock_monotonic_ns(clock_system()) + timeout_ms * UINT64_C(1000000);
	const struct timespec pause = { .tv_nsec = POLL_NS };

	*ret_killed = false;
	for (;;) {
		pid_t done = waitpid(pid, ret_status, *ret_killed ? 0 : WNOHANG);
		if (done == pid)
			return OK;
		if (done < 0 && errno != EINTR)
			return error_set_errno(err, errno, "waiting for the compiler");
		if (clock_monotonic_ns(clock_system()) >= until_ns) {
			*ret_killed = true;
			(void)kill(pid,
				   SIGKILL); /* it cannot be gone: it has not been waited for */
			continue;
		}
		(void)nanosleep(&pause, NULL);
	}
}

/* What an end other than success means. */
static enum status explain(const struct host *host, int status, bool killed, int message,
			   struct error *err)
{
	OWNED(buf) struct buf text = { 0 };
	OWNED(buf) struct buf line = { 0 };

	if (killed ||
	    (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)))
		return ERROR(err, ERR_DEADLINE, "compiling it took longer than %llu ms",
			     (unsigned long long)host->compile_ms);
	if (WIFSIGNALED(status))
		return ERROR(
			err, ERR_LIMIT,
			"compiling it needs more than %llu MiB of memory, or breaks the compiler "
			"(signal %d)",
			(unsigned long long)(host->compile_max_bytes >> 20), WTERMSIG(status));
	if (read_all(message, MESSAGE_MAX_BYTES, &text, NULL) == ERR_NOMEM)
		return ERROR(err, ERR_NOMEM, "reading what the compiler says");
	failure_append_text(&line, buf_span(&text));
	return ERROR(err, ERR_INVALID, "it cannot be compiled: %.*s", SPAN_ARG(buf_span(&line)));
}

enum status compile(const struct host *host, struct span component, struct buf *ret,
		    struct error *err)
{
	int status = 0;
	bool killed = false;
	pid_t pid = 0;

	if (secure_getenv(COMPILING) != NULL)
		return ERROR(err, ERR_UNSUPPORTED, "%s does not end in host_compile_main()",
			     host->compiler);
	int in OWNED_FD = memory_file("component");
	int out OWNED_FD = memory_file("code");
	int message OWNED_FD = memory_file("message");
	if (in < 0 || out < 0 || message < 0)
		return error_set_errno(err, errno, "memory for compiling");
	enum status s = write_all(in, component, err);
	if (s == OK)
		s = start(host, in, out, message, &pid, err);
	if (s == OK)
		s = wait_for(pid, host->compile_ms, &status, &killed, err);
	if (s != OK)
		return s;
	if (killed || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return explain(host, status, killed, message, err);
	return read_all(out, CODE_MAX_BYTES, ret, err);
}

/* ---- the compiling process --------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void limit(__rlimit_resource_t resource, uint64_t value)
{
	const struct rlimit limits = { .rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value };

	/* The parent's clock still runs when this fails. */
	(void)setrlimit(resource, &limits);
}

static int fail(const char *what, wasmtime_error_t *error)
{
	OWNED(buf) struct buf text = { 0 };

	if (error != NULL)
		failure_append_cause(error, &text);
	(void)fprintf(stderr, "%s%s%.*s", what, text.size != 0 ? ": " : "",
		      SPAN_ARG(buf_span(&text)));
	if (error != NULL)
		wasmtime_error_delete(error);
	return 1;
}

static enum status read_file(const char *path, struct buf *ret, struct error *err)
{
	int fd OWNED_FD = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	return read_all(fd, CODE_MAX_BYTES, ret, err);
}

static enum status write_file(const char *path, struct span bytes, struct error *err)
{
	int fd OWNED_FD = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	return write_all(fd, bytes, err);
}

int host_compile_main(int argc, char **argv)
{
	OWNED(buf) struct buf component = { 0 };
	wasmtime_component_t *compiled = NULL;
	wasm_byte_vec_t code;
	struct error err = { 0 };
	uint64_t seconds;
	uint64_t bytes;

	if (argc != 6 || !span_parse_u64(span_from_string(argv[4]), &seconds) ||
	    !span_parse_u64(span_from_string(argv[5]), &bytes))
		return fail("usage: " HOST_COMPILE_COMMAND " IN OUT SECONDS BYTES", NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	limit(RLIMIT_CORE, 0);
	/* CPU time of all its threads: each processor may work for all of the time. */
	limit(RLIMIT_CPU, seconds * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	if (!SANITIZED) /* their shadow memory is larger than any limit */
		limit(RLIMIT_AS, bytes);
	/* Address space for 64 MiB a thread is not for free here. No other thread runs yet. */
	(void)mallopt(M_ARENA_MAX, 2); /* NOLINT(concurrency-mt-unsafe) */

	if (read_file(argv[2], &component, &err) != OK)
		return fail(error_text(&err), NULL);
	wasm_engine_t *engine = engine_new_for_compiling();
	wasmtime_error_t *error = wasmtime_component_new(
		engine, (const uint8_t *)(const void *)component.data, component.size, &compiled);
	if (error != NULL)
		return fail("not a good component", error);
	error = wasmtime_component_serialize(compiled, &code);
	if (error != NULL)
		return fail("writing its code", error);
	if (write_file(argv[3], span_of(code.data, code.size), &err) != OK)
		return fail(error_text(&err), NULL);
	wasm_byte_vec_delete(&code);
	wasmtime_component_delete(compiled);
	wasm_engine_delete(engine);
	return 0;
}
