/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - tells what a component imports and exports, without running it. */
#include "host/internal.h"

/* The text of a function's type, for people: a longer one is cut. */
#define SIGNATURE_MAX_BYTES 8192

struct inspector {
	const wasm_engine_t *engine;
	host_item_fn each;
	void *arg;
	bool exported;
};

static void item_cleanup(wasmtime_component_item_t *item)
{
	wasmtime_component_item_delete(item);
}

static void tell_function(const struct inspector *inspector, struct span name, struct span function,
			  const wasmtime_component_func_type_t *type)
{
	OWNED(buf) struct buf text = { .max_bytes = SIGNATURE_MAX_BYTES };

	type_text_append_function(&text, type);
	const struct host_item item = { .exported = inspector->exported,
					.name = name,
					.function = function,
					.signature = buf_span(&text) };
	inspector->each(&item, inspector->arg);
}

static void tell_functions(const struct inspector *inspector, struct span name,
			   const wasmtime_component_instance_type_t *instance)
{
	size_t count = wasmtime_component_instance_type_export_count(instance, inspector->engine);

	for (size_t i = 0; i < count; i++) {
		wasmtime_component_extern_t *external = NULL;
		const char *data;
		size_t size;

		if (!wasmtime_component_instance_type_export_nth(instance, inspector->engine, i,
								 &data, &size, &external))
			break;
		wasmtime_component_item_t item __attribute__((cleanup(item_cleanup)));
		wasmtime_component_extern_type(external, &item);
		wasmtime_component_extern_delete(external);
		if (item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC)
			tell_function(inspector, name, span_of(data, size), item.of.component_func);
	}
}

static void tell(const struct inspector *inspector, struct span name,
		 wasmtime_component_extern_t *external)
{
	wasmtime_component_item_t item __attribute__((cleanup(item_cleanup)));
	const struct host_item self = { .exported = inspector->exported, .name = name };

	wasmtime_component_extern_type(external, &item);
	wasmtime_component_extern_delete(external);
	if (item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC) {
		tell_function(inspector, name, name, item.of.component_func);
		return;
	}
	inspector->each(&self, inspector->arg);
	if (item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE)
		tell_functions(inspector, name, item.of.component_instance);
}

static void tell_all(struct inspector *inspector, const wasmtime_component_type_t *type)
{
	size_t imports = wasmtime_component_type_import_count(type, inspector->engine);
	size_t exports = wasmtime_component_type_export_count(type, inspector->engine);
	wasmtime_component_extern_t *external;
	const char *data;
	size_t size;

	inspector->exported = false;
	for (size_t i = 0; i < imports; i++)
		if (wasmtime_component_type_import_nth(type, inspector->engine, i, &data, &size,
						       &external))
			tell(inspector, span_of(data, size), external);
	inspector->exported = true;
	for (size_t i = 0; i < exports; i++)
		if (wasmtime_component_type_export_nth(type, inspector->engine, i, &data, &size,
						       &external))
			tell(inspector, span_of(data, size), external);
}

enum status host_inspect(struct host *host, const char *path, host_item_fn each, void *arg,
			 struct host_inspection *ret, struct error *err)
{
	struct loaded loaded;

	enum status s = load_code(host, path, &loaded, err);
	if (s != OK)
		return error_wrap(err, s, "%s", path);
	wasmtime_component_type_t *type = wasmtime_component_type(loaded.code);
	struct inspector inspector = { .engine = host->engine, .each = each, .arg = arg };
	if (each != NULL)
		tell_all(&inspector, type);
	*ret = (struct host_inspection){ .digest = loaded.digest, .size_bytes = loaded.size_bytes };
	for (int role = ROLE_AGGREGATE; role <= ROLE_GATEWAY; role++) {
		OWNED(buf) struct buf interface = { 0 };
		if (contract_check_exports(host->engine, type, (enum component_role)role,
					   &interface, NULL) == OK)
			ret->roles |= 1u << role;
	}
	wasmtime_component_type_delete(type);
	wasmtime_component_delete(loaded.code);
	return OK;
}
