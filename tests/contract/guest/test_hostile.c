/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile.c - every odd guest of tests/guests, and what must come of it: the call fails with a
 * message that says who, where and why, or the component is refused; and whatever it was, the next
 * call is served. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "lib/guest_harness.h"
#include "model/frame.h"

struct fixture {
	char *folder;
	struct host *host;
	struct component *echo; /* the neighbour that must not notice anything */
};

static struct fixture fixture;

/* A failed decision, and after it the neighbour's and the component's own next call. */
static void expect_failure(const char *name, const char *data, enum status status,
			   const char *reason)
{
	OWNED(component) struct component *component = harness_load(fixture.host, name);
	char who[128];

	for (int round = 0; round < 2; round++) {
		OWNED(guest_outcome)
		struct guest_outcome *outcome =
			harness_decide(component, "null", "do_it", data, "seed");
		enum status s = outcome->handle != OK ? outcome->handle : outcome->apply;

		assert_int_equal(outcome->open, OK);
		if (s != status)
			fail_msg("%s answers %s: %s", name, status_word(s),
				 error_text(&outcome->err));
		(void)snprintf(who, sizeof(who), "component '%s': %s", name,
			       outcome->handle != OK ? "handle" : "apply");
		harness_expect_in(outcome->err.message, who);
		harness_expect_in(outcome->err.message, reason);

		OWNED(guest_outcome)
		struct guest_outcome *neighbour =
			harness_decide(fixture.echo, "null", "do_it", "{\"a\":1}", "seed");
		assert_int_equal(neighbour->apply, OK);
		harness_expect_text("the neighbour's state", neighbour->state, "{\"a\":1}");
	}
}

/* What may go on longer than its deadline on a machine that has other things to do. */
static void expect_deadline(const char *name)
{
	expect_failure(name, "{}", ERR_DEADLINE, "did not finish within 250 ms");
}

static struct guest_outcome *expect_works(const char *name, const char *data)
{
	OWNED(component) struct component *component = harness_load(fixture.host, name);
	struct guest_outcome *outcome = harness_decide(component, "null", "do_it", data, "seed");

	if (outcome->open != OK || outcome->handle != OK || outcome->apply != OK)
		fail_msg("%s: %s", name, error_text(&outcome->err));
	return outcome;
}

static void expect_event_data(const char *name, const char *data, const char *expected)
{
	OWNED(guest_outcome) struct guest_outcome *outcome = expect_works(name, data);

	assert_int_equal(outcome->decision.event_count, 1);
	harness_expect_text("the event's data", outcome->decision.events[0].data, expected);
}

static void expect_refused(const char *name, enum status status, const char *reason)
{
	const struct host_component spec = harness_spec(name, guest_path(name));
	char who[128];

	(void)snprintf(who, sizeof(who), "component '%s': ", name);
	harness_expect_refused(fixture.host, &spec, status, who, reason);
}

/* ---- time ------------------------------------------------------------------------------------- */

static void endless_loops_end_at_the_deadline(void **state)
{
	(void)state;
	expect_deadline("loop_in_handle");
	expect_deadline("loop_in_apply");
	expect_deadline("loop_in_realloc");
	expect_deadline("loop_in_post_return");
}

static void a_loop_on_the_way_up_refuses_the_component(void **state)
{
	(void)state;
	expect_refused("loop_in_start", ERR_DEADLINE, "open did not finish within 250 ms");
}

static void waiting_ends_at_once(void **state)
{
	OWNED(guest_outcome) struct guest_outcome *outcome = expect_works("sleeps", "{}");

	(void)state;
	harness_expect_text("the number of ready ones", outcome->decision.events[0].data, "2");
	assert_true(outcome->handle_us < 1000000);
}

/* ---- memory ----------------------------------------------------------------------------------- */

static long resident_max_kib(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* The limits on memory hold for this process as well; a sanitizer's own needs are something else. */
static void expect_bounded_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(resident_max_kib() < 768L * 1024);
#else
	(void)resident_max_kib;
#endif
}

static void memory_ends_at_the_limit(void **state)
{
	(void)state;
	expect_failure("memory_hog", "{}", ERR_TRAP, "trapped: wasm `unreachable`");
	expect_deadline("memory_bomb");
	expect_bounded_memory();
}

