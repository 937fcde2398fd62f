/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/span.h"

/* log.h - one line for each thing that happened: `event=append_conflict stream=acct-1 at=1`.
 *
 * Lower layers return statuses; the place where a failure stops travelling logs it, once. A line is
 * "TIME LEVEL event=NAME key=value ...". Values are quoted and escaped when they hold anything but
 * [A-Za-z0-9_.:/$@+-], control characters always, so that no guest or client can forge a line.
 * Lines go to standard error in one write(2) each. Thread-safe. A value is cut at 1 KiB, a line at
 * 8 KiB. */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *key;
	enum { LOG_TEXT, LOG_U64, LOG_I64 } kind;
	struct span text; /* borrowed for the call */
	uint64_t u64;
	int64_t i64;
};

#define LOG_SPAN(name, value) \
	((struct log_field){ .key = (name), .kind = LOG_TEXT, .text = (value) })
#define LOG_STRING(name, value) LOG_SPAN(name, span_from_string(value))
#define LOG_NUMBER(name, value) \
	((struct log_field){ .key = (name), .kind = LOG_U64, .u64 = (value) })
#define LOG_SIGNED(name, value) \
	((struct log_field){ .key = (name), .kind = LOG_I64, .i64 = (value) })

void log_write(enum log_level level, const char *event, const struct log_field *fields,
	       size_t count);

/* log_event(LOG_WARN, "append_conflict", LOG_SPAN("stream", name), LOG_NUMBER("at", 1)); */
#define log_event(level, event, ...)                                           \
	log_write((level), (event), (const struct log_field[]){ __VA_ARGS__ }, \
		  sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

/* Lines below `level` are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

/* Sends lines (without the newline) to `sink` instead of standard error; NULL turns that back. For
 * tests. `sink` is called with the log's lock held. */
typedef void (*log_sink_fn)(struct span line, void *arg);
void log_set_sink(log_sink_fn sink, void *arg);

#endif
