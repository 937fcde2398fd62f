/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include <stdatomic.h>

#include <wasmtime.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "host/host.h"
#include "host/ticker.h"

/* internal.h - what the files of this folder share: the host, a loaded component (a guest), and an
 * open instance of one. */

/* A guest's own stack, part of its thread's. */
#define GUEST_STACK_BYTES ((size_t)2 << 20)

/* Idle instances that a component with `reused` keeps. */
#define GUEST_IDLE_MAX 8

struct host {
	wasm_engine_t *engine;
	struct ticker ticker;
	uint32_t instances_max;
	uint64_t component_max_bytes;
	uint64_t compile_ms;
	uint64_t compile_max_bytes;
	char *compiler;          /* owned */
	char *cache_directory;   /* owned; NULL: no cache */
	struct metrics *metrics; /* borrowed; may be NULL */
	struct gauge *instances; /* open ones; NULL without metrics */

	/* Calls of components that have returned far too much before run one at a time: what wasmtime
	 * takes to hand over a large result (some 400 MiB at most) is then taken once, not once a thread.
	 * No lock is held while one runs. */
	struct mutex mu; /* RANK_HOST; guards the field below */
	struct cond large_done;
	bool large_running;
};

enum guest_function { GUEST_OPEN, GUEST_HANDLE, GUEST_APPLY, GUEST_FUNCTIONS };

/* What failures are counted by. */
#define GUEST_FAILURE_TABLE(X)         \
	X(FAILED_TRAP, "trap")         \
	X(FAILED_DEADLINE, "deadline") \
	X(FAILED_LIMIT, "limit")       \
	X(FAILED_OTHER, "other")

enum guest_failure {
#define X(name, word) name,
	GUEST_FAILURE_TABLE(X)
#undef X
		GUEST_FAILURES
};

struct guest_pair {
	struct span name;
	struct span value;
};

/* A loaded component. Set once, but for the idle list and the flag. */
struct guest {
	struct component component; /* first */
	struct host *host;
	wasmtime_component_t *code;
	wasmtime_component_linker_t *linker;
	wasmtime_component_export_index_t
		*exports[GUEST_FUNCTIONS]; /* [GUEST_OPEN]: the interface */
	bool uses_wasi;
	struct arena *arena; /* the pairs */
	struct guest_pair *config;
	size_t config_count;
	struct histogram *durations[GUEST_FUNCTIONS]; /* NULL without metrics */
	struct counter *failures[GUEST_FAILURES];

	_Atomic bool large; /* has returned too much: see host.large_running */

	struct mutex mu; /* RANK_HOST; guards the fields below */
	struct guest_instance *idle;
	unsigned idle_count;
};

/* Where lines that a guest writes to its standard output and error are put together. */
#define GUEST_LINE_MAX_BYTES 1024

struct guest_instance {
	struct component_instance instance; /* first */
	struct guest *guest;
	wasmtime_store_t *store;
	wasmtime_context_t *context;
	wasmtime_component_func_t functions[GUEST_FUNCTIONS]; /* [GUEST_OPEN] unused */
	struct guest_instance *next_idle;
	bool failed; /* only closing is allowed */

	/* The function under way: deadline.c. */
	const char *function;
	bool timed; /* the thread's CPU time is being watched */
	bool past_deadline;
	bool past_limit;       /* a host function refused for a limit */
	uint64_t cpu_start_ns; /* when timed */

	/* What a call leaves behind; reset when an instance is used again. */
	bool random_seeded;
	uint64_t random[4];
	uint64_t log_lines;
	uint64_t log_dropped;
	char *line; /* owned; of standard output, not yet ended; NULL while there is none */
	size_t line_size;
};

static inline struct guest *guest_of(struct component *component)
{
	return CONTAINER_OF(component, struct guest, component);
}

static inline struct guest_instance *guest_instance_of(struct component_instance *instance)
{
	return CONTAINER_OF(instance, struct guest_instance, instance);
}

static inline struct span span_of_name(const wasm_name_t *name)
{
	return span_of(name->data, name->size);
}

/* Borrows for a call: wasmtime copies what it is handed, so nothing is written through the cast. */
static inline wasm_name_t name_of_span(struct span s)
{
	return (wasm_name_t){ .size = s.size, .data = (char *)(uintptr_t)s.data };
}

/* ---- engine.c --------------------------------------------------------------------------------- */

/* For running (with a pool of instances) or for compiling. The code settings are the same. */
wasm_engine_t *engine_new_for_running(uint32_t instances_max);
wasm_engine_t *engine_new_for_compiling(void);

/* Changes whenever code compiled before must not be used any more: version of wasmtime, settings,
 * processor. */
struct sha256 engine_key(void);

