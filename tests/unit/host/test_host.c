/* SPDX-License-Identifier: Apache-2.0 */
/* test_host.c - loading, looking into components, limits on compiling, deadlines, several threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "lib/guest_harness.h"

struct fixture {
	char *folder;
	struct host *host;
};

static struct fixture f;

#define OPENED                                                                                     \
	"{\"accountNumber\":\"key-1\",\"customerId\":\"c\",\"initialBalance\":100,\"minBalance\":" \
	"0}"

static struct component *load_bank(struct host *host, bool reused)
{
	struct host_component spec = harness_spec("bankaccount", guest_bank_path());
	struct component *component = NULL;
	struct error err = { 0 };

	spec.reused = reused;
	harness_restore_signals();
	if (host_load(host, &spec, &component, &err) != OK)
		fail_msg("%s", error_text(&err));
	return component;
}

static struct host *host_with(const struct host_options *options)
{
	struct host *host = NULL;
	struct error err = { 0 };

	if (host_new(options, &host, &err) != OK)
		fail_msg("%s", error_text(&err));
	harness_restore_signals();
	return host;
}

/* ---- loading ---------------------------------------------------------------------------------- */

static void the_bank_decides_and_folds(void **state)
{
	OWNED(component) struct component *bank = load_bank(f.host, false);
	OWNED(guest_outcome)
	struct guest_outcome *outcome =
		harness_decide(bank, "null", "create_account", OPENED, "seed");

	(void)state;
	if (outcome->handle != OK || outcome->apply != OK)
		fail_msg("%s", error_text(&outcome->err));
	assert_false(outcome->decision.rejected);
	assert_int_equal(outcome->decision.event_count, 1);
	harness_expect_text("the event", outcome->decision.events[0].type, "account_created");
	harness_expect_in(outcome->state.data, "\"balance\":100");

	OWNED(guest_outcome)
	struct guest_outcome *no = harness_decide(bank, outcome->state.data, "withdraw_funds",
						  "{\"amount\":500}", "s");
	assert_int_equal(no->handle, OK);
	assert_true(no->decision.rejected);
	harness_expect_text("the code", no->decision.rejection.code, "insufficient_funds");
}

static void a_component_carries_its_files_digest(void **state)
{
	OWNED(component) struct component *bank = load_bank(f.host, false);
	struct host_inspection found;

	(void)state;
	assert_int_equal(host_inspect(f.host, guest_bank_path(), NULL, NULL, &found, NULL), OK);
	assert_true(sha256_equal(&bank->digest, &found.digest));
	assert_int_equal(bank->size_bytes, found.size_bytes);
	assert_string_equal(bank->name, "bankaccount");
}

static void another_role_is_told_what_is_missing(void **state)
{
	struct host_component spec = harness_spec("bankaccount", guest_bank_path());

	(void)state;
	spec.role = ROLE_PROJECTOR;
	harness_expect_refused(
		f.host, &spec, ERR_INVALID,
		"does not export concordance:app/projector@0.1.0, the interface of a projector; "
		"it exports concordance:app/aggregate@0.1.0");
}

static void bad_entries_of_a_manifest_are_refused(void **state)
{
	const struct host_config config = { SPAN("a"), SPAN("\xff") };
	struct host_component spec = harness_spec("no name", guest_bank_path());

	(void)state;
	harness_expect_refused(f.host, &spec, ERR_INVALID, "no name");
	spec = harness_spec("bankaccount", guest_bank_path());
	spec.config = &config;
	spec.config_count = 1;
	harness_expect_refused(f.host, &spec, ERR_INVALID, "not UTF-8");
}

static void a_file_over_the_limit_is_not_read(void **state)
{
	struct host *host = host_with(
		&(struct host_options){ .cache_directory = f.folder, .component_max_bytes = 1000 });
	const struct host_component spec = harness_spec("bankaccount", guest_bank_path());

	(void)state;
	harness_expect_refused(host, &spec, ERR_LIMIT, "the file has more than 1000 bytes");
	host_free(host);
}

static void a_component_that_needs_more_memory_than_it_may_have_is_refused(void **state)
{
	struct host_component spec = harness_spec("bankaccount", guest_bank_path());

	(void)state;
	spec.limits.memory_bytes = 65536;
	harness_expect_refused(f.host, &spec, ERR_LIMIT, "component 'bankaccount'", "memory");
}

/* ---- compiling -------------------------------------------------------------------------------- */

static void compiling_ends_in_time(void **state)
{
	struct host *host =
		host_with(&(struct host_options){ .no_cache = true, .compile_ms = 200 });
	const struct host_component spec = harness_spec("compile_bomb", guest_path("compile_bomb"));
	uint64_t began = clock_monotonic_ns(clock_system());

	(void)state;
	harness_expect_refused(host, &spec, ERR_DEADLINE, "compiling it took longer than 200 ms");
	assert_true(clock_monotonic_ns(clock_system()) - began < UINT64_C(5000000000));
	host_free(host);
}

static void compiling_ends_within_its_memory(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)state;
	skip(); /* their address space cannot be limited */
