/* SPDX-License-Identifier: Apache-2.0 */
/* logging.c - wasi:logging, and what guests write to standard output and error.
 *
 * Lines are cut and counted before anything is done with them, so that a flood costs what counting
 * costs. Where no one listens (call->log is NULL) they go to the process' log, which quotes and
 * escapes, so that no guest can forge a line. */
#include <stdlib.h>

#include "base/log.h"
#include "base/utf8.h"
#include "host/internal.h"

#define CONTEXT_MAX_BYTES 64

static struct span cut(struct span text, uint64_t max)
{
	if (text.size <= max)
		return text;
	text.size = (size_t)max;
	text.size = utf8_valid_prefix(text);
	return text;
}

static void deliver(struct guest_instance *instance, enum component_log_level level,
		    struct span context, struct span message)
{
	static const enum log_level levels[] = { LOG_DEBUG, LOG_DEBUG, LOG_INFO,
						 LOG_WARN,  LOG_ERROR, LOG_ERROR };
	const struct component_call *call = instance->instance.call;

	if (call->log != NULL) {
		call->log(level, context, message, call->log_arg);
		return;
	}
	log_event(levels[level], "component_log",
		  LOG_STRING("component", instance->guest->component.name),
		  LOG_SPAN("context", context), LOG_SPAN("message", message));
}

void logging_line(struct guest_instance *instance, enum component_log_level level,
		  struct span context, struct span message)
{
	const struct component_limits *limits = &instance->guest->component.limits;

	if (instance->log_lines >= limits->log_lines) {
		instance->log_dropped++;
		return;
	}
	instance->log_lines++;
	deliver(instance, level, cut(context, CONTEXT_MAX_BYTES), cut(message, limits->log_bytes));
}

/* ---- standard output and error ---------------------------------------------------------------- */

static void end_output_line(struct guest_instance *instance)
{
	struct span line = span_of(instance->line, instance->line_size);

	/* Bytes, not text: what is no UTF-8 ends it. */
	line.size = utf8_valid_prefix(line);
	logging_line(instance, COMPONENT_INFO, SPAN("output"), line);
	instance->line_size = 0;
}

void logging_write_output(struct guest_instance *instance, struct span bytes)
{
	if (instance->line == NULL)
		instance->line = malloc(GUEST_LINE_MAX_BYTES);
	if (instance->line == NULL) {
		instance->log_dropped++;
		return;
	}
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.data[i] == '\n')
			end_output_line(instance);
		else if (instance->line_size < GUEST_LINE_MAX_BYTES)
			instance->line[instance->line_size++] = bytes.data[i];
	}
}

void logging_finish(struct guest_instance *instance)
{
	if (instance->line_size != 0)
		end_output_line(instance);
	if (instance->log_dropped != 0) {
		OWNED(buf) struct buf text = { 0 };
		buf_append_format(&text, "%llu more log lines were dropped",
				  (unsigned long long)instance->log_dropped);
		deliver(instance, COMPONENT_WARN, SPAN("host"), buf_span(&text));
	}
}

/* ---- wasi:logging ----------------------------------------------------------------------------- */

static bool level_of(struct span word, enum component_log_level *ret)
{
	static const char *const words[] = {
		"trace", "debug", "info", "warn", "error", "critical"
	};

	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		if (span_equal_string(word, words[i])) {
			*ret = (enum component_log_level)i;
			return true;
		}
	}
	return false;
}

static wasmtime_error_t *log_line(void *data, wasmtime_context_t *context,
				  const wasmtime_component_func_type_t *type,
				  wasmtime_component_val_t *args, size_t arg_count,
				  wasmtime_component_val_t *results, size_t result_count)
{
	enum component_log_level level;

	(void)data, (void)type, (void)results;
	/* The type was compared on loading; reading by a wrong one would be the end of the process. */
	if (arg_count != 3 || result_count != 0 || args[0].kind != WASMTIME_COMPONENT_ENUM ||
	    args[1].kind != WASMTIME_COMPONENT_STRING ||
	    args[2].kind != WASMTIME_COMPONENT_STRING ||
	    !level_of(span_of_name(&args[0].of.enumeration), &level))
		return import_refuse(context, false, "wasi:logging of another type");
	logging_line(import_instance(context), level, span_of_name(&args[1].of.string),
		     span_of_name(&args[2].of.string));
	return NULL;
}

wasmtime_error_t *logging_link(wasmtime_component_linker_t *linker)
{
	static const struct import_function functions[] = { { "log", log_line } };
	wasmtime_error_t *error = import_add(linker, "wasi:logging/logging@0.1.0-draft", functions,
					     ARRAY_COUNT(functions));

	if (error == NULL)
		error = import_add(linker, "wasi:logging/logging", functions,
				   ARRAY_COUNT(functions));
	return error;
}
