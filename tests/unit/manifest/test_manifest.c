/* SPDX-License-Identifier: Apache-2.0 */
/* test_manifest.c - what a manifest says is read as it stands. The mistakes are in test_mistakes.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "manifest/manifest.h"

static int arena_set_up(void **state)
{
	*state = arena_new((size_t)32 << 20);
	return *state == NULL;
}

static int arena_tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct manifest *parsed_at(void **state, const char *path, const char *text)
{
	struct manifest_problems problems = { 0 };
	struct manifest *manifest = NULL;
	struct error err = { 0 };

	if (manifest_parse(span_from_string(text), path, *state, &manifest, &problems, &err) != OK)
		fail_msg("%s", error_text(&err));
	assert_int_equal(problems.count, 0);
	return manifest;
}

static const struct manifest *parsed(void **state, const char *text)
{
	return parsed_at(state, "concordance.yaml", text);
}

#define ASSERT_SPAN(value, string)                            \
	do {                                                  \
		struct span span_ = (value);                  \
		assert_non_null(span_.data);                  \
		assert_string_equal(span_.data, string);      \
		assert_int_equal(span_.size, strlen(string)); \
	} while (0)

static const char whole[] =
	"concordance: 1\n"
	"application: bank\n"
	"components:\n"
	"  - role: aggregate            # aggregate | process_manager | projector\n"
	"    name: bankaccount\n"
	"    component: build/account.wasm\n"
	"  - role: process_manager\n"
	"    name: interbankxfer\n"
	"    component: build/interbankxfer.wasm\n"
	"    key: wireTransferId\n"
	"    interest: { start: [wire_transfer_initiated],\n"
	"                advance: [funds_reserved, external/wire_transfer_succeeded,\n"
	"                          external/wire_transfer_failed],\n"
	"                stop: [bankaccount/funds_committed, funds_released] }\n"
	"    on_failure: fail\n"
	"    from: beginning\n"
	"    limits: { call_ms: 1000 }\n"
	"  - role: projector\n"
	"    name: ledger\n"
	"    component: /srv/ledger.wasm\n"
	"    interest: [account_created, funds_deposited]\n"
	"    on_change: continue\n"
	"    instances: reused\n"
	"  - role: gateway\n"
	"    name: wirenetwork\n"
	"    component: build/wirenetwork.wasm\n"
	"    interest: [funds_reserved]\n"
	"    from: 4096\n"
	"    capabilities:\n"
	"      http: { allow: [\"https://wire.example.org/\"] }\n"
	"      config: { institution: \"ACME\", tries: 3, empty: \"\" }\n"
	"      secrets:\n"
	"        - { url: https://wire.example.org/api, header: Authorization, env: WIRE_TOKEN }\n"
	"        - { url: https://wire.example.org/, header: X-Key, file: secrets/key }\n"
	"      commands: [bankaccount]\n"
	"      events: [WireTransferSucceeded]\n"
	"    retry: { tries: 5, initial_ms: 100, max_ms: 5000 }\n"
	"    timeout_ms: 10000\n"
	"  - role: notifier\n"
	"    name: overdraft_watch\n"
	"    component: build/overdraft_watch.wasm\n"
	"    interest: [funds_withdrawn]\n"
	"limits: { memory_mib: 32, call_ms: 100, output_kib: 64, log_lines: 0, log_line_bytes: 64 "
	"}\n"
	"component_max_mib: 128\n"
	"external: { accept: any }\n"
	"http: { listen: \"0.0.0.0:9090\", hosts: [bank.example.org] }\n";

static void everything_that_a_manifest_can_say_is_read(void **state)
{
	const struct manifest *m = parsed_at(state, "app/concordance.yaml", whole);

	ASSERT_SPAN(m->application, "bank");
	ASSERT_SPAN(m->path, "app/concordance.yaml");
	assert_int_equal(m->component_count, 5);
	assert_int_equal(m->limits.memory_bytes, 32 << 20);
	assert_int_equal(m->limits.call_ms, 100);
	assert_int_equal(m->limits.output_bytes, 65536);
	assert_int_equal(m->limits.log_lines, 0);
	assert_int_equal(m->limits.log_line_bytes, 64);
	assert_int_equal(m->component_max_bytes, 128 << 20);
	assert_true(m->external_accept_any);
	ASSERT_SPAN(m->listen, "0.0.0.0:9090");
	assert_int_equal(m->hosts.count, 1);
	ASSERT_SPAN(m->hosts.items[0], "bank.example.org");
	assert_int_equal(m->external_types.count, 2);
	ASSERT_SPAN(m->external_types.items[0], "wire_transfer_succeeded");
	ASSERT_SPAN(m->external_types.items[1], "wire_transfer_failed");
}

static void an_aggregate_needs_role_name_and_component(void **state)
{
	const struct manifest *m = parsed_at(state, "app/concordance.yaml", whole);
	const struct manifest_component *c = &m->components[0];

	assert_int_equal(c->role, MANIFEST_AGGREGATE);
	ASSERT_SPAN(c->name, "bankaccount");
	ASSERT_SPAN(c->file, "build/account.wasm");
	ASSERT_SPAN(c->path, "app/build/account.wasm");
	assert_int_equal(c->line, 6);
	assert_int_equal(c->column, 16);
	assert_int_equal(c->instances, MANIFEST_FRESH);
	assert_int_equal(c->limits.call_ms, 100);
	assert_int_equal(c->interest.count, 0);
}

static void a_process_manager_has_three_parts_of_interest(void **state)
{
	const struct manifest_component *c = &parsed(state, whole)->components[1];

	assert_int_equal(c->role, MANIFEST_PROCESS_MANAGER);
	ASSERT_SPAN(c->key, "wireTransferId");
	assert_true(c->fail_on_failure);
	assert_int_equal(c->from, MANIFEST_FROM_BEGINNING);
	assert_int_equal(c->limits.call_ms, 1000);
	assert_int_equal(c->limits.memory_bytes, 32 << 20);
	assert_int_equal(c->start.count, 1);
	assert_int_equal(c->advance.count, 3);
	assert_int_equal(c->stop.count, 2);
	assert_int_equal(c->interest.count, 6);
	assert_null(c->start.items[0].category.data);
	ASSERT_SPAN(c->start.items[0].type, "wire_transfer_initiated");
	ASSERT_SPAN(c->advance.items[1].category, "external");
	ASSERT_SPAN(c->advance.items[1].type, "wire_transfer_succeeded");
	ASSERT_SPAN(c->interest.items[4].category, "bankaccount");
	ASSERT_SPAN(c->interest.items[4].type, "funds_committed");
}

static void a_projector_has_a_list_of_types(void **state)
{
	const struct manifest_component *c = &parsed_at(state, "app/c.yaml", whole)->components[2];

	ASSERT_SPAN(c->path, "/srv/ledger.wasm");
	assert_int_equal(c->interest.count, 2);
	assert_true(c->continue_on_change);
	assert_int_equal(c->instances, MANIFEST_REUSED);
}

static void a_gateway_has_capabilities_retry_and_timeout(void **state)
{
	const struct manifest_component *c = &parsed_at(state, "app/c.yaml", whole)->components[3];
	const struct manifest_capabilities *can = &c->capabilities;

	assert_int_equal(c->from, MANIFEST_FROM_POSITION);
	assert_int_equal(c->from_position, 4096);
	assert_int_equal(c->retry.tries, 5);
	assert_int_equal(c->retry.initial_ms, 100);
	assert_int_equal(c->retry.max_ms, 5000);
	assert_int_equal(c->timeout_ms, 10000);
	assert_int_equal(can->http_allow.count, 1);
	ASSERT_SPAN(can->http_allow.items[0], "https://wire.example.org/");
	assert_int_equal(can->config_count, 3);
	ASSERT_SPAN(can->config[1].name, "tries");
	ASSERT_SPAN(can->config[1].value, "3");
	ASSERT_SPAN(can->config[2].value, "");
	assert_int_equal(can->secret_count, 2);
	ASSERT_SPAN(can->secrets[0].env, "WIRE_TOKEN");
	assert_null(can->secrets[0].file.data);
	ASSERT_SPAN(can->secrets[1].file, "app/secrets/key");
	assert_false(can->commands_any);
	ASSERT_SPAN(can->commands.items[0], "bankaccount");
	ASSERT_SPAN(can->events.items[0], "WireTransferSucceeded");
}

static void what_is_not_said_has_defaults(void **state)
{
	const struct manifest *m = parsed(state, "concordance: 1\napplication: a\ncomponents:\n"
						 "- {role: notifier, name: n, component: n.wasm, "
						 "interest: [x]}\n");
	const struct manifest_component *c = &m->components[0];

	assert_int_equal(m->limits.memory_bytes, 64 << 20);
	assert_int_equal(m->limits.call_ms, 250);
	assert_int_equal(m->limits.output_bytes, 1 << 20);
	assert_int_equal(m->limits.log_lines, 100);
	assert_int_equal(m->limits.log_line_bytes, 1024);
	assert_int_equal(m->component_max_bytes, 64 << 20);
	assert_false(m->external_accept_any);
	assert_null(m->listen.data);
	assert_int_equal(m->hosts.count, 0);
	ASSERT_SPAN(c->path, "n.wasm");
	assert_int_equal(c->retry.tries, 8);
	assert_int_equal(c->retry.initial_ms, 200);
	assert_int_equal(c->retry.max_ms, 60000);
	assert_int_equal(c->timeout_ms, 30000);
	assert_int_equal(c->from, MANIFEST_FROM_END);
	assert_null(c->key.data);
}

static void external_types_of_several_components_are_listed_once(void **state)
{
	const struct manifest *m =
		parsed(state, "concordance: 1\napplication: a\ncomponents:\n"
			      "- {role: notifier, name: n, component: n.wasm, "
			      "interest: [external/WireDone, wire_done]}\n"
			      "- {role: projector, name: p, component: n.wasm, "
			      "interest: [external/wire_done, external/other]}\n");

	assert_int_equal(m->external_types.count, 2);
	ASSERT_SPAN(m->external_types.items[0], "WireDone");
	ASSERT_SPAN(m->external_types.items[1], "other");
}

static void a_file_is_read_and_its_folder_is_where_components_are_looked_for(void **state)
{
	char path[] = "/tmp/manifest-XXXXXX";
	struct manifest *manifest = NULL;
	struct error err = { 0 };
	int fd = mkstemp(path);
	enum status s;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, whole, sizeof(whole) - 1), sizeof(whole) - 1);
	close(fd);
	s = manifest_load(path, vfs_system(), *state, &manifest, NULL, &err);
	unlink(path);
	assert_int_equal(s, OK);
	ASSERT_SPAN(manifest->components[0].path, "/tmp/build/account.wasm");
	s = manifest_load("/nonexistent/concordance.yaml", vfs_system(), *state, &manifest, NULL,
			  &err);
	assert_int_equal(s, ERR_NOT_FOUND);
	assert_non_null(strstr(error_text(&err), "/nonexistent/concordance.yaml"));
}

static void listen_addresses_are_numeric_with_a_port(void **state)
{
	struct span address = { 0 };
	uint16_t port = 1;
	static const char *const bad[] = {
		"",       "8080",           "127.0.0.1",       "127.0.0.1:",
		":8080",  "bank:8080",      "127.0.0.1:65536", "127.0.0.1:-1",
		"::1:80", "[127.0.0.1]:80", "[::1:80",         "1.2.3:80"
	};

	assert_int_equal(
		manifest_listen_parse(SPAN("127.0.0.1:8080"), *state, &address, &port, NULL), OK);
	ASSERT_SPAN(address, "127.0.0.1");
	assert_int_equal(port, 8080);
	assert_int_equal(manifest_listen_parse(SPAN("[::1]:0"), *state, &address, &port, NULL), OK);
	ASSERT_SPAN(address, "::1");
	assert_int_equal(port, 0);
	assert_int_equal(
		manifest_listen_parse(SPAN("localhost:65535"), *state, &address, &port, NULL), OK);
	ASSERT_SPAN(address, "127.0.0.1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (manifest_listen_parse(span_from_string(bad[i]), *state, &address, &port,
					  NULL) != ERR_INVALID)
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_int_equal(port, 65535);
}

static void with_any_amount_of_memory_it_is_read_or_memory_is_out(void **state)
{
	bool done = false;

	(void)state;
	for (size_t max = 16; !done; max += max < 20000 ? 64 : 1024) {
		OWNED(arena) struct arena *arena = arena_new(max);
		struct manifest *manifest = NULL;
		enum status s;

		assert_non_null(arena);
		s = manifest_parse(span_from_string(whole), "c.yaml", arena, &manifest, NULL, NULL);
		done = s == OK;
		if (!done) {
			assert_int_equal(s, ERR_NOMEM);
			assert_null(manifest);
		}
		assert_true(max < (size_t)1 << 20);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_set_up, arena_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(everything_that_a_manifest_can_say_is_read),
		TEST(an_aggregate_needs_role_name_and_component),
		TEST(a_process_manager_has_three_parts_of_interest),
		TEST(a_projector_has_a_list_of_types),
		TEST(a_gateway_has_capabilities_retry_and_timeout),
		TEST(what_is_not_said_has_defaults),
		TEST(external_types_of_several_components_are_listed_once),
		TEST(a_file_is_read_and_its_folder_is_where_components_are_looked_for),
		TEST(listen_addresses_are_numeric_with_a_port),
		TEST(with_any_amount_of_memory_it_is_read_or_memory_is_out),
	};
#undef TEST
	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
