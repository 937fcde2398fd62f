/* SPDX-License-Identifier: Apache-2.0 */
/* config_store.c - wasi:config: the pairs that the manifest gives this component, and nothing else.
 * They are part of what a component is, so pure roles may read them: the same manifest, the same
 * answer. */
#include "host/internal.h"

static const struct guest *guest_of_context(const wasmtime_context_t *context)
{
	return import_instance(context)->guest;
}

static wasmtime_component_val_t text_of(struct span s)
{
	wasmtime_component_val_t value = { .kind = WASMTIME_COMPONENT_STRING };

	wasm_name_new(&value.of.string, s.size, s.data);
	return value;
}

static void set_ok(wasmtime_component_val_t *ret, wasmtime_component_val_t *value)
{
	*ret = (wasmtime_component_val_t){
		.kind = WASMTIME_COMPONENT_RESULT,
		.of.result = { .is_ok = true, .val = wasmtime_component_val_new(value) }
	};
}

static wasmtime_error_t *get(void *data, wasmtime_context_t *context,
			     const wasmtime_component_func_type_t *type,
			     wasmtime_component_val_t *args, size_t arg_count,
			     wasmtime_component_val_t *results, size_t result_count)
{
	const struct guest *guest = guest_of_context(context);
	wasmtime_component_val_t found = { .kind = WASMTIME_COMPONENT_OPTION };

	(void)data, (void)type;
	if (arg_count != 1 || args[0].kind != WASMTIME_COMPONENT_STRING || result_count != 1)
		return import_refuse(context, false, "wasi:config of another type");
	for (size_t i = 0; i < guest->config_count; i++) {
		if (span_equal(guest->config[i].name, span_of_name(&args[0].of.string))) {
			wasmtime_component_val_t value = text_of(guest->config[i].value);
			found.of.option = wasmtime_component_val_new(&value);
			break;
		}
	}
	set_ok(&results[0], &found);
	return NULL;
}

static wasmtime_error_t *get_all(void *data, wasmtime_context_t *context,
				 const wasmtime_component_func_type_t *type,
				 wasmtime_component_val_t *args, size_t arg_count,
				 wasmtime_component_val_t *results, size_t result_count)
{
	const struct guest *guest = guest_of_context(context);
	wasmtime_component_val_t all = { .kind = WASMTIME_COMPONENT_LIST };

	(void)data, (void)type, (void)args;
	if (arg_count != 0 || result_count != 1)
		return import_refuse(context, false, "wasi:config of another type");
	wasmtime_component_vallist_new_uninit(&all.of.list, guest->config_count);
	for (size_t i = 0; i < guest->config_count; i++) {
		wasmtime_component_val_t *pair = &all.of.list.data[i];
		pair->kind = WASMTIME_COMPONENT_TUPLE;
		wasmtime_component_valtuple_new_uninit(&pair->of.tuple, 2);
		pair->of.tuple.data[0] = text_of(guest->config[i].name);
		pair->of.tuple.data[1] = text_of(guest->config[i].value);
	}
	set_ok(&results[0], &all);
	return NULL;
}

wasmtime_error_t *config_store_link(wasmtime_component_linker_t *linker)
{
	static const struct import_function functions[] = { { "get", get },
							    { "get-all", get_all } };
	wasmtime_error_t *error = import_add(linker, "wasi:config/store@0.2.0-draft", functions,
					     ARRAY_COUNT(functions));

	if (error == NULL)
		error = import_add(linker, "wasi:config/store@0.2.0-rc.1", functions,
				   ARRAY_COUNT(functions));
	return error;
}
