/* SPDX-License-Identifier: Apache-2.0 */
/* contract.c - is this component what its role says (wit/)? Exports are compared type by type, for
 * wasmtime hands values over as they are; imports are compared with what the role may have.
 *
 * Names carry a version: any 0.1.x of our interfaces is the same track. WASI is any 0.2.x; its types
 * are compared by wasmtime, on the trial instance. */
#include "host/internal.h"

/* The text of one function's type; the longest of the contract has 1.1 KB. */
#define TEXT_MAX_BYTES 16384
#define SHOWN_BYTES    80

#define DELIVERY                                                                          \
	"record{position: u64, category: string, key: string, version: u64, id: string, " \
	"type: string, time: u64, data: string, metadata: string}"
#define NEW_COMMAND "record{aggregate: string, key: string, type: string, data: string}"
#define REJECTION   "record{code: string, reason: string, details: option<string>}"
#define DEADLINE    "record{name: string, at: u64}"

struct contract_function {
	const char *name;
	const char *type;
};

#define FUNCTIONS_MAX 2

static const struct contract_role {
	const char *interface; /* without version */
	struct contract_function functions[FUNCTIONS_MAX];
} contract_roles[] = {
	[ROLE_AGGREGATE] = { "concordance:app/aggregate",
			     { { "handle", "(state: string, command: record{id: string, type: "
					   "string, key: string, time: u64, "
					   "data: string, metadata: string}) -> "
					   "result<list<record{type: string, "
					   "data: string}>, " REJECTION ">" },
			       { "apply", "(state: string, events: list<record{type: string, "
					  "version: u64, time: u64, "
					  "data: string}>) -> result<string, string>" } } },
	[ROLE_PROCESS_MANAGER] = { "concordance:app/process-manager",
				   { { "handle",
				       "(key: string, state: string, trigger: "
				       "variant{event(" DELIVERY "), "
				       "rejected(record{id: string, command: " NEW_COMMAND
				       ", rejection: " REJECTION "}), "
				       "failed(record{id: string, command: " NEW_COMMAND
				       ", reason: string}), "
				       "deadline(" DEADLINE
				       ")}, time: u64) -> result<record{state: string, "
				       "outcome: variant{running, completed, failed(string)}, "
				       "actions: list<variant{send(" NEW_COMMAND
				       "), schedule(" DEADLINE "), "
				       "cancel(string)}>}, string>" } } },
	[ROLE_PROJECTOR] = { "concordance:app/projector",
			     { { "schema", "() -> string" },
			       { "project",
				 "(events: list<" DELIVERY ">) -> result<_, string>" } } },
	[ROLE_NOTIFIER] = { "concordance:app/event-handler",
			    { { "handle",
				"(delivery: " DELIVERY
				", attempt: record{number: u32, idempotency-key: string}) -> "
				"result<_, record{reason: string, permanent: bool, retry-after-ms: "
				"option<u32>}>" } } },
	[ROLE_GATEWAY] = { "concordance:app/event-handler",
			   { { "handle",
			       "(delivery: " DELIVERY
			       ", attempt: record{number: u32, idempotency-key: string}) -> "
			       "result<_, record{reason: string, permanent: bool, retry-after-ms: "
			       "option<u32>}>" } } },
};

/* ---- exports ---------------------------------------------------------------------------------- */

/* "a:b/c@0.1.7" is interface "a:b/c" of track "0.1". */
static bool is_of_track(struct span name, const char *interface, const char *track)
{
	struct span prefix = span_from_string(interface);

	if (!span_starts_with(name, prefix))
		return false;
	name = span_after(name, prefix.size);
	if (!span_starts_with(name, SPAN("@")))
		return false;
	name = span_after(name, 1);
	prefix = span_from_string(track);
	return span_starts_with(name, prefix) &&
	       span_starts_with(span_after(name, prefix.size), SPAN("."));
}

static void item_cleanup(wasmtime_component_item_t *item)
{
	wasmtime_component_item_delete(item);
}

/* What an extern is; the extern goes. */
static void take_item(wasmtime_component_extern_t *external, wasmtime_component_item_t *ret)
{
	wasmtime_component_extern_type(external, ret);
	wasmtime_component_extern_delete(external);
}

