/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_NATIVE_COMPONENT_H
#define LIB_NATIVE_COMPONENT_H

#include <stdatomic.h>

#include "component/component.h"

/* native_component.h - components that are C functions, so that everything above component.h is
 * tested without WebAssembly, under any sanitizer.
 *
 * A component is a table of two functions and an `arg`. Failures are switched on from outside, may
 * be switched from another thread, and happen in place of the function's own work. */

struct native_functions {
	/* As the members of component_ops; results go into call->arena. */
	enum status (*handle)(void *arg, const struct component_call *call, struct span state,
			      const struct component_command *command,
			      struct component_decision *ret, struct error *err);
	enum status (*apply)(void *arg, const struct component_call *call, struct span state,
			     const struct component_event *events, size_t count,
			     struct span *ret_state, struct error *err);
	void *arg;
};

/* What a call does instead of its work. */
enum native_failure {
	NATIVE_FINE,
	NATIVE_TRAP,      /* ERR_TRAP */
	NATIVE_DEADLINE,  /* ERR_DEADLINE */
	NATIVE_LIMIT,     /* ERR_LIMIT */
	NATIVE_BAD_JSON,  /* handle: an event whose data is no JSON; apply: a state that is none */
	NATIVE_BAD_NAME,  /* handle: an event type that is no type; apply: like NATIVE_BAD_JSON */
	NATIVE_TOO_MANY,  /* handle: 1,024 events; apply: like NATIVE_TOO_LARGE */
	NATIVE_TOO_LARGE, /* more than output_bytes */
	NATIVE_CANNOT_FOLD, /* apply: ERR_INVALID; handle: like NATIVE_TRAP */
	NATIVE_UNSTEADY,    /* apply: a state with a number in it that no two calls share */
};

/* First member: the component. All others may be read and written at any time. */
struct native_component {
	struct component component;
	struct native_functions functions;
	_Atomic int fail_open;   /* enum status: what open answers; OK: it works */
	_Atomic int fail_handle; /* enum native_failure */
	_Atomic int fail_apply;
	/* Fail only the next so many calls, then go back to NATIVE_FINE; 0: until switched off. */
	_Atomic uint64_t fail_count;
	_Atomic uint64_t opened;
	_Atomic uint64_t open_now; /* opened and not yet closed */
	_Atomic uint64_t handled;
	_Atomic uint64_t applied; /* calls of apply */
	_Atomic uint64_t folded;  /* events given to apply */
};

/* A component of role aggregate with the default limits and a digest made from `version`. Freed by
 * component_free(&ret->component). Aborts when memory is out: it is for tests. */
struct native_component *native_component_new(const char *name, const char *version,
					      const struct native_functions *functions);

static inline void native_component_free(struct native_component *native)
{
	if (native != NULL)
		component_free(&native->component);
}
DEFINE_OWNED(native_component, native_component_free);

/* A ready aggregate: an account. State: `null`, or {"balance":N,"events":N}. Amounts are positive
 * integers.
 *
 *	open_account {}              -> account_opened {}; rejected `exists` when there is one
 *	deposit {"amount":N}         -> deposited {"amount":N,"note":...} (the note is kept when given)
 *	withdraw {"amount":N}        -> withdrawn; rejected `insufficient_funds`, details {"balance":N}
 *	close_account {}             -> account_closed: the state becomes null
 *	deposit_many {"count":N}     -> N events `deposited` of 1 (N may pass every limit)
 *	look {}                      -> accepted without events
 *	log {"text":...}             -> a log line, then as look
 *	anything else                -> rejected `unknown_command`
 *
 * Without an account all but open_account is rejected with `no_such_account`. Events that it does
 * not know cannot be folded. */
extern const struct native_functions native_account;

#endif
