/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one line, one write(2). The line is made on the stack, so logging works when memory is
 * out, and no lock is held while it is written, except for a sink. */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES  8192
#define VALUE_MAX_BYTES 1024

struct line {
	char bytes[LINE_MAX_BYTES];
	size_t size;
	bool is_full; /* something did not fit: nothing more is added */
};

static _Atomic int minimum = LOG_INFO;
static struct mutex sink_mu = { .native = PTHREAD_MUTEX_INITIALIZER, .rank = RANK_LOG };
static log_sink_fn sink; /* sink_mu */
static void *sink_arg;   /* sink_mu */
static atomic_bool has_sink;

void log_set_level(enum log_level level)
{
	atomic_store(&minimum, (int)level);
}

bool log_is_on(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&minimum, memory_order_relaxed);
}

void log_set_sink(log_sink_fn new_sink, void *arg)
{
	MUTEX_GUARD(&sink_mu);

	sink = new_sink;
	sink_arg = arg;
	atomic_store(&has_sink, new_sink != NULL);
}

/* All of it or nothing, so that a line that is cut holds no half of an escape or a character. One
 * byte stays free for the newline. */
static void put(struct line *line, const char *bytes, size_t size)
{
	if (line->is_full || size > LINE_MAX_BYTES - 1 - line->size) {
		line->is_full = true;
		return;
	}
	memcpy(line->bytes + line->size, bytes, size);
	line->size += size;
}

static void put_string(struct line *line, const char *string)
{
	put(line, string, strlen(string));
}

static bool is_plain(struct span value)
{
	if (value.size == 0)
		return false;
	for (size_t i = 0; i < value.size; i++) {
		char c = value.data[i];
		bool word =
			(c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!word && (c == '\0' || strchr("_.:/$@+-", c) == NULL))
			return false;
	}
	return true;
}

static void put_escaped(struct line *line, unsigned char c)
{
	char escape[5];

	switch (c) {
	case '"':
	case '\\':
		escape[0] = '\\';
		escape[1] = (char)c;
		put(line, escape, 2);
		return;
	case '\n':
		put_string(line, "\\n");
		return;
	case '\r':
		put_string(line, "\\r");
		return;
	case '\t':
		put_string(line, "\\t");
		return;
	default:
		(void)snprintf(escape, sizeof(escape), "\\x%02x", c);
		put_string(line, escape);
	}
}

/* How many bytes the character at the beginning has by its first byte; not more than there are. One
 * character at a time, since a quote behind it must be seen. */
static size_t character_bytes(struct span rest)
{
	unsigned char lead = (unsigned char)rest.data[0];
	size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

	return size < rest.size ? size : rest.size;
}

static void put_value(struct line *line, struct span value)
{
	bool cut = value.size > VALUE_MAX_BYTES;

	if (cut) {
		size_t size = VALUE_MAX_BYTES;

		/* Half a character would look as if the value were broken. A character has at most three
		 * bytes that continue it; where there are more, there is none to keep whole. */
		while (size > VALUE_MAX_BYTES - 3 &&
		       ((unsigned char)value.data[size] & 0xC0) == 0x80)
			size--;
		value.size = size;
	}
	if (is_plain(value) && !cut) {
		put(line, value.data, value.size);
		return;
	}
	put_string(line, "\"");
	for (size_t at = 0; at < value.size;) {
		/* Valid UTF-8 without control characters goes through as it is. */
		struct span rest = span_after(value, at);
		size_t valid = utf8_valid_prefix(span_of(rest.data, character_bytes(rest)));
		unsigned char c = (unsigned char)rest.data[0];

		if (valid == 0 || c == '"' || c == '\\' ||
		    !utf8_has_no_control(span_of(rest.data, valid))) {
			put_escaped(line, c);
			at++;
			continue;
		}
		put(line, rest.data, valid);
		at += valid;
	}
	put_string(line, cut ? "...\"" : "\"");
}

static void put_head(struct line *line, enum log_level level, const char *event)
{
	static const char *const words[] = { "debug", "info", "warn", "error" };
	uint64_t now_us = clock_wall_us(clock_system());
	time_t seconds = (time_t)(now_us / 1000000);
	struct tm parts;
	char head[96];

	if (gmtime_r(&seconds, &parts) == NULL)
		parts = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	size_t size = strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(head + size, sizeof(head) - size,
		       ".%06uZ %s event=", (unsigned)(now_us % 1000000), words[level]);
	put_string(line, head);
	put_string(line, event);
}

static void emit(struct line *line)
{
	if (atomic_load(&has_sink)) {
		MUTEX_GUARD(&sink_mu);
		if (sink != NULL) {
			sink(span_of(line->bytes, line->size), sink_arg);
			return;
		}
	}
	line->bytes[line->size++] = '\n';
	ssize_t written;
	do {
		written = write(STDERR_FILENO, line->bytes, line->size);
	} while (written < 0 && errno == EINTR);
	/* A line that standard error does not take has nowhere else to go. */
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
	       size_t count)
{
	struct line line;
	char number[24];

	if (!log_is_on(level))
		return;
	line.size = 0;
	line.is_full = false;
	put_head(&line, level, event);
	for (size_t i = 0; i < count; i++) {
		put_string(&line, " ");
		put_string(&line, fields[i].key);
		put_string(&line, "=");
		switch (fields[i].kind) {
		case LOG_TEXT:
			put_value(&line, fields[i].text);
			break;
		case LOG_U64:
			(void)snprintf(number, sizeof(number), "%llu",
				       (unsigned long long)fields[i].u64);
			put_string(&line, number);
			break;
		case LOG_I64:
			(void)snprintf(number, sizeof(number), "%lld", (long long)fields[i].i64);
			put_string(&line, number);
			break;
		}
	}
	emit(&line);
}
