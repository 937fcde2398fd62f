/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - how functions get into a linker, and what wasmtime's calls for that leave behind. */
#include "host/internal.h"

wasmtime_error_t *import_add(wasmtime_component_linker_t *linker, const char *interface,
			     const struct import_function *functions, size_t count)
{
	wasmtime_component_linker_instance_t *root = wasmtime_component_linker_root(linker);
	wasmtime_component_linker_instance_t *instance = NULL;

	wasmtime_error_t *error = wasmtime_component_linker_instance_add_instance(
		root, interface, strlen(interface), &instance);
	for (size_t i = 0; error == NULL && i < count; i++)
		error = wasmtime_component_linker_instance_add_func(
			instance, functions[i].name, strlen(functions[i].name), functions[i].run,
			/* data= */ NULL, /* finalizer= */ NULL);
	/* The inner one borrows from the outer one. */
	if (instance != NULL)
		wasmtime_component_linker_instance_delete(instance);
	wasmtime_component_linker_instance_delete(root);
	return error;
}

wasmtime_error_t *import_refuse(wasmtime_context_t *context, bool limit, const char *reason)
{
	if (limit)
		import_instance(context)->past_limit = true;
	return wasmtime_error_new(reason);
}