#else
	struct host *host = host_with(&(struct host_options){
		.no_cache = true, .compile_max_bytes = UINT64_C(64) << 20 });
	const struct host_component spec = harness_spec("compile_bomb", guest_path("compile_bomb"));

	(void)state;
	harness_expect_refused(host, &spec, ERR_LIMIT, "more than 64 MiB of memory");
	host_free(host);
#endif
}

static void a_compiler_that_is_none_is_reported(void **state)
{
	const struct host_component spec = harness_spec("bankaccount", guest_bank_path());
	struct host *host = host_with(
		&(struct host_options){ .no_cache = true, .compiler = "/no/such/program" });

	(void)state;
	harness_expect_refused(host, &spec, ERR_NOT_FOUND, "/no/such/program");
	host_free(host);
	host = host_with(&(struct host_options){ .no_cache = true, .compiler = "/bin/true" });
	harness_expect_refused(host, &spec, ERR_LIMIT, "this host cannot hold it");
	host_free(host);
}

/* ---- looking in ------------------------------------------------------------------------------- */

struct seen {
	bool logging;
	bool handle;
	bool apply;
};

static void see(const struct host_item *item, void *arg)
{
	struct seen *seen = arg;

	if (!item->exported && span_equal(item->name, SPAN("wasi:logging/logging@0.1.0-draft")) &&
	    span_equal(item->signature, SPAN("(level: enum{trace, debug, info, warn, error, "
					     "critical}, context: string, "
					     "message: string)")))
		seen->logging = true;
	if (item->exported && span_equal(item->name, SPAN("concordance:app/aggregate@0.1.0"))) {
		seen->handle |= span_equal(item->function, SPAN("handle"));
		seen->apply |=
			span_equal(item->function, SPAN("apply")) &&
			span_starts_with(item->signature, SPAN("(state: string, events: list<"));
	}
}

static void a_component_can_be_looked_into(void **state)
{
	struct host_inspection found;
	struct seen seen = { 0 };

	(void)state;
	harness_restore_signals();
	assert_int_equal(host_inspect(f.host, guest_bank_path(), see, &seen, &found, NULL), OK);
	assert_true(seen.logging && seen.handle && seen.apply);
	assert_int_equal(found.roles, 1u << ROLE_AGGREGATE);
	assert_int_equal(host_inspect(f.host, guest_path("other_types"), NULL, NULL, &found, NULL),
			 OK);
	assert_int_equal(found.roles, 0);
	assert_int_equal(host_inspect(f.host, guest_path("core_module"), NULL, NULL, &found, NULL),
			 ERR_INVALID);
}

/* ---- time ------------------------------------------------------------------------------------- */

static uint64_t thread_cpu_us(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void expect_deadline_after(uint64_t call_ms)
{
	struct host_component spec = harness_spec("loop_in_handle", guest_path("loop_in_handle"));
	OWNED(component) struct component *component = NULL;

	spec.limits.call_ms = call_ms;
	harness_restore_signals();
	assert_int_equal(host_load(f.host, &spec, &component, NULL), OK);
	uint64_t began = thread_cpu_us();
	OWNED(guest_outcome)
	struct guest_outcome *outcome = harness_decide(component, "null", "x", "{}", "s");
	uint64_t used_us = thread_cpu_us() - began;
	assert_int_equal(outcome->handle, ERR_DEADLINE);
	if (used_us < (call_ms - 1) * 1000 || used_us > call_ms * 1000 + 20000)
		fail_msg("of %llu ms it used %llu us", (unsigned long long)call_ms,
			 (unsigned long long)used_us);
}

static void deadlines_are_kept_to_some_milliseconds(void **state)
{
	(void)state;
	expect_deadline_after(1);
	expect_deadline_after(20);
	expect_deadline_after(100);
}

static void spin(void *arg)
{
	const _Atomic bool *stop = arg;

	while (!atomic_load(stop)) {
	}
}

static void time_without_the_processor_does_not_count(void **state)
{
	struct thread threads[8];
	_Atomic bool stop = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		assert_int_equal(thread_start(&threads[i], "spin", spin, &stop, NULL), OK);
	expect_deadline_after(50);
	atomic_store(&stop, true);
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		thread_join(&threads[i]);
}

static void an_idle_host_does_nothing(void **state)
{
	const struct timespec settle = { .tv_nsec = 200000000 };
	const struct timespec watch = { .tv_nsec = 400000000 };
	OWNED(component) struct component *echo = harness_load(f.host, "echo");
	struct rusage before;
	struct rusage after;

	(void)state;
	guest_outcome_free(harness_decide(echo, "null", "x", "{}", "s"));
	(void)nanosleep(&settle, NULL);
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	(void)nanosleep(&watch, NULL);
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	/* A tick each millisecond would be 400. */
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 40);
	/* And it wakes up again. */
	expect_deadline_after(20);
}

/* ---- many ------------------------------------------------------------------------------------- */

