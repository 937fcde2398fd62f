/* SPDX-License-Identifier: Apache-2.0 */
/* failure.c - from wasmtime's errors to ours: a status that code can decide by, and one line for a
 * person: "handle trapped: wasm `unreachable` instruction executed (in abort < decide < handle)". */
#include <stdio.h>

#include "base/utf8.h"
#include "host/internal.h"

#define CAUSE_MAX_BYTES 400
#define FRAME_MAX_BYTES 80
#define FRAMES_SHOWN    8

/* Both are wasmtime's words; tests see to it that they still are. */
#define POOL_IS_FULL "maximum concurrent"
#define TOO_LARGE    "too much data is being copied"

void failure_append_text(struct buf *buf, struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		buf_append_byte(buf, c < 0x20 || c == 0x7F ? ' ' : (char)c);
	}
}

static struct span trim(struct span s)
{
	while (s.size != 0 && (s.data[0] == ' ' || s.data[0] == '\n'))
		s = span_after(s, 1);
	while (s.size != 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\n'))
		s.size--;
	return s;
}

static struct span cut(struct span s, size_t max)
{
	if (s.size <= max)
		return s;
	s.size = max;
	s.size = utf8_valid_prefix(s);
	return s;
}

static struct span without_prefix(struct span s, struct span prefix)
{
	return span_starts_with(s, prefix) ? span_after(s, prefix.size) : s;
}

/* The last cause of a chain that is written as "what\n\nCaused by:\n    0: why\n    1: why that". A
 * cause may have several lines, the later ones indented deeper. */
static struct span last_cause(struct span text)
{
	static const char label[] = "Caused by:\n";
	const char *at = NULL;

	if (text.size != 0)
		at = memmem(text.data, text.size, label, sizeof(label) - 1);
	if (at == NULL)
		return trim(text);
	text = span_after(text, (size_t)(at - text.data) + sizeof(label) - 1);
	for (unsigned i = 1; i < 100 && text.size != 0; i++) {
		char next[16];
		int size = snprintf(next, sizeof(next), "\n    %u: ", i);

		at = memmem(text.data, text.size, next, (size_t)size);
		if (at == NULL)
			break;
		text = span_after(text, (size_t)(at - text.data) + (size_t)size);
	}
	return trim(without_prefix(trim(text), SPAN("0: ")));
}

void failure_append_cause(const wasmtime_error_t *error, struct buf *ret)
{
	wasm_name_t message;

	wasmtime_error_message(error, &message);
	struct span cause = last_cause(span_of_name(&message));
	cause = without_prefix(cause, SPAN("wasm trap: "));
	failure_append_text(ret, cut(cause, CAUSE_MAX_BYTES));
	wasm_name_delete(&message);
}

static void append_frames(const wasmtime_error_t *error, struct buf *ret)
{
	wasm_frame_vec_t frames;

	wasmtime_error_wasm_trace(error, &frames);
	for (size_t i = 0; i < frames.size && i < FRAMES_SHOWN; i++) {
		const wasm_name_t *name = wasmtime_frame_func_name(frames.data[i]);

		buf_append_string(ret, i == 0 ? " (in " : " < ");
		if (name != NULL && name->size != 0)
			failure_append_text(ret, cut(span_of_name(name), FRAME_MAX_BYTES));
		else
			buf_append_format(ret, "function %u",
					  wasm_frame_func_index(frames.data[i]));
	}
	if (frames.size > FRAMES_SHOWN)
		buf_append_format(ret, " < %zu more", frames.size - FRAMES_SHOWN);
	if (frames.size != 0)
		buf_append_byte(ret, ')');
	wasm_frame_vec_delete(&frames);
}

static bool contains(const struct buf *buf, const char *words)
{
	return buf->size != 0 && memmem(buf->data, buf->size, words, strlen(words)) != NULL;
}

enum status failure_of_call(struct guest_instance *instance, wasmtime_error_t *error,
			    struct error *err)
{
	const struct component_limits *limits = &instance->guest->component.limits;
	const char *function = instance->function;
	OWNED(buf) struct buf text = { 0 };
	enum status s;
	int code;

	failure_append_cause(error, &text);
	if (instance->past_deadline) {
		s = ERROR(err, ERR_DEADLINE, "%s did not finish within %llu ms", function,
			  (unsigned long long)limits->call_ms);
	} else if (contains(&text, TOO_LARGE)) {
		instance_returned_too_much(instance);
		s = ERROR(err, ERR_LIMIT, "%s returned more than %llu bytes", function,
			  (unsigned long long)limits->output_bytes);
	} else if (contains(&text, POOL_IS_FULL)) {
		s = ERROR(err, ERR_BUSY, "%s: %u instances are open, which is all there may be",
			  function, instance->guest->host->instances_max);
	} else if (instance->past_limit || contains(&text, "exceeds memory limits") ||
		   contains(&text, "limit exceeded")) {
		s = ERROR(err, ERR_LIMIT, "%s: %.*s", function, SPAN_ARG(buf_span(&text)));
	} else if (wasmtime_error_exit_status(error, &code)) {
		s = ERROR(err, ERR_TRAP, "%s ended itself with exit code %d", function, code);
	} else {
		append_frames(error, &text);
		s = ERROR(err, ERR_TRAP, "%s trapped: %.*s", function, SPAN_ARG(buf_span(&text)));
	}
	wasmtime_error_delete(error);
	return s;
}