/* Where the two texts part, from the beginning of that word on. */
static size_t difference(struct span a, struct span b)
{
	size_t at = 0;

	while (at < a.size && at < b.size && a.data[at] == b.data[at])
		at++;
	while (at != 0 && strchr(" ({<", a.data[at - 1]) == NULL)
		at--;
	return at;
}

static struct span shown(struct span text, size_t from)
{
	text = span_after(text, from);
	if (text.size > SHOWN_BYTES)
		text.size = SHOWN_BYTES;
	return text;
}

static enum status check_function(const wasm_engine_t *engine,
				  const wasmtime_component_instance_type_t *instance,
				  struct span interface, const struct contract_function *function,
				  struct error *err)
{
	wasmtime_component_extern_t *external = NULL;

	if (!wasmtime_component_instance_type_export_get(instance, engine, function->name,
							 strlen(function->name), &external))
		return ERROR(err, ERR_INVALID, "%.*s has no function '%s'; expected %s%s",
			     SPAN_ARG(interface), function->name, function->name, function->type);
	wasmtime_component_item_t item __attribute__((cleanup(item_cleanup)));
	take_item(external, &item);
	if (item.kind != WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC)
		return ERROR(err, ERR_INVALID, "'%s' of %.*s is no function", function->name,
			     SPAN_ARG(interface));
	OWNED(buf) struct buf text = { .max_bytes = TEXT_MAX_BYTES };
	type_text_append_function(&text, item.of.component_func);
	if (buf_status(&text) == ERR_NOMEM)
		return ERROR(err, ERR_NOMEM, "comparing types");
	struct span found = buf_span(&text);
	struct span expected = span_from_string(function->type);
	if (buf_status(&text) == OK && span_equal(found, expected))
		return OK;
	size_t at = difference(found, expected);
	return ERROR(err, ERR_INVALID,
		     "function '%s' of %.*s has another type than the contract: '%.*s' where "
		     "'%.*s' is expected",
		     function->name, SPAN_ARG(interface), SPAN_ARG(shown(found, at)),
		     SPAN_ARG(shown(expected, at)));
}

static const char *role_phrase(enum component_role role)
{
	switch (role) {
	case ROLE_AGGREGATE:
		return "an aggregate";
	case ROLE_PROCESS_MANAGER:
		return "a process manager";
	case ROLE_PROJECTOR:
		return "a projector";
	case ROLE_NOTIFIER:
		return "a notifier";
	case ROLE_GATEWAY:
		return "a gateway";
	}
	return "a component";
}

enum status contract_check_exports(const wasm_engine_t *engine,
				   const wasmtime_component_type_t *type, enum component_role role,
				   struct buf *ret_interface, struct error *err)
{
	const struct contract_role *contract = &contract_roles[role];
	size_t count = wasmtime_component_type_export_count(type, engine);
	OWNED(buf) struct buf others = { .max_bytes = 400 };

	for (size_t i = 0; i < count; i++) {
		wasmtime_component_extern_t *external = NULL;
		const char *data;
		size_t size;

		if (!wasmtime_component_type_export_nth(type, engine, i, &data, &size, &external))
			break;
		wasmtime_component_item_t item __attribute__((cleanup(item_cleanup)));
		take_item(external, &item);
		struct span name = span_of(data, size);
		if (!is_of_track(name, contract->interface, "0.1")) {
			buf_append_string(&others, others.size == 0 ? "" : ", ");
			buf_append_span(&others, name);
			continue;
		}
		if (item.kind != WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE)
			return ERROR(err, ERR_INVALID, "export %.*s is no interface",
				     SPAN_ARG(name));
		for (size_t j = 0; j < FUNCTIONS_MAX && contract->functions[j].name != NULL; j++) {
			enum status s = check_function(engine, item.of.component_instance, name,
						       &contract->functions[j], err);
			if (s != OK)
				return s;
		}
		buf_append_span(ret_interface, name);
		return buf_status(ret_interface);
	}
	return ERROR(err, ERR_INVALID,
		     "it does not export %s@0.1.0, the interface of %s; it exports %.*s",
		     contract->interface, role_phrase(role),
		     SPAN_ARG(others.size != 0 ? buf_span(&others) : SPAN("nothing")));
}

