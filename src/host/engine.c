/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - what guests may be made of, and how they are compiled and held.
 *
 * Everything that a guest could use to get past a limit is off: the limit on memory is per memory,
 * so one memory of 32 bits is all there is. What could differ from machine to machine is pinned:
 * NaNs have one form. Threads, futures and streams are off; the parser refuses them, so their values
 * never reach the C API, which would abort on them. */
#include <stdio.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/log.h"
#include "base/vfs.h"
#include "host/internal.h"

/* Raised whenever a setting below changes what compiled code does. wasmtime checks its own settings
 * when it loads code; this keeps files of older builds from being read at all. */
#define SETTINGS_VERSION "concordance code 1"

/* Kept resident in an idle slot of the pool: a C guest's memory stays mapped from call to call, and
 * is cleared by writing, not by the kernel. */
#define KEEP_RESIDENT_BYTES       ((size_t)256 << 10)
#define TABLE_KEEP_RESIDENT_BYTES ((size_t)16 << 10)

/* Core instances, tables and so on inside one component. A C guest has 1 to 4 core instances; one
 * with an interpreter linked from libraries some dozens. */
#define CORE_INSTANCES_MAX 64
#define TABLES_MAX         16
#define TABLE_ELEMENTS_MAX 100000
#define INSTANCE_MAX_BYTES ((size_t)4 << 20)

static wasm_config_t *code_config(void)
{
	wasm_config_t *config = wasm_config_new();

	wasmtime_config_wasm_component_model_set(config, true);
	wasmtime_config_concurrency_support_set(config, false);
	wasmtime_config_wasm_component_model_async_set(config, false);
	wasmtime_config_wasm_component_model_more_async_builtins_set(config, false);
	wasmtime_config_wasm_component_model_async_stackful_set(config, false);
	wasmtime_config_wasm_component_model_map_set(config, false);
	wasmtime_config_wasm_threads_set(config, false);
	wasmtime_config_shared_memory_set(config, false);
	wasmtime_config_wasm_memory64_set(config, false);
	wasmtime_config_wasm_multi_memory_set(config, false);
	wasmtime_config_wasm_custom_page_sizes_set(config, false);
	wasmtime_config_wasm_gc_set(config, false);
	wasmtime_config_wasm_function_references_set(config, false);
	wasmtime_config_wasm_exceptions_set(config, false);
	wasmtime_config_gc_support_set(config, false);
	wasmtime_config_wasm_stack_switching_set(config, false);
	wasmtime_config_wasm_wide_arithmetic_set(config, false);
	wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true);
	wasmtime_config_cranelift_nan_canonicalization_set(config, true);
	wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
	wasmtime_config_epoch_interruption_set(config, true);
	wasmtime_config_max_wasm_stack_set(config, GUEST_STACK_BYTES);
	/* Only debuggers and C++ exceptions would need them; they cost time on loading. */
	wasmtime_config_native_unwind_info_set(config, false);
	return config;
}

/* A pool that the machine cannot map would end the process. */
static bool address_space_has(size_t size)
{
	void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return false;
	CHECK(munmap(at, size) == 0);
	return true;
}

wasm_engine_t *engine_new_for_running(uint32_t instances_max)
{
	wasm_config_t *config = code_config();
	/* 4 GiB and guard pages on both sides for each memory, and some for the tables. */
	size_t needed = ((size_t)instances_max + 1) * ((size_t)5 << 30);

	if (!address_space_has(needed)) {
		log_event(LOG_WARN, "no_instance_pool", LOG_NUMBER("instances", instances_max),
			  LOG_STRING("detail",
				     "the process may not map enough address space (ulimit -v): "
				     "calls are slower"));
		return wasm_engine_new_with_config(config);
	}
	wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
	wasmtime_pooling_allocation_config_total_component_instances_set(pool, instances_max);
	wasmtime_pooling_allocation_config_total_core_instances_set(
		pool, instances_max * CORE_INSTANCES_MAX);
	wasmtime_pooling_allocation_config_total_memories_set(pool, instances_max);
	wasmtime_pooling_allocation_config_total_tables_set(pool, instances_max * TABLES_MAX);
	wasmtime_pooling_allocation_config_max_core_instances_per_component_set(pool,
										CORE_INSTANCES_MAX);
	wasmtime_pooling_allocation_config_max_memories_per_component_set(pool, 1);
	wasmtime_pooling_allocation_config_max_tables_per_component_set(pool, TABLES_MAX);
	wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 1);
	wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, TABLES_MAX);
	wasmtime_pooling_allocation_config_max_component_instance_size_set(pool,
									   INSTANCE_MAX_BYTES);
	wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, INSTANCE_MAX_BYTES);
	wasmtime_pooling_allocation_config_table_elements_set(pool, TABLE_ELEMENTS_MAX);
	/* A component's own limit is set for each store; this is what 32 bits can address. */
	wasmtime_pooling_allocation_config_max_memory_size_set(pool, (size_t)4 << 30);
	wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool,
									   KEEP_RESIDENT_BYTES);
	wasmtime_pooling_allocation_config_table_keep_resident_set(pool, TABLE_KEEP_RESIDENT_BYTES);
	wasmtime_pooling_allocation_strategy_set(config, pool);
	wasmtime_pooling_allocation_config_delete(pool);
	return wasm_engine_new_with_config(config);
}

wasm_engine_t *engine_new_for_compiling(void)
{
	return wasm_engine_new_with_config(code_config());
}

/* What the kernel says about the first processor's abilities; empty when it says nothing. Only part
 * of a key: wasmtime itself refuses code for another processor. */
static struct span processor(struct buf *cpuinfo)
{
	struct error err = { 0 };

	if (vfs_read_file(vfs_system(), "/proc/cpuinfo", (size_t)16 << 20, cpuinfo, &err) != OK)
		return SPAN_EMPTY;
	struct span text = buf_span(cpuinfo);
	static const char *const names[] = { "\nflags", "\nFeatures" };
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		const char *at = memmem(text.data, text.size, names[i], strlen(names[i]));
		if (at == NULL)
			continue;
		struct span rest = span_of(at + 1, text.size - (size_t)(at + 1 - text.data));
		const char *end = memchr(rest.data, '\n', rest.size);
		return span_of(rest.data, end != NULL ? (size_t)(end - rest.data) : rest.size);
	}
	return SPAN_EMPTY;
}

struct sha256 engine_key(void)
{
	OWNED(buf) struct buf cpuinfo = { 0 };
	const struct span pieces[] = { SPAN(SETTINGS_VERSION "\nwasmtime " WASMTIME_VERSION "\n"),
				       processor(&cpuinfo) };

	return digest_sha256_pieces(pieces, ARRAY_COUNT(pieces));
}
