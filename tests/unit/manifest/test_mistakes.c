/* SPDX-License-Identifier: Apache-2.0 */
/* test_mistakes.c - every mistake in a manifest is told: where, what, and what would be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest/manifest.h"

/* A manifest is HEAD, then the case's text from line 4 on. */
#define HEAD    "concordance: 1\napplication: bank\ncomponents:\n"
#define ACCOUNT "- {role: aggregate, name: account, component: a.wasm}\n"

struct mistake {
	const char *text;
	uint32_t line;
	uint32_t column;
	const char *message; /* stands in it */
};

/* All problems of one text, in order; each case has as many rows as it has mistakes. */
#define MORE NULL
static const struct mistake mistakes[] = {
	/* the whole */
	{ "", 0, 0, "the file is empty" },
	{ "# nothing\n", 0, 0, "the file is empty" },
	{ "- a\n", 1, 1, "a manifest must be a mapping" },
	{ "concordance: 1\napplication: a\n", 1, 1, "a manifest needs 'components'" },
	{ "application: a\ncomponents:\n" ACCOUNT, 1, 1, "add `concordance: 1`" },
	{ "concordance: 2\nfuture: x\n", 1, 14, "format 2; this version reads format 1" },
	{ "concordance: one\napplication: a\ncomponents:\n" ACCOUNT, 1, 14, "not 'one'" },
	{ "concordance: '1'\napplication: a\ncomponents:\n" ACCOUNT, 1, 14, "without quotes: 1" },
	{ "concordance:\napplication: a\ncomponents:\n" ACCOUNT, 1, 1,
	  "'concordance' has no value" },
	{ "concordance: 1\naplication: a\ncomponents:\n" ACCOUNT, 1, 1, "needs 'application'" },
	{ MORE, 2, 1, "unknown member 'aplication': did you mean 'application'?" },
	{ "concordance: 1\napplication: a\napplication: b\ncomponents:\n" ACCOUNT, 3, 1,
	  "'application' stands here a second time" },
	{ "concordance: 1\napplication: My Bank\ncomponents:\n" ACCOUNT, 2, 14,
	  "begins with a lower-case letter" },
	{ "concordance: 1\napplication: [a]\ncomponents:\n" ACCOUNT, 2, 14, "not a list" },
	{ "concordance: 1\napplication: external\ncomponents:\n" ACCOUNT, 2, 14, "reserved" },
	{ "concordance: 1\napplication: a\ncomponents: {}\n", 3, 13, "must be a list" },
	{ "concordance: 1\napplication: a\ncomponents: []\n", 3, 13, "at least one" },
	{ HEAD ACCOUNT "extra: 1\n", 5, 1,
	  "unknown member 'extra': known are concordance, application" },
	{ HEAD "\t" ACCOUNT, 4, 1, "a tab in the indentation" },
	{ HEAD "- {role: aggregate\n", 5, 1, "not YAML" },
	{ HEAD "- &a {role: aggregate}\n", 4, 3, "anchors" },

	/* components */
	{ HEAD "- account\n", 4, 3, "a component must be a mapping" },
	{ HEAD "- {name: a, component: a.wasm}\n", 4, 3, "a component needs 'role'" },
	{ HEAD "- {role: aggregate, component: a.wasm}\n", 4, 3, "a component needs 'name'" },
	{ HEAD "- {role: aggregate, name: a}\n", 4, 3, "a component needs 'component'" },
	{ HEAD "- {role: agregate, name: a, component: a.wasm}\n", 4, 10,
	  "unknown role 'agregate': did you mean 'aggregate'?" },
	{ HEAD "- {role: process-manager, name: a, component: a.wasm}\n", 4, 10,
	  "did you mean 'process_manager'?" },
	{ HEAD "- {role: saga, name: a, component: a.wasm}\n", 4, 10,
	  "unknown role 'saga': known are aggregate, process_manager, projector, notifier and "
	  "gateway" },
	{ HEAD "- {role: aggregate, name: BankAccount, component: a.wasm}\n", 4, 27,
	  "a name begins with a lower-case letter: 'BankAccount'" },
	{ HEAD "- {role: aggregate, name: external, component: a.wasm}\n", 4, 27, "reserved" },
	{ HEAD "- {role: aggregate, name: $x, component: a.wasm}\n", 4, 27, "lower-case letter" },
	{ HEAD "- {role: aggregate, name: '', component: a.wasm}\n", 4, 27, "'name' is empty" },
	{ HEAD "- {role: aggregate, name: a, component: \"a\\n.wasm\"}\n", 4, 41,
	  "control character" },
	{ HEAD ACCOUNT "- {role: projector, name: account, component: p.wasm, interest: [x]}\n", 5,
	  27, "'account' is taken in line 4: names are unique" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, intrest: [x]}\n", 4, 49,
	  "unknown member 'intrest': did you mean 'interest'?" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, interest: [x]}\n", 4, 49,
	  "role aggregate has no 'interest': it gets commands, not events" },
	{ HEAD "- {role: projector, name: a, component: a.wasm}\n", 4, 3,
	  "role projector needs 'interest'" },
	{ HEAD "- {role: projector, name: a, component: a.wasm, interest: }\n", 4, 49,
	  "'interest' has no value" },
	{ HEAD "- {role: projector, name: a, component: a.wasm, interest: []}\n", 4, 59,
	  "'interest' is empty" },
	{ HEAD "- {role: projector, name: a, component: a.wasm, interest: x}\n", 4, 59,
	  "must be a list" },
	{ HEAD "- {role: projector, name: a, component: a.wasm, interest: {start: [x]}}\n", 4, 59,
	  "start, advance and stop are for process managers" },
	{ HEAD "- {role: projector, name: a, component: a.wasm, interest: [x], key: k}\n", 4, 64,
	  "only process managers" },
	{ HEAD "- {role: projector, name: a, component: a.wasm, interest: [x], from: end}\n", 4, 64,
	  "it always sees all events" },
	{ HEAD
	  "- {role: notifier, name: a, component: a.wasm, interest: [x], on_change: continue}\n",
	  4, 63, "only projectors are rebuilt" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], on_failure: fail}\n",
	  4, 63, "only process managers" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, timeout_ms: 5}\n", 4, 49,
	  "'limits: call_ms'" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, retry: {tries: 1}}\n", 4, 49,
	  "has no 'retry'" },

	/* interest */
	{ HEAD ACCOUNT "- {role: notifier, name: n, component: n.wasm, interest: [acount/x]}\n", 5,
	  59, "no aggregate of this manifest is named 'acount': did you mean 'account'?" },
	{ HEAD ACCOUNT "- {role: notifier, name: n, component: n.wasm, interest: [n/x]}\n", 5, 59,
	  "no aggregate of this manifest is named 'n': known is account" },
	{ HEAD "- {role: notifier, name: n, component: n.wasm, interest: [a b]}\n", 4, 59,
	  "'a b' is no event type" },
	{ HEAD "- {role: notifier, name: n, component: n.wasm, interest: [External/x]}\n", 4, 59,
	  "write `type`, `aggregate/type` or `external/type`" },
	{ HEAD "- {role: notifier, name: n, component: n.wasm, interest: [external/]}\n", 4, 59,
	  "'external/' is no event type" },
	{ HEAD "- {role: notifier, name: n, component: n.wasm, interest: [a/b/c]}\n", 4, 59,
	  "'a/b/c' is no event type" },
	{ HEAD "- {role: notifier, name: n, component: n.wasm, interest: [x_y, XY]}\n", 4, 64,
	  "'XY' is covered by 'x_y' in line 4 already" },
	{ HEAD ACCOUNT "- {role: notifier, name: n, component: n.wasm, interest: [x, account/x]}\n",
	  5, 62, "'account/x' is covered by 'x'" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: [x]}\n", 4, 65,
	  "{ start: [...], advance: [...], stop: [...] }" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: {stop: [x]}}\n", 4,
	  65, "'interest' needs 'start'" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: {start: []}}\n", 4,
	  73, "'start' is empty" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: {start: [x], stop: "
	       "[x]}}\n",
	  4, 85, "'x' is covered by 'x'" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: {start: [x], "
	       "begin: [y]}}\n",
	  4, 78, "unknown member 'begin': known are start, advance and stop" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: {start: [x]}, key: "
	       "/a~2}\n",
	  4, 84, "no JSON pointer" },
	{ HEAD "- {role: process_manager, name: p, component: p.wasm, interest: {start: [x]}, "
	       "on_failure: x}\n",
	  4, 91, "unknown on_failure 'x': known are park and fail" },

	/* numbers and words */
	{ HEAD ACCOUNT "limits: {memory_mib: 64MB}\n", 5, 22,
	  "'memory_mib' must be a whole number from 1 to 4096, written in digits alone, not "
	  "'64MB'" },
	{ HEAD ACCOUNT "limits: {memory_mib: 0}\n", 5, 22, "from 1 to 4096, not 0" },
	{ HEAD ACCOUNT "limits: {memory_mib: 4097}\n", 5, 22, "from 1 to 4096, not 4097" },
	{ HEAD ACCOUNT "limits: {call_ms: -1}\n", 5, 19, "not '-1'" },
	{ HEAD ACCOUNT "limits: {call_ms: 1e3}\n", 5, 19, "not '1e3'" },
	{ HEAD ACCOUNT "limits: {call_ms: 0x10}\n", 5, 19, "not '0x10'" },
	{ HEAD ACCOUNT "limits: {call_ms: 010}\n", 5, 19, "not '010'" },
	{ HEAD ACCOUNT "limits: {call_ms: 99999999999999999999}\n", 5, 19, "whole number" },
	{ HEAD ACCOUNT "limits: {call_ms: \"250\"}\n", 5, 19, "without quotes: 250" },
	{ HEAD ACCOUNT "limits: {call_ms: [250]}\n", 5, 19, "not a list" },
	{ HEAD ACCOUNT "limits: {calls_ms: 250}\n", 5, 10, "did you mean 'call_ms'?" },
	{ HEAD ACCOUNT "limits: 64\n", 5, 9, "'limits' must be a mapping" },
	{ HEAD ACCOUNT "component_max_mib: 2000\n", 5, 20, "from 1 to 1024" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, limits: {memory_mb: 1}}\n", 4, 58,
	  "did you mean 'memory_mib'?" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, instances: reused}\n", 4, 60,
	  "unsafe_reused" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], instances: "
	       "unsafe_reused}\n",
	  4, 74, "`instances: reused`" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, instances: many}\n", 4, 60,
	  "unknown instances 'many': known are fresh, reused and unsafe_reused" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], from: start}\n", 4,
	  69, "unknown from 'start': known are end and beginning" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], from: 1x}\n", 4, 69,
	  "'from' must be a whole number" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], timeout_ms: 0}\n", 4,
	  75, "'timeout_ms' must be from 1" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], retry: {tries: 0}}\n",
	  4, 78, "'tries' must be from 1" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], retry: {initial_ms: "
	       "9, max_ms: 8}}\n",
	  4, 94, "'max_ms' (8) must not be less than 'initial_ms' (9)" },

	/* external and http */
	{ HEAD ACCOUNT "external: any\n", 5, 11, "'external' must be a mapping" },
	{ HEAD ACCOUNT "external: {accept: all}\n", 5, 20,
	  "unknown accept 'all': known are interest and any" },
	{ HEAD ACCOUNT "http: {listen: 8080}\n", 5, 16, "write address:port" },
	{ HEAD ACCOUNT "http: {listen: 'bank:80'}\n", 5, 16, "write a numeric one" },
	{ HEAD ACCOUNT "http: {hosts: ['https://x']}\n", 5, 16, "without scheme and port" },

	/* capabilities */
	{ HEAD
	  "- {role: aggregate, name: a, component: a.wasm, capabilities: {http: {allow: [x]}}}\n",
	  4, 64, "role aggregate cannot be granted 'http'" },
	{ HEAD "- {role: notifier, name: a, component: a.wasm, interest: [x], capabilities: "
	       "{commands: any}}\n",
	  4, 78, "only gateways can" },
	{ HEAD
	  "- {role: notifier, name: a, component: a.wasm, interest: [x], capabilities: {htp: 1}}\n",
	  4, 78, "did you mean 'http'?" },
	{ HEAD
	  "- {role: aggregate, name: a, component: a.wasm, capabilities: {config: {a: [1]}}}\n",
	  4, 76, "must be a text or a number" },
	{ HEAD
	  "- {role: aggregate, name: a, component: a.wasm, capabilities: {config: {a: 1, a: 2}}}\n",
	  4, 79, "second time" },
	{ HEAD "- {role: aggregate, name: a, component: a.wasm, capabilities: {config: {1a: 1}}}\n",
	  4, 73, "must begin with a letter" },
	{ HEAD "- {role: gateway, name: a, component: a.wasm, interest: [x], capabilities: "
	       "{commands: [a]}}\n",
	  4, 88, "no aggregate of this manifest is named 'a'" },
	{ HEAD "- {role: gateway, name: a, component: a.wasm, interest: [x], capabilities: "
	       "{events: [e]}}\n",
	  4, 86, "no component has an interest in 'external/e'" },
	{ HEAD "- {role: gateway, name: a, component: a.wasm, interest: [x], capabilities: "
	       "{commands: all}}\n",
	  4, 87, "a list of names, or `any`" },
};