static void tables_end_at_the_limit(void **state)
{
	(void)state;
	expect_failure("table_bomb", "{}", ERR_TRAP, "unreachable");
}

static void a_recursion_ends_with_the_guests_stack(void **state)
{
	(void)state;
	expect_failure("deep_recursion", "{}", ERR_TRAP, "call stack exhausted");
}

/* ---- output ----------------------------------------------------------------------------------- */

static void output_ends_at_the_limit(void **state)
{
	(void)state;
	expect_failure("big_event", "{}", ERR_TRAP, "trapped"); /* it does not get that memory */
	expect_failure("big_state", "{}", ERR_LIMIT, "apply returned more than 1048576 bytes");
	expect_failure("million_events", "{}", ERR_LIMIT, "returned");
	expect_failure("many_events", "{}", ERR_LIMIT,
		       "1024 events, of which a command takes at most 1023");
	expect_bounded_memory();
}

static void as_many_events_as_a_frame_takes_are_taken(void **state)
{
	OWNED(guest_outcome)
	struct guest_outcome *outcome = expect_works("many_events", "\"fits\"");

	(void)state;
	assert_int_equal(outcome->decision.event_count, FRAME_EVENTS_MAX);
	harness_expect_text("the last one", outcome->decision.events[1022].data, "1022");
	harness_expect_text("the state", outcome->state, "1022");
}

static void bad_output_fails_the_call(void **state)
{
	(void)state;
	expect_failure("bad_json_event", "{}", ERR_TRAP,
		       "handle returned event 1 (done) with bad data");
	expect_failure("bad_json_state", "{}", ERR_TRAP, "apply returned a bad state");
	expect_failure("bad_utf8_event", "{}", ERR_TRAP, "handle");
	expect_failure("bad_event_type", "\"no type\"", ERR_TRAP, "event 1 with a bad type");
	expect_failure("bad_rejection_code", "{}", ERR_TRAP, "rejected with a bad code");
	expect_failure("bad_rejection_details", "{}", ERR_TRAP,
		       "details that are no good JSON object");
	expect_failure("rejects", "[1]", ERR_TRAP, "details that are no good JSON object");
}

static void the_rules_of_the_edge_hold_for_what_comes_back(void **state)
{
	(void)state;
	expect_event_data("puppet", "\"{}\"", "{}");
	expect_event_data("puppet", "\"{\\\"a\\\":1}\"", "{\"a\":1}");
	expect_failure("puppet", "\"{\\\"a\\\":1,\\\"a\\\":2}\"", ERR_TRAP, "bad data");
	expect_failure("puppet", "\"\\\"\\\\u0000\\\"\"", ERR_TRAP, "bad data");
	expect_failure("puppet", "\"\\\"\\\\ud800\\\"\"", ERR_TRAP, "bad data");
	expect_failure("puppet", "\"1e999\"", ERR_TRAP, "bad data");
	expect_failure("puppet", "\"1 2\"", ERR_TRAP, "bad data");
	expect_failure("puppet", "\"\"", ERR_TRAP, "bad data");
}

/* ---- ends ------------------------------------------------------------------------------------- */

static void a_trap_comes_with_the_guests_backtrace(void **state)
{
	(void)state;
	expect_failure("trap", "{}", ERR_TRAP,
		       "handle trapped: wasm `unreachable` instruction executed (in ");
	expect_failure("trap_in_apply", "{}", ERR_TRAP, "apply trapped");
}

static void the_last_words_of_a_guest_are_kept(void **state)
{
	OWNED(component) struct component *component = harness_load(fixture.host, "log_then_abort");
	OWNED(guest_outcome)
	struct guest_outcome *outcome = harness_decide(component, "null", "do_it", "{}", "seed");

	(void)state;
	assert_int_equal(outcome->handle, ERR_TRAP);
	assert_int_equal(outcome->line_count, 1);
	assert_true(outcome->lines[0].message_size != 0);
}

static void an_apply_that_cannot_fold_says_why(void **state)
{
	(void)state;
	expect_failure("error_in_apply", "{}", ERR_INVALID,
		       "apply cannot fold: this history makes no sense");
}