/* ---- failure.c -------------------------------------------------------------------------------- */

/* The error's own words in one line, without backtrace; `error` stays the caller's. */
void failure_append_cause(const wasmtime_error_t *error, struct buf *ret);

/* Sets `err` from what ended a function of the instance, which is of no further use. `error` is
 * taken. */
enum status failure_of_call(struct guest_instance *instance, wasmtime_error_t *error,
			    struct error *err);

/* For messages: what may be shown of a text from a guest: no control characters, not too long. */
void failure_append_text(struct buf *buf, struct span text);

/* ---- compile.c, code_cache.c ------------------------------------------------------------------ */

/* Compiles in a process of its own. *ret is appended to. */
enum status compile(const struct host *host, struct span component, struct buf *ret,
		    struct error *err) NODISCARD;

/* Finds, makes and checks the folder. OK with *ret NULL: there is none to use, and a warning told why. */
enum status code_cache_open(const char *directory, char **ret, struct error *err) NODISCARD;

/* False: there is no usable file. *ret is appended to. */
bool code_cache_read(const char *directory, const struct sha256 *component, struct buf *ret);
/* A failure is logged, no more. */
void code_cache_write(const char *directory, const struct sha256 *component, struct span code);

/* ---- load.c, contract.c ----------------------------------------------------------------------- */

/* Reads a file and makes its code. */
struct loaded {
	wasmtime_component_t *code; /* owned by the caller */
	struct sha256 digest;
	uint64_t size_bytes;
};
enum status load_code(struct host *host, const char *path, struct loaded *ret,
		      struct error *err) NODISCARD;

struct contract_imports {
	bool wasi;
	bool logging;
	bool config;
};

/* Checks exports against the role's interface; *ret_interface (64 bytes at least are enough) gets the
 * exported name. */
enum status contract_check_exports(const wasm_engine_t *engine,
				   const wasmtime_component_type_t *type, enum component_role role,
				   struct buf *ret_interface, struct error *err) NODISCARD;
enum status contract_check_imports(const wasm_engine_t *engine,
				   const wasmtime_component_type_t *type, enum component_role role,
				   unsigned grants, struct contract_imports *ret,
				   struct error *err) NODISCARD;

/* ---- type_text.c ------------------------------------------------------------------------------ */

/* "(state: string, events: list<record{type: string, ...}>) -> result<string, string>" */
void type_text_append_function(struct buf *buf, const wasmtime_component_func_type_t *function);

/* ---- imports: wasi.c, logging.c, config_store.c ------------------------------------------------ */

wasmtime_error_t *wasi_link(wasmtime_component_linker_t *linker);
wasmtime_error_t *logging_link(wasmtime_component_linker_t *linker);
wasmtime_error_t *config_store_link(wasmtime_component_linker_t *linker);

/* Adds a function to an interface that exists or is made. */
struct import_function {
	const char *name;
	wasmtime_component_func_callback_t run;
};
wasmtime_error_t *import_add(wasmtime_component_linker_t *linker, const char *interface,
			     const struct import_function *functions, size_t count);

/* An error for the guest's caller: ends the call. */
wasmtime_error_t *import_refuse(wasmtime_context_t *context, bool limit, const char *reason);

static inline struct guest_instance *import_instance(const wasmtime_context_t *context)
{
	return wasmtime_context_get_data(context);
}

/* One line of the guest's, counted and cut. */
void logging_line(struct guest_instance *instance, enum component_log_level level,
		  struct span context, struct span message);
/* Bytes of standard output and error. */
void logging_write_output(struct guest_instance *instance, struct span bytes);
/* Ends an unfinished line and tells what was dropped. */
void logging_finish(struct guest_instance *instance);

/* ---- instance.c, deadline.c, aggregate.c ------------------------------------------------------- */

void deadline_install(struct guest_instance *instance); /* once for each store */
void deadline_begin(struct guest_instance *instance, const char *function);

enum status instance_open(struct component *component, const struct component_call *call,
			  struct component_instance **ret, struct error *err);
void instance_close(struct component_instance *base);
void instance_free(struct guest_instance *instance); /* for good */

/* Calls a function that has a result, with the deadline set and time and failures counted. The
 * caller zeroes *ret before and deletes it after OK. */
enum status instance_call(struct guest_instance *instance, enum guest_function function,
			  const wasmtime_component_val_t *args, size_t arg_count,
			  wasmtime_component_val_t *ret, struct error *err);

/* Counts a failure and makes the instance useless. Returns `s`. */
enum status instance_failed(struct guest_instance *instance, enum status s);

/* Remembers that this component returns too much. */
void instance_returned_too_much(struct guest_instance *instance);

extern const struct component_ops aggregate_ops;
void guest_free(struct component *component);

#endif