#define ALLOW(url)                                                                   \
	HEAD "- role: notifier\n  name: a\n  component: a.wasm\n  interest: [x]\n  " \
	     "capabilities:\n"                                                       \
	     "    http: { allow: [\"" url "\"] }\n"

static const struct mistake bad_urls[] = {
	{ ALLOW("wire.example.org/"), 9, 21, "https:// or http://" },
	{ ALLOW("ftp://wire.example.org/"), 9, 21, "https:// or http://" },
	{ ALLOW("https://wire.example.org"), 9, 21, "write 'https://wire.example.org/'" },
	{ ALLOW("https:///x"), 9, 21, "needs a host" },
	{ ALLOW("https://u:p@x/"), 9, 21, "port" },
	{ ALLOW("https://u@x/"), 9, 21, "its host holds '@'" },
	{ ALLOW("https://Wire/"), 9, 21, "host in small letters" },
	{ ALLOW("https://*.example.org/"), 9, 21, "needs a host" },
	{ ALLOW("https://x:0/"), 9, 21, "port" },
	{ ALLOW("https://x:65536/"), 9, 21, "port" },
	{ ALLOW("https://x/*"), 9, 0, NULL }, /* `*` is a path's character like any */
	{ ALLOW("https://x/?a"), 9, 21, "path must be plain" },
	{ ALLOW("https://x/%2e"), 9, 21, "path must be plain" },
	{ ALLOW("https://x/a/../b"), 9, 21, "'..'" },
	{ ALLOW("https://x/a/.."), 9, 21, "'..'" },
	{ ALLOW("https://[::1]:8443/a"), 9, 0, NULL },
	{ ALLOW("https://[::1/a"), 9, 21, "needs a host" },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/ab', header: A, env: B}]\n", 10, 21,
	  "not below any url" },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/a/b', header: A, env: B}]\n", 10, 0,
	  NULL },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/a', header: A}]\n", 10, 15,
	  "from 'env' (a variable) or from 'file'" },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/a', header: A, env: B, file: c}]\n",
	  10, 15, "give one of them" },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/a', header: 'A:', env: B}]\n", 10,
	  44, "no header's name" },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/a', header: Host, env: B}]\n", 10,
	  44, "belongs to the connection" },
	{ ALLOW("https://x/a") "    secrets: [{url: 'https://x/a', header: A, env: B-C}]\n", 10, 52,
	  "no environment variable's name" },
};

