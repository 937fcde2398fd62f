/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - texts for people, without libc's printf: that one drags files and the environment into a component. */
#include "internal.h"

#include <assert.h>
#include <string.h>

#define DIGITS_MAX 24 /* sign, 20 digits, NUL */

struct output {
	char *data;
	size_t size;
	size_t capacity; /* one byte more is always there for the NUL */
};

static void put(struct output *out, const char *data, size_t size)
{
	if (size > out->capacity - out->size) {
		size_t capacity = (out->size + size) * 2;

		out->data = cc_arena_realloc(out->data, out->size, capacity + 1);
		out->capacity = capacity;
	}
	memcpy(out->data + out->size, data, size);
	out->size += size;
}

static void put_unsigned(struct output *out, unsigned long long value, bool negative)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	if (negative)
		digits[--at] = '-';
	put(out, digits + at, sizeof(digits) - at);
}

static void put_signed(struct output *out, long long value)
{
	unsigned long long magnitude = (unsigned long long)value;

	put_unsigned(out, value < 0 ? 0 - magnitude : magnitude, value < 0);
}

const char *cc_format_list(const char *format, va_list arguments, size_t *ret_size)
{
	struct output out = { .data = cc_arena_alloc(128), .capacity = 127 };

	for (const char *at = format; *at != '\0';) {
		size_t plain = strcspn(at, "%");
		int longs = 0;

		put(&out, at, plain);
		at += plain;
		if (*at++ == '\0')
			break;
		for (; *at == 'l' && longs < 2; at++)
			longs++;
		if (*at == 'z') {
			static_assert(sizeof(size_t) == sizeof(long), "%zu reads a long");
			longs = 1;
			at++;
		}
		switch (*at++) {
		case 's': {
			const char *text = va_arg(arguments, const char *);

			if (text == NULL)
				text = "null";
			put(&out, text, strlen(text));
			break;
		}
		case 'c': {
			char c = (char)va_arg(arguments, int);

			put(&out, &c, 1);
			break;
		}
		case 'd':
			put_signed(&out, longs == 2   ? va_arg(arguments, long long)
					 : longs == 1 ? va_arg(arguments, long)
						      : va_arg(arguments, int));
			break;
		case 'u':
			put_unsigned(&out,
				     longs == 2   ? va_arg(arguments, unsigned long long)
				     : longs == 1 ? va_arg(arguments, unsigned long)
						  : va_arg(arguments, unsigned int),
				     false);
			break;
		case '%':
			put(&out, "%", 1);
			break;
		default:
			/* What the argument is can't be known, so nothing after it can be read either. */
			__builtin_trap();
		}
	}
	out.data[out.size] = '\0';
	if (ret_size != NULL)
		*ret_size = out.size;
	return out.data;
}

const char *cc_format(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *text = cc_format_list(format, arguments, NULL);
	va_end(arguments);
	return text;
}

bool cc_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* The next character of the snake-case form of the text that began at `start`. A capital inside the word gives two: '_'
 * first, with *pending set, then itself. */
static char snake_next(const char *start, const char **at, bool *pending)
{
	char c = **at;

	if (!is_capital(c)) {
		if (c != '\0')
			(*at)++;
		return c;
	}
	if (*at != start && !*pending) {
		*pending = true;
		return '_';
	}
	*pending = false;
	(*at)++;
	return (char)(c - 'A' + 'a');
}

bool cc_same_type(const char *a, const char *b)
{
	const char *at_a = a, *at_b = b;
	bool pending_a = false, pending_b = false;

	for (;;) {
		char from_a = snake_next(a, &at_a, &pending_a);
		char from_b = snake_next(b, &at_b, &pending_b);

		if (from_a != from_b)
			return false;
		if (from_a == '\0')
			return true;
	}
}

void cc_log(enum cc_level level, const char *format, ...)
{
	va_list arguments;
	size_t size;

	va_start(arguments, format);
	const char *message = cc_format_list(format, arguments, &size);
	va_end(arguments);
	cc_log_write(level, message, size);
}
