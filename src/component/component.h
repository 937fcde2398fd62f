/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPONENT_COMPONENT_H
#define COMPONENT_COMPONENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"

/* component.h - the contract with what an application is made of, whoever runs it: WebAssembly
 * through `host`, or plain C functions in tests.
 *
 * A decision uses one instance: open, handle, apply, close. A fresh instance for each call is the
 * rule; nothing leaks from one call to the next. An instance belongs to the thread that opened it
 * until it is closed, and after any failure only closing is allowed.
 *
 * Whoever stands behind the table may be hostile. The functions below the table (component_handle,
 * component_apply) check everything that comes back - JSON under the rules of the edge, names,
 * codes, counts and sizes - so that the runtime sees good values or a failure, never a bad value. */

enum component_role {
	ROLE_AGGREGATE,
	ROLE_PROCESS_MANAGER,
	ROLE_PROJECTOR,
	ROLE_NOTIFIER,
	ROLE_GATEWAY,
};

/* "aggregate", "process_manager", ...: the words of the manifest. */
const char *component_role_word(enum component_role role);
/* False, with *ret untouched, when it is no role's word. */
bool component_role_parse(struct span word, enum component_role *ret);

/* Limits of one call. Exceeding one fails that call, not the process, not its neighbours. */
struct component_limits {
	uint64_t memory_bytes; /* linear memory of the instance; default 64 MiB */
	uint64_t call_ms;      /* CPU time of one call; default 250 */
	uint64_t output_bytes; /* everything that one call returns; default 1 MiB */
	uint64_t log_lines;    /* per call; further ones are counted and dropped; default 100 */
	uint64_t log_bytes;    /* of one line; longer ones are cut; default 1 KiB */
};
extern const struct component_limits component_limits_default;

struct component_command {
	struct span id;
	struct span type;
	struct span key;
	uint64_t time_us;
	struct span data;     /* JSON */
	struct span metadata; /* JSON object */
};

/* An event as its own aggregate folds it. */
struct component_event {
	struct span type;
	uint64_t version;
	uint64_t time_us;
	struct span data; /* JSON */
};

struct component_new_event {
	struct span type;
	struct span data; /* JSON */
};

struct component_rejection {
	struct span code;
	struct span reason;
	struct span details; /* JSON, or empty for none */
};

struct component_decision {
	bool rejected;
	struct component_rejection rejection; /* when rejected */
	struct component_new_event *events;   /* otherwise; in the call's arena */
	size_t event_count;
};

enum component_log_level {
	COMPONENT_TRACE,
	COMPONENT_DEBUG,
	COMPONENT_INFO,
	COMPONENT_WARN,
	COMPONENT_ERROR,
	COMPONENT_CRITICAL
};

/* What a call is made with; borrowed until the instance is closed. */
struct component_call {
	uint64_t time_us;    /* what the guest's clocks show */
	struct span seed;    /* what the guest's random bytes are made from: command id, log id */
	struct arena *arena; /* results live here */
	/* Gets each log line, cut to the limit and valid UTF-8, and at the end how many were dropped
	 * as a line of level WARN. NULL: lines go to the process' log. */
	void (*log)(enum component_log_level level, struct span context, struct span message,
		    void *arg);
	void *log_arg;
};

struct component;
struct component_instance;

/* What an engine does. Messages begin with the function ("handle trapped: ..."); the functions
 * below the table put the component's name in front. */
struct component_ops {
	enum status (*open)(struct component *component, const struct component_call *call,
			    struct component_instance **ret, struct error *err);
	/* OK with a decision (which may be a rejection); ERR_TRAP, ERR_DEADLINE, ERR_LIMIT. */
	enum status (*handle)(struct component_instance *instance, struct span state,
			      const struct component_command *command,
			      struct component_decision *ret, struct error *err);
	/* OK with the new state; ERR_INVALID: the component says that it cannot fold an event, with
	 * its reason; ERR_TRAP, ERR_DEADLINE, ERR_LIMIT. */
	enum status (*apply)(struct component_instance *instance, struct span state,
			     const struct component_event *events, size_t count,
			     struct span *ret_state, struct error *err);
	void (*close)(struct component_instance *instance);
	void (*free)(struct component *component);
};

struct component {
	const struct component_ops *ops;
	enum component_role role;
	char name[64];        /* of the manifest */
	struct sha256 digest; /* of the component's file */
	uint64_t size_bytes;
	struct component_limits limits;
	bool reused;                  /* instances are used for many calls */
	_Atomic uint64_t decision_ns; /* what decisions took lately, on average; the runtime's */
};

/* The first member of what an engine's instances are. */
struct component_instance {
	struct component *component;
	const struct component_call *call;
};

/* Opens an instance for one call, or one decision. The caller closes it on every path. ERR_TRAP: it
 * broke on the way up; ERR_DEADLINE; ERR_LIMIT: larger than its limits allow; ERR_BUSY: too many
 * instances are open; ERR_NOMEM. */
enum status component_open(struct component *component, const struct component_call *call,
			   struct component_instance **ret, struct error *err) NODISCARD;

/* Takes NULL. */
static inline void component_close(struct component_instance *instance)
{
	if (instance != NULL)
		instance->component->ops->close(instance);
}
DEFINE_OWNED(component_instance, component_close);

/* Decides. `state` is JSON, `null` for "does not exist". OK: *ret is a checked decision: at most
 * FRAME_EVENTS_MAX events, types and codes that are names, data that is JSON, together at most
 * limits.output_bytes. ERR_TRAP: the component broke or returned something bad; ERR_DEADLINE;
 * ERR_LIMIT. The message names component, function and reason. */
enum status component_handle(struct component_instance *instance, struct span state,
			     const struct component_command *command,
			     struct component_decision *ret, struct error *err) NODISCARD;

/* Folds. OK: *ret_state is JSON (checked), in the call's arena. ERR_INVALID: the component says it
 * cannot; else as component_handle(). */
enum status component_apply(struct component_instance *instance, struct span state,
			    const struct component_event *events, size_t count,
			    struct span *ret_state, struct error *err) NODISCARD;

static inline void component_free(struct component *component)
{
	if (component != NULL)
		component->ops->free(component);
}
DEFINE_OWNED(component, component_free);

#endif