static void print_problems(const struct manifest_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		OWNED(buf) struct buf line = { 0 };

		manifest_problem_append(&line, "c.yaml", &problems->items[i]);
		print_error("  %.*s\n", SPAN_ARG(buf_span(&line)));
	}
}

static void check_all(const struct mistake *table, size_t count)
{
	for (size_t i = 0; i < count;) {
		OWNED(arena) struct arena *arena = arena_new((size_t)32 << 20);
		struct manifest_problems problems = { 0 };
		struct manifest *manifest = NULL;
		struct error err = { 0 };
		const char *text = table[i].text;
		size_t expected = 1;
		enum status s;

		if (table[i].message == NULL)
			expected = 0;
		while (expected != 0 && i + expected < count && table[i + expected].text == MORE)
			expected++;
		s = manifest_parse(span_from_string(text), "c.yaml", arena, &manifest, &problems,
				   &err);
		if (s != (expected == 0 ? OK : ERR_INVALID) || problems.count != expected) {
			print_problems(&problems);
			fail_msg("%zu problems expected, %zu found (%s) in:\n%s", expected,
				 problems.count, status_word(s), text);
		}
		for (size_t j = 0; j < expected; j++) {
			const struct manifest_problem *p = &problems.items[j];
			const struct mistake *m = &table[i + j];

			if (p->line == m->line && p->column == m->column &&
			    strstr(p->message.data, m->message) != NULL)
				continue;
			print_problems(&problems);
			fail_msg("expected %u:%u '%s' in:\n%s", m->line, m->column, m->message,
				 text);
		}
		i += expected == 0 ? 1 : expected;
	}
}

