/* SPDX-License-Identifier: Apache-2.0 */
/* guest_harness.c - see guest_harness.h. */
#include "lib/guest_harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vfs.h"

/* ThreadSanitizer sees the memory that wasmtime allocates and frees, but not the atomics by which its
 * threads agree on that; and takes its handler of traps for one of signals from outside. Asked for
 * by the sanitizer, under this name. */
const char *__tsan_default_suppressions(void); /* NOLINT(bugprone-reserved-identifier) */
__attribute__((visibility("default"))) const char *
__tsan_default_suppressions(void) /* NOLINT(bugprone-reserved-identifier) */
{
	return "called_from_lib:libwasmtime.so\nsignal:libwasmtime.so\n";
}

#define ARENA_MAX_BYTES ((size_t)16 << 20)

static const char *folder_of(const char *variable, const char *otherwise)
{
	const char *folder = getenv(variable);

	return folder != NULL ? folder : otherwise;
}

/* A few, so that a test can hold on to more than one. */
static char *next_path(void)
{
	static _Thread_local char paths[8][4096];
	static _Thread_local size_t at;

	return paths[at++ % ARRAY_COUNT(paths)];
}

const char *guest_path(const char *name)
{
	char *path = next_path();

	(void)snprintf(path, 4096, "%s/%s.wasm", folder_of("GUESTS_DIR", "build/tests/guests"),
		       name);
	return path;
}

const char *guest_bank_path(void)
{
	char *path = next_path();

	(void)snprintf(path, 4096, "%s/build/bankaccount.wasm",
		       folder_of("BANK_DIR", "examples/bank"));
	return path;
}

/* ---- signals ----------------------------------------------------------------------------------
 * wasmtime makes traps of signals, by handlers that it installs once. cmocka installs its own around
 * each test. So those of wasmtime are kept and put back when a test turns to the host. */

static const int trap_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
static struct sigaction trap_actions[ARRAY_COUNT(trap_signals)];
static bool trap_actions_known;

static void keep_signals(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(trap_signals); i++)
		assert_int_equal(sigaction(trap_signals[i], NULL, &trap_actions[i]), 0);
	trap_actions_known = true;
}

void harness_restore_signals(void)
{
	for (size_t i = 0; trap_actions_known && i < ARRAY_COUNT(trap_signals); i++)
		assert_int_equal(sigaction(trap_signals[i], &trap_actions[i], NULL), 0);
}

char *harness_folder_new(void)
{
	char *path = strdup("/tmp/concordance-host-XXXXXX");

	assert_non_null(path);
	assert_non_null(mkdtemp(path));
	return path;
}

static enum status remove_one(const char *name, void *arg, struct error *err)
{
	char path[4096];

	(void)err;
	(void)snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name);
	(void)unlink(path);
	return OK;
}

void harness_folder_remove(char *path)
{
	(void)vfs_system()->ops->list(vfs_system(), path, remove_one, path, NULL);
	(void)rmdir(path);
	free(path);
}

struct host *harness_host_new(const char *folder)
{
	const struct host_options options = { .cache_directory = folder };
	struct host *host = NULL;
	struct error err = { 0 };

	if (host_new(&options, &host, &err) != OK)
		fail_msg("%s", error_text(&err));
	if (!trap_actions_known)
		keep_signals();
	harness_restore_signals();
	return host;
}

struct host_component harness_spec(const char *name, const char *path)
{
	return (struct host_component){ .name = name,
					.role = ROLE_AGGREGATE,
					.path = path,
					.limits = component_limits_default };
}

struct component *harness_load(struct host *host, const char *name)
{
	const struct host_component spec = harness_spec(name, guest_path(name));
	struct component *component = NULL;
	struct error err = { 0 };

	harness_restore_signals();
	if (host_load(host, &spec, &component, &err) != OK)
		fail_msg("%s", error_text(&err));
	return component;
}

void harness_expect_refused_(struct host *host, const struct host_component *spec,
			     enum status status, const char *const *texts)
{
	struct component *component = NULL;
	struct error err = { 0 };

	harness_restore_signals();
	enum status s = host_load(host, spec, &component, &err);
	if (s != status)
		fail_msg("loading '%s' answers %s: %s", spec->name, status_word(s),
			 error_text(&err));
	assert_null(component);
	for (; *texts != NULL; texts++)
		harness_expect_in(err.message, *texts);
}

static void keep_line(enum component_log_level level, struct span context, struct span message,
		      void *arg)
{
	struct guest_outcome *outcome = arg;
	size_t at = outcome->line_count++;

	if (at >= HARNESS_LINES_MAX)
		return;
	outcome->lines[at].level = level;
	(void)snprintf(outcome->lines[at].context, sizeof(outcome->lines[at].context), "%.*s",
		       SPAN_ARG(context));
	outcome->lines[at].message_size = message.size;
	if (message.size >= HARNESS_LINE_MAX_BYTES)
		message.size = HARNESS_LINE_MAX_BYTES - 1;
	if (message.size != 0)
		memcpy(outcome->lines[at].message, message.data, message.size);
}

static void fold(struct guest_outcome *outcome, struct component_instance *instance,
		 const char *state)
{
	size_t count = outcome->decision.event_count;
	struct component_event *events = arena_alloc_array(outcome->arena, count, sizeof(*events));

	assert_non_null(events);
	for (size_t i = 0; i < count; i++)
		events[i] = (struct component_event){ .type = outcome->decision.events[i].type,
						      .version = i + 1,
						      .time_us = HARNESS_TIME_US,
						      .data = outcome->decision.events[i].data };
	outcome->apply = component_apply(instance, span_from_string(state), events, count,
					 &outcome->state, &outcome->err);
}

struct guest_outcome *harness_decide(struct component *component, const char *state,
				     const char *type, const char *data, const char *seed)
{
	struct guest_outcome *outcome = calloc(1, sizeof(*outcome));
	struct component_instance *instance = NULL;

	assert_non_null(outcome);
	harness_restore_signals();
	outcome->arena = arena_new(ARENA_MAX_BYTES);
	assert_non_null(outcome->arena);
	const struct component_call call = { .time_us = HARNESS_TIME_US,
					     .seed = span_from_string(seed),
					     .arena = outcome->arena,
					     .log = keep_line,
					     .log_arg = outcome };
	const struct component_command command = { .id = SPAN("command-1"),
						   .type = span_from_string(type),
						   .key = SPAN("key-1"),
						   .time_us = HARNESS_TIME_US,
						   .data = span_from_string(data),
						   .metadata = SPAN("{\"correlation_id\":\"c\"}") };
	outcome->open = component_open(component, &call, &instance, &outcome->err);
	if (outcome->open == OK) {
		uint64_t began = clock_monotonic_ns(clock_system());
		outcome->handle = component_handle(instance, span_from_string(state), &command,
						   &outcome->decision, &outcome->err);
		outcome->handle_us = (clock_monotonic_ns(clock_system()) - began) / 1000;
		if (outcome->handle == OK && outcome->decision.event_count != 0)
			fold(outcome, instance, state);
	}
	component_close(instance);
	return outcome;
}

void guest_outcome_free(struct guest_outcome *outcome)
{
	if (outcome == NULL)
		return;
	arena_free(outcome->arena);
	free(outcome);
}

void harness_expect_text(const char *what, struct span found, const char *expected)
{
	if (!span_equal_string(found, expected))
		fail_msg("%s is '%.*s', not '%s'", what, SPAN_ARG(found), expected);
}

void harness_expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no '%s' in '%s'", part, text);
}