static void what_is_good_is_passed_on(void **state)
{
	(void)state;
	expect_event_data("echo", "{\"a\":[1,2,\"\xc3\xa9\"]}", "{\"a\":[1,2,\"\xc3\xa9\"]}");

	OWNED(guest_outcome) struct guest_outcome *no = expect_works("rejects", "{\"limit\":5}");
	assert_true(no->decision.rejected);
	harness_expect_text("the code", no->decision.rejection.code, "never");
	harness_expect_text("the details", no->decision.rejection.details, "{\"limit\":5}");

	OWNED(guest_outcome) struct guest_outcome *gone = expect_works("gone", "{}");
	harness_expect_text("the state", gone->state, "null");
}

/* ---- purity ----------------------------------------------------------------------------------- */

static void no_variable_outlives_a_call(void **state)
{
	OWNED(component) struct component *component = harness_load(fixture.host, "static_counter");

	(void)state;
	for (int i = 0; i < 20; i++) {
		OWNED(guest_outcome)
		struct guest_outcome *outcome =
			harness_decide(component, "null", "do_it", "{}", "seed");
		assert_int_equal(outcome->handle, OK);
		harness_expect_text("the count", outcome->decision.events[0].data, "1");
	}
}

static void expect_count(struct component *component, const char *expected)
{
	OWNED(guest_outcome)
	struct guest_outcome *outcome = harness_decide(component, "null", "do_it", "{}", "seed");

	assert_int_equal(outcome->handle, OK);
	harness_expect_text("the count", outcome->decision.events[0].data, expected);
}

static void only_reused_instances_remember_until_one_fails(void **state)
{
	struct host_component spec = harness_spec("static_counter", guest_path("static_counter"));
	OWNED(component) struct component *component = NULL;

	(void)state;
	spec.reused = true;
	assert_int_equal(host_load(fixture.host, &spec, &component, NULL), OK);
	expect_count(component, "1");
	expect_count(component, "2");
	expect_count(component, "3");
	OWNED(guest_outcome)
	struct guest_outcome *trapped =
		harness_decide(component, "null", "do_it", "\"trap\"", "seed");
	assert_int_equal(trapped->handle, ERR_TRAP);
	expect_count(component, "1");
	expect_count(component, "2");
}

static void an_apply_that_remembers_is_seen_in_a_fresh_instance(void **state)
{
	OWNED(component) struct component *component = harness_load(fixture.host, "apply_differs");
	OWNED(guest_outcome)
	struct guest_outcome *outcome = harness_decide(component, "null", "do_it", "{}", "seed");
	struct component_instance *instance = NULL;
	const struct component_call call = { .seed = SPAN("seed"), .arena = outcome->arena };
	const struct component_event event = { SPAN("done"), 1, HARNESS_TIME_US, SPAN("{}") };
	struct span again;

	(void)state;
	assert_int_equal(component_open(component, &call, &instance, NULL), OK);
	assert_int_equal(component_apply(instance, SPAN("null"), &event, 1, &again, NULL), OK);
	component_close(instance);
	harness_expect_text("the state", outcome->state, "{\"instance\":\"same\"}");
	harness_expect_text("the state in a fresh instance", again, "{\"instance\":\"fresh\"}");
}

static void clocks_and_chance_follow_from_the_call(void **state)
{
	OWNED(component)
	struct component *component = harness_load(fixture.host, "asks_clock_and_random");
	OWNED(guest_outcome)
	struct guest_outcome *a = harness_decide(component, "null", "x", "{}", "1");
	OWNED(guest_outcome)
	struct guest_outcome *b = harness_decide(component, "null", "x", "{}", "1");
	OWNED(guest_outcome)
	struct guest_outcome *c = harness_decide(component, "null", "x", "{}", "2");

	(void)state;
	assert_int_equal(a->decision.event_count, 2);
	assert_int_equal(b->decision.event_count, 2);
	assert_int_equal(c->decision.event_count, 2);
	/* HARNESS_TIME_US in seconds and nanoseconds, and as one number of nanoseconds. */
	harness_expect_in(a->decision.events[0].data.data,
			  "[\"1700000000\",\"123456000\",\"1700000000123456000\",");
	for (size_t i = 0; i < 2; i++)
		assert_true(span_equal(a->decision.events[i].data, b->decision.events[i].data));
	assert_false(span_equal(a->decision.events[0].data, c->decision.events[0].data));
	/* The second asking gets the same time and other chance. */
	assert_false(span_equal(a->decision.events[0].data, a->decision.events[1].data));
	harness_expect_in(a->decision.events[1].data.data, "[\"1700000000\",\"123456000\"");
}