static void each_mistake_is_told_with_line_column_and_what_would_be_right(void **state)
{
	(void)state;
	check_all(mistakes, sizeof(mistakes) / sizeof(mistakes[0]));
}

static void urls_and_secrets_are_checked(void **state)
{
	(void)state;
	check_all(bad_urls, sizeof(bad_urls) / sizeof(bad_urls[0]));
}

static void all_mistakes_of_a_file_are_told_at_once_in_its_order(void **state)
{
	static const struct mistake table[] = {
		{ "concordance: 1\n"
		  "application: Bank\n"
		  "limits: { call_ms: x }\n"
		  "components:\n"
		  "- role: gateway\n"
		  "  name: wire\n"
		  "  component: w.wasm\n"
		  "  intrest: [x]\n"
		  "- role: aggregate\n"
		  "  name: wire\n"
		  "  component: a.wasm\n"
		  "  limits: { memory_mib: 9999 }\n"
		  "  key: k\n"
		  "colour: red\n",
		  2, 14, "a name begins" },
		{ MORE, 3, 20, "'call_ms'" },
		{ MORE, 5, 3, "role gateway needs 'interest'" },
		{ MORE, 8, 3, "did you mean 'interest'?" },
		{ MORE, 10, 9, "taken in line 6" },
		{ MORE, 12, 25, "not 9999" },
		{ MORE, 13, 3, "has no 'key'" },
		{ MORE, 14, 1, "'colour'" },
	};

	(void)state;
	check_all(table, sizeof(table) / sizeof(table[0]));
}