static void more_instances_than_there_are_is_busy(void **state)
{
	struct host *host = host_with(
		&(struct host_options){ .cache_directory = f.folder, .instances_max = 2 });
	struct component *echo = harness_load(host, "echo");
	OWNED(arena) struct arena *arena = arena_new(65536);
	const struct component_call call = { .seed = SPAN("s"), .arena = arena };
	struct component_instance *instances[3] = { NULL };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(component_open(echo, &call, &instances[0], &err), OK);
	assert_int_equal(component_open(echo, &call, &instances[1], &err), OK);
	assert_int_equal(component_open(echo, &call, &instances[2], &err), ERR_BUSY);
	harness_expect_in(err.message, "component 'echo': open: 2 instances are open");
	component_close(instances[0]);
	assert_int_equal(component_open(echo, &call, &instances[2], &err), OK);
	component_close(instances[1]);
	component_close(instances[2]);
	component_free(echo);
	host_free(host);
}

struct worker {
	struct thread thread;
	struct component *bank;
	struct component *reused;
	struct component *trap;
	struct component *large;
	unsigned wrong;
};

static void work(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < 60; i++) {
		OWNED(guest_outcome)
		struct guest_outcome *a =
			harness_decide(worker->bank, "null", "create_account", OPENED, "s");
		OWNED(guest_outcome)
		struct guest_outcome *b =
			harness_decide(worker->reused, "null", "create_account", OPENED, "s");
		OWNED(guest_outcome)
		struct guest_outcome *c = harness_decide(worker->trap, "null", "x", "{}", "s");
		worker->wrong += a->apply != OK || a->decision.event_count != 1;
		worker->wrong += b->apply != OK || !span_equal(a->state, b->state);
		worker->wrong += c->handle != ERR_TRAP;
		if (i % 20 == 0) {
			OWNED(guest_outcome)
			struct guest_outcome *d =
				harness_decide(worker->large, "null", "x", "{}", "s");
			worker->wrong += d->handle != ERR_LIMIT;
		}
	}
}

static void several_threads_do_not_disturb_each_other(void **state)
{
	struct worker workers[4] = { 0 };
	OWNED(component) struct component *bank = load_bank(f.host, false);
	OWNED(component) struct component *reused = load_bank(f.host, true);
	OWNED(component) struct component *trap = harness_load(f.host, "trap");
	OWNED(component) struct component *large = harness_load(f.host, "million_events");

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(workers); i++) {
		workers[i].bank = bank;
		workers[i].reused = reused;
		workers[i].trap = trap;
		workers[i].large = large;
		assert_int_equal(
			thread_start(&workers[i].thread, "worker", work, &workers[i], NULL), OK);
	}
	for (size_t i = 0; i < ARRAY_COUNT(workers); i++) {
		thread_join(&workers[i].thread);
		assert_int_equal(workers[i].wrong, 0);
	}
}

static void calls_and_failures_are_counted(void **state)
{
	struct metrics *metrics = NULL;
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(metrics_new(&metrics, NULL), OK);
	struct host *host = host_with(
		&(struct host_options){ .cache_directory = f.folder, .metrics = metrics });
	struct component *trap = harness_load(host, "trap");
	guest_outcome_free(harness_decide(trap, "null", "x", "{}", "s"));
	metrics_render(metrics, &text);
	buf_append_byte(&text, '\0');
	harness_expect_in(text.data,
			  "concordance_component_call_duration_seconds_count{component=\"trap\","
			  "function=\"handle\"} 1\n");
	harness_expect_in(
		text.data,
		"concordance_component_failures_total{component=\"trap\",kind=\"trap\"} 1\n");
	harness_expect_in(text.data, "concordance_component_instances 0\n");
	buf_fini(&text);
	component_free(trap);
	host_free(host);
	metrics_free(metrics);
}

static void swallow_line(struct span line, void *arg)
{
	(void)line, (void)arg;
}

static int set_up(void **state)
{
	(void)state;
	log_set_sink(swallow_line, NULL);
	f.folder = harness_folder_new();
	f.host = harness_host_new(f.folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	host_free(f.host);
	harness_folder_remove(f.folder);
	log_set_sink(NULL, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	GUEST_HARNESS_MAIN(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bank_decides_and_folds),
		cmocka_unit_test(a_component_carries_its_files_digest),
		cmocka_unit_test(another_role_is_told_what_is_missing),
		cmocka_unit_test(bad_entries_of_a_manifest_are_refused),
		cmocka_unit_test(a_file_over_the_limit_is_not_read),
		cmocka_unit_test(a_component_that_needs_more_memory_than_it_may_have_is_refused),
		cmocka_unit_test(compiling_ends_in_time),
		cmocka_unit_test(compiling_ends_within_its_memory),
		cmocka_unit_test(a_compiler_that_is_none_is_reported),
		cmocka_unit_test(a_component_can_be_looked_into),
		cmocka_unit_test(deadlines_are_kept_to_some_milliseconds),
		cmocka_unit_test(time_without_the_processor_does_not_count),
		cmocka_unit_test(an_idle_host_does_nothing),
		cmocka_unit_test(more_instances_than_there_are_is_busy),
		cmocka_unit_test(several_threads_do_not_disturb_each_other),
		cmocka_unit_test(calls_and_failures_are_counted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
