/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_INTERNAL_H
#define CC_INTERNAL_H

#include "concordance.h"

#include <stdarg.h>

/* internal.h - what the SDK's own files share. Nothing of it is meant for components. */

/* ---- arena.c ---- */

/* Not zeroed, aligned to 16 bytes, never NULL: without memory it traps. */
void *cc_arena_alloc(size_t size_bytes);

/* Grows in place when `block` is the newest; else copies. */
void *cc_arena_realloc(void *block, size_t old_size_bytes, size_t size_bytes);

/* Forgets all of it and keeps the memory for the next call. */
void cc_arena_reset(void);

/* ---- json.c ---- */

/* Zeroed or any bytes behind a text that cc_json_read_in_place() reads. */
#define CC_TEXT_PADDING 8

/* Parses `size` bytes, which it changes; CC_TEXT_PADDING bytes behind them are its own as well. False when it isn't
 * JSON. *ret is NULL for null. */
bool cc_json_read_in_place(char *text, size_t size, struct cc_json **ret);

/* Writes without spaces, NUL-terminated. Fails the call when the value can't be written (a text that isn't UTF-8, an
 * infinite number); then it answers "null". */
const char *cc_json_write(const struct cc_json *value, size_t *ret_size);

void cc_json_reset(void);

/* ---- text.c ---- */

const char *cc_format_list(const char *format, va_list arguments, size_t *ret_size);

/* ---- call.c: one call of the runtime, from its arguments to its results ---- */

struct cc_emitted {
	struct cc_emitted *next;
	const char *type;
	const char *data; /* JSON text */
	size_t data_size;
};

/* What came of a decision. Lives until the call ends. */
struct cc_handled {
	enum cc_decision decision;
	const struct cc_emitted *events; /* in order; when accepted */
	size_t event_count;
	const char *code; /* when rejected */
	const char *reason;
	const char *details; /* JSON text or NULL */
};

/* A text as the runtime hands it over: CC_TEXT_PADDING bytes follow it, the first of them NUL. */
struct cc_given {
	char *data;
	size_t size;
};

struct cc_given_command {
	struct cc_given id, type, key, data, metadata;
	uint64_t time;
};

struct cc_given_event {
	struct cc_given type, data;
	uint64_t version;
	uint64_t time;
};

/* Decides. False when the call failed: cc_call_failure() says why. */
bool cc_call_handle(const struct cc_aggregate *aggregate, struct cc_given state,
		    const struct cc_given_command *command, struct cc_handled *ret);

/* Folds `count` events, which `next` answers one after the other, into a JSON text. False when the call failed. */
bool cc_call_apply(const struct cc_aggregate *aggregate, struct cc_given state,
		   struct cc_given_event (*next)(size_t index, void *arg), void *arg, size_t count,
		   const char **ret_state, size_t *ret_size);

/* The first reason for which the running call failed; NULL when it hasn't. */
const char *cc_call_failure(void);

/* Ends a call: its memory, results included, is gone. */
void cc_call_end(void);

/* ---- guest_log.c in a component, test.c natively ---- */

void cc_log_write(enum cc_level level, const char *message, size_t size);

#endif