/* ---- imports ---------------------------------------------------------------------------------- */

#define ROLE_BIT(role) (1u << (role))
#define ROLES_ALL      0xFFu
#define ROLES_HANDLERS (ROLE_BIT(ROLE_NOTIFIER) | ROLE_BIT(ROLE_GATEWAY))

/* The names of WASI 0.2 that this host answers to. */
static const char *const wasi_interfaces[] = {
	"wasi:io/error",
	"wasi:io/poll",
	"wasi:io/streams",
	"wasi:clocks/wall-clock",
	"wasi:clocks/monotonic-clock",
	"wasi:random/random",
	"wasi:random/insecure",
	"wasi:random/insecure-seed",
	"wasi:cli/environment",
	"wasi:cli/exit",
	"wasi:cli/stdin",
	"wasi:cli/stdout",
	"wasi:cli/stderr",
	"wasi:cli/terminal-input",
	"wasi:cli/terminal-output",
	"wasi:cli/terminal-stdin",
	"wasi:cli/terminal-stdout",
	"wasi:cli/terminal-stderr",
	"wasi:filesystem/types",
	"wasi:filesystem/preopens",
	"wasi:sockets/network",
	"wasi:sockets/instance-network",
	"wasi:sockets/tcp",
	"wasi:sockets/tcp-create-socket",
	"wasi:sockets/udp",
	"wasi:sockets/udp-create-socket",
	"wasi:sockets/ip-name-lookup",
};

/* Those of our own interfaces that a role must be granted, or just has. */
static const struct contract_import {
	const char *interface;
	unsigned roles;
	unsigned grant; /* 0: without */
	const char *capability;
} contract_imports[] = {
	{ "concordance:app/model", ROLES_ALL, 0, NULL },
	{ "concordance:app/read-model", ROLE_BIT(ROLE_PROJECTOR), 0, NULL },
	{ "concordance:app/http", ROLES_HANDLERS, GRANT_HTTP, "http" },
	{ "concordance:app/commands", ROLE_BIT(ROLE_GATEWAY), GRANT_COMMANDS, "commands" },
	{ "concordance:app/external-events", ROLE_BIT(ROLE_GATEWAY), GRANT_EVENTS, "events" },
};

static bool is_wasi(struct span name)
{
	for (size_t i = 0; i < ARRAY_COUNT(wasi_interfaces); i++)
		if (is_of_track(name, wasi_interfaces[i], "0.2"))
			return true;
	return false;
}

/* Its functions are ours, and called with values by these types. */
static enum status check_import_type(const wasm_engine_t *engine, struct span name,
				     const wasmtime_component_item_t *item,
				     const struct contract_function *functions, size_t count,
				     struct error *err)
{
	size_t exports =
		wasmtime_component_instance_type_export_count(item->of.component_instance, engine);

	for (size_t i = 0; i < exports; i++) {
		wasmtime_component_extern_t *external = NULL;
		const char *data;
		size_t size;

		if (!wasmtime_component_instance_type_export_nth(
			    item->of.component_instance, engine, i, &data, &size, &external))
			break;
		wasmtime_component_item_t inner __attribute__((cleanup(item_cleanup)));
		take_item(external, &inner);
		if (inner.kind != WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC)
			continue; /* a type */
		struct span function = span_of(data, size);
		const struct contract_function *known = NULL;
		for (size_t j = 0; j < count; j++)
			if (span_equal_string(function, functions[j].name))
				known = &functions[j];
		if (known == NULL)
			return ERROR(
				err, ERR_INVALID,
				"it imports function '%.*s' of %.*s, which has none of that name",
				SPAN_ARG(function), SPAN_ARG(name));
		enum status s =
			check_function(engine, item->of.component_instance, name, known, err);
		if (s != OK)
			return error_wrap(err, s, "import");
	}
	return OK;
}