static void there_are_no_files_and_no_environment(void **state)
{
	(void)state;
	expect_event_data("asks_files_and_environment", "{}", "[0,0,0,0]");
}

static void configuration_is_what_the_manifest_says(void **state)
{
	const struct host_config config[] = { { SPAN("other"), SPAN("x") },
					      { SPAN("institution"), SPAN("ACME \xc3\xa9") } };
	struct host_component spec = harness_spec("asks_config", guest_path("asks_config"));
	OWNED(component) struct component *component = NULL;

	(void)state;
	expect_event_data("asks_config", "{}", "[null,0]");
	spec.config = config;
	spec.config_count = ARRAY_COUNT(config);
	assert_int_equal(host_load(fixture.host, &spec, &component, NULL), OK);
	OWNED(guest_outcome)
	struct guest_outcome *outcome = harness_decide(component, "null", "x", "{}", "s");
	assert_int_equal(outcome->handle, OK);
	harness_expect_text("the answer", outcome->decision.events[0].data,
			    "[\"ACME \xc3\xa9\",2]");
}

static void the_network_may_be_imported_and_leads_nowhere(void **state)
{
	OWNED(guest_outcome) struct guest_outcome *outcome = expect_works("wants_sockets", "{}");

	(void)state;
	assert_int_equal(outcome->decision.event_count, 1);
	expect_event_data("makes_sockets", "{}", "[1,1]");
}

static void handles_of_the_host_end_at_a_limit(void **state)
{
	(void)state;
	expect_failure("pollable_flood", "{}", ERR_LIMIT, "handle limit exceeded");
	expect_bounded_memory();
}

static void a_flood_of_chance_is_refused_before_it_is_made(void **state)
{
	(void)state;
	expect_failure("random_flood", "{}", ERR_LIMIT, "asked for more than 65536 random bytes");
}

/* ---- logs ------------------------------------------------------------------------------------- */

static void a_flood_of_lines_is_counted_and_cut(void **state)
{
	OWNED(component) struct component *component = harness_load(fixture.host, "log_flood");
	OWNED(guest_outcome)
	struct guest_outcome *outcome = harness_decide(component, "null", "do_it", "{}", "seed");

	(void)state;
	assert_true(outcome->handle == OK || outcome->handle == ERR_DEADLINE);
	assert_int_equal(outcome->line_count, 101);
	for (size_t i = 0; i < outcome->line_count; i++)
		assert_true(outcome->lines[i].message_size <= 1024);
	harness_expect_in(outcome->lines[100].message, "more log lines were dropped");
	assert_int_equal(outcome->lines[100].level, COMPONENT_WARN);
}

struct sink {
	size_t lines;
	bool broken;
};

static void count_line(struct span line, void *arg)
{
	struct sink *sink = arg;

	sink->lines++;
	for (size_t i = 0; i < line.size; i++)
		if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7F)
			sink->broken = true;
}

static void no_line_in_the_process_log_can_be_forged(void **state)
{
	OWNED(component) struct component *component = harness_load(fixture.host, "log_forged");
	OWNED(arena) struct arena *arena = arena_new(65536);
	struct component_instance *instance = NULL;
	struct component_decision decision;
	struct sink sink = { 0 };
	const struct component_call call = { .seed = SPAN("seed"), .arena = arena };
	const struct component_command command = { SPAN("id"), SPAN("do_it"), SPAN("key"),
						   1,          SPAN("{}"),    SPAN("{}") };

	(void)state;
	log_set_sink(count_line, &sink);
	assert_int_equal(component_open(component, &call, &instance, NULL), OK);
	assert_int_equal(component_handle(instance, SPAN("null"), &command, &decision, NULL), OK);
	component_close(instance);
	log_set_sink(NULL, NULL);
	assert_int_equal(sink.lines, 6);
	assert_false(sink.broken);
}

static void output_goes_to_the_log(void **state)
{
	OWNED(guest_outcome) struct guest_outcome *outcome = expect_works("writes_stdout", "{}");

	(void)state;
	assert_int_equal(outcome->line_count, 2);
	assert_string_equal(outcome->lines[0].message, "a line on stdout");
	assert_string_equal(outcome->lines[1].message, "a line on stderr");
	assert_string_equal(outcome->lines[0].context, "output");
}

/* ---- refused ---------------------------------------------------------------------------------- */