static void the_message_tells_the_first_and_how_many_more(void **state)
{
	OWNED(arena) struct arena *arena = arena_new((size_t)32 << 20);
	struct manifest *manifest = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		manifest_parse(
			SPAN("concordance: 1\nx: 1\ny: 2\napplication: a\ncomponents:\n" ACCOUNT),
			"bank/c.yaml", arena, &manifest, NULL, &err),
		ERR_INVALID);
	assert_non_null(strstr(err.message, "bank/c.yaml:2:1: unknown member 'x'"));
	assert_non_null(strstr(err.message, "(and 1 more)"));
}

static void beyond_a_hundred_mistakes_are_only_counted(void **state)
{
	OWNED(arena) struct arena *arena = arena_new((size_t)32 << 20);
	OWNED(buf) struct buf text = { 0 };
	struct manifest_problems problems = { 0 };
	struct manifest *manifest = NULL;

	(void)state;
	buf_append_string(&text, HEAD ACCOUNT);
	for (int i = 0; i < 150; i++)
		buf_append_format(&text, "x%d: 1\n", i);
	assert_int_equal(
		manifest_parse(buf_span(&text), "c.yaml", arena, &manifest, &problems, NULL),
		ERR_INVALID);
	assert_int_equal(problems.count, MANIFEST_PROBLEMS_MAX);
	assert_int_equal(problems.dropped, 50);
}

static void what_a_user_wrote_is_cut_and_made_harmless_in_messages(void **state)
{
	OWNED(arena) struct arena *arena = arena_new((size_t)32 << 20);
	OWNED(buf) struct buf text = { 0 };
	struct manifest_problems problems = { 0 };
	struct manifest *manifest = NULL;

	(void)state;
	buf_append_string(&text, HEAD ACCOUNT "\"a\\n\\e[31m");
	for (int i = 0; i < 5000; i++)
		buf_append_string(&text, "\xC3\xA4");
	buf_append_string(&text, "\": 1\n");
	assert_int_equal(
		manifest_parse(buf_span(&text), "c.yaml", arena, &manifest, &problems, NULL),
		ERR_INVALID);
	assert_int_equal(problems.count, 1);
	assert_null(strchr(problems.items[0].message.data, '\n'));
	assert_null(strchr(problems.items[0].message.data, '\033'));
	assert_true(problems.items[0].message.size < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mistake_is_told_with_line_column_and_what_would_be_right),
		cmocka_unit_test(urls_and_secrets_are_checked),
		cmocka_unit_test(all_mistakes_of_a_file_are_told_at_once_in_its_order),
		cmocka_unit_test(the_message_tells_the_first_and_how_many_more),
		cmocka_unit_test(beyond_a_hundred_mistakes_are_only_counted),
		cmocka_unit_test(what_a_user_wrote_is_cut_and_made_harmless_in_messages),
	};

	return cmocka_run_group_tests_name("manifest mistakes", tests, NULL, NULL);
}