static enum status check_known_import(const wasm_engine_t *engine, struct span name,
				      const wasmtime_component_item_t *item,
				      struct contract_imports *ret, bool *ret_known,
				      struct error *err)
{
	static const struct contract_function logging[] = {
		{ "log",
		  "(level: enum{trace, debug, info, warn, error, critical}, context: string, "
		  "message: string)" },
	};
	static const struct contract_function config[] = {
		{ "get", "(key: string) -> result<option<string>, variant{upstream(string), "
			 "io(string)}>" },
		{ "get-all", "() -> result<list<tuple<string, string>>, variant{upstream(string), "
			     "io(string)}>" },
	};

	*ret_known = true;
	if (is_wasi(name)) {
		ret->wasi = true;
		return OK;
	}
	if (span_equal(name, SPAN("wasi:logging/logging@0.1.0-draft")) ||
	    span_equal(name, SPAN("wasi:logging/logging"))) {
		ret->logging = true;
		return check_import_type(engine, name, item, logging, ARRAY_COUNT(logging), err);
	}
	if (span_equal(name, SPAN("wasi:config/store@0.2.0-draft")) ||
	    span_equal(name, SPAN("wasi:config/store@0.2.0-rc.1"))) {
		ret->config = true;
		return check_import_type(engine, name, item, config, ARRAY_COUNT(config), err);
	}
	*ret_known = false;
	return OK;
}

static enum status refuse_import(struct span name, enum component_role role, unsigned grants,
				 struct error *err)
{
	for (size_t i = 0; i < ARRAY_COUNT(contract_imports); i++) {
		const struct contract_import *import = &contract_imports[i];

		if (!is_of_track(name, import->interface, "0.1"))
			continue;
		if ((import->roles & ROLE_BIT(role)) == 0)
			return ERROR(err, ERR_INVALID,
				     "it imports '%.*s', which %s may not use: leave it to a "
				     "component of another role",
				     SPAN_ARG(name), role_phrase(role));
		if ((import->grant & ~grants) != 0)
			return ERROR(err, ERR_INVALID,
				     "it imports '%.*s', which is not granted: add 'capabilities: "
				     "{ %s: ... }' to the manifest",
				     SPAN_ARG(name), import->capability);
		return OK;
	}
	if (span_starts_with(name, SPAN("wasi:http/")))
		return ERROR(err, ERR_INVALID,
			     "it imports '%.*s', which no component gets: notifiers and gateways "
			     "use concordance:app/http@0.1.0",
			     SPAN_ARG(name));
	return ERROR(err, ERR_INVALID,
		     "it imports '%.*s', which this host does not have: %s may import "
		     "concordance:app/model@0.1.0, "
		     "wasi:logging/logging@0.1.0-draft, wasi:config/store@0.2.0-rc.1 and WASI 0.2 "
		     "(with nothing behind it)",
		     SPAN_ARG(name), role_phrase(role));
}

enum status contract_check_imports(const wasm_engine_t *engine,
				   const wasmtime_component_type_t *type, enum component_role role,
				   unsigned grants, struct contract_imports *ret, struct error *err)
{
	size_t count = wasmtime_component_type_import_count(type, engine);

	*ret = (struct contract_imports){ 0 };
	for (size_t i = 0; i < count; i++) {
		wasmtime_component_extern_t *external = NULL;
		const char *data;
		size_t size;
		bool known;

		if (!wasmtime_component_type_import_nth(type, engine, i, &data, &size, &external))
			break;
		wasmtime_component_item_t item __attribute__((cleanup(item_cleanup)));
		take_item(external, &item);
		struct span name = span_of(data, size);
		if (item.kind == WASMTIME_COMPONENT_ITEM_TYPE)
			continue; /* a name for a type: nothing stands behind it */
		if (item.kind != WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE)
			return ERROR(err, ERR_INVALID,
				     "it imports '%.*s' by itself: only functions of interfaces "
				     "can be imported",
				     SPAN_ARG(name));
		enum status s = check_known_import(engine, name, &item, ret, &known, err);
		if (s == OK && !known)
			s = refuse_import(name, role, grants, err);
		if (s != OK)
			return s;
	}
	return OK;
}