static void imports_that_nobody_granted_are_refused_by_name(void **state)
{
	(void)state;
	expect_refused("wants_unknown", ERR_INVALID, "it imports 'acme:weather/forecast@1.0.0'");
	expect_refused("wants_http", ERR_INVALID,
		       "it imports 'concordance:app/http@0.1.0', which an aggregate may not use");
}

static void exports_that_are_missing_or_different_are_named(void **state)
{
	(void)state;
	expect_refused("no_exports", ERR_INVALID,
		       "does not export concordance:app/aggregate@0.1.0, the interface of an "
		       "aggregate; it exports nothing");
	expect_refused("other_types", ERR_INVALID,
		       "function 'handle' of concordance:app/aggregate@0.1.0 has another type than "
		       "the contract: "
		       "'u64' where 'result<");
	expect_refused("compile_bomb", ERR_INVALID, "does not export concordance:app/aggregate");
}

static void what_is_switched_off_is_refused(void **state)
{
	(void)state;
	expect_refused("returns_future", ERR_INVALID, "cannot be compiled");
	expect_refused("wants_memory64", ERR_INVALID, "cannot be compiled");
	expect_refused("two_memories", ERR_LIMIT, "this host cannot hold it");
}

static void files_that_are_no_components_are_told_apart(void **state)
{
	const struct host_component spec = harness_spec("absent", guest_path("absent"));

	(void)state;
	expect_refused("core_module", ERR_INVALID, "the file is a core module, not a component");
	expect_refused("empty", ERR_INVALID, "the file is empty");
	expect_refused("truncated", ERR_INVALID, "cannot be compiled");
	harness_expect_refused(fixture.host, &spec, ERR_NOT_FOUND, "component 'absent'",
			       "absent.wasm");
}

static int set_up(void **state)
{
	(void)state;
	fixture.folder = harness_folder_new();
	fixture.host = harness_host_new(fixture.folder);
	fixture.echo = harness_load(fixture.host, "echo");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	component_free(fixture.echo);
	host_free(fixture.host);
	harness_folder_remove(fixture.folder);
	return 0;
}

int main(int argc, char **argv)
{
	GUEST_HARNESS_MAIN(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_good_is_passed_on),
		cmocka_unit_test(endless_loops_end_at_the_deadline),
		cmocka_unit_test(a_loop_on_the_way_up_refuses_the_component),
		cmocka_unit_test(waiting_ends_at_once),
		cmocka_unit_test(memory_ends_at_the_limit),
		cmocka_unit_test(tables_end_at_the_limit),
		cmocka_unit_test(a_recursion_ends_with_the_guests_stack),
		cmocka_unit_test(output_ends_at_the_limit),
		cmocka_unit_test(as_many_events_as_a_frame_takes_are_taken),
		cmocka_unit_test(bad_output_fails_the_call),
		cmocka_unit_test(the_rules_of_the_edge_hold_for_what_comes_back),
		cmocka_unit_test(a_trap_comes_with_the_guests_backtrace),
		cmocka_unit_test(the_last_words_of_a_guest_are_kept),
		cmocka_unit_test(an_apply_that_cannot_fold_says_why),
		cmocka_unit_test(no_variable_outlives_a_call),
		cmocka_unit_test(only_reused_instances_remember_until_one_fails),
		cmocka_unit_test(an_apply_that_remembers_is_seen_in_a_fresh_instance),
		cmocka_unit_test(clocks_and_chance_follow_from_the_call),
		cmocka_unit_test(there_are_no_files_and_no_environment),
		cmocka_unit_test(configuration_is_what_the_manifest_says),
		cmocka_unit_test(the_network_may_be_imported_and_leads_nowhere),
		cmocka_unit_test(handles_of_the_host_end_at_a_limit),
		cmocka_unit_test(a_flood_of_chance_is_refused_before_it_is_made),
		cmocka_unit_test(a_flood_of_lines_is_counted_and_cut),
		cmocka_unit_test(no_line_in_the_process_log_can_be_forged),
		cmocka_unit_test(output_goes_to_the_log),
		cmocka_unit_test(imports_that_nobody_granted_are_refused_by_name),
		cmocka_unit_test(exports_that_are_missing_or_different_are_named),
		cmocka_unit_test(what_is_switched_off_is_refused),
		cmocka_unit_test(files_that_are_no_components_are_told_apart),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
