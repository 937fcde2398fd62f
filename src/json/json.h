/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

/* json.h - reading JSON (RFC 8259), under the rules of the edge.
 *
 * One rule for all JSON that comes from outside, be it a client's or a component's. Refused:
 * anything but valid UTF-8, duplicate members, \u0000 and raw NUL, lone surrogates, nesting over
 * JSON_DEPTH_MAX, numbers that overflow a double, anything after the value. What passes is kept as
 * the bytes that were received; nothing is written anew.
 *
 * Values are yyjson's, borrowed from the arena that the text was parsed into, and read-only. Every
 * accessor takes NULL (a missing member) and then answers as for a value of another type. */

#define JSON_DEPTH_MAX 64

struct json; /* one value */

enum json_type {
	JSON_MISSING,
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Parses and checks a whole text. ERR_INVALID: the message says what and at which byte, e.g.
 * "byte 17: unexpected character"; bytes count from 0. ERR_NOMEM: the arena is full. */
enum status json_parse(struct span text, struct arena *arena, const struct json **ret,
		       struct error *err) NODISCARD;

/* Only checks, with memory of its own. `type` may be JSON_MISSING for "any"; else the top value's
 * type must be that one. */
enum status json_check(struct span text, enum json_type type, struct error *err) NODISCARD;

enum json_type json_type(const struct json *value);
const char *json_type_name(enum json_type type); /* "null", "boolean", "number", "string", ... */

const struct json *json_get(const struct json *object, const char *member); /* NULL: none */
size_t json_count(const struct json *value); /* elements or members */
const struct json *json_at(const struct json *array,
			   size_t index); /* NULL: beyond the end; O(index) */

/* The string's bytes, unescaped; .data NULL when it is no string. */
struct span json_string(const struct json *value);
bool json_bool(const struct json *value); /* false also when it is no boolean */

/* False, with *ret untouched, unless the value is an integer written without fraction or exponent
 * that fits. */
bool json_u64(const struct json *value, uint64_t *ret);
bool json_i64(const struct json *value, int64_t *ret);
bool json_double(const struct json *value, double *ret);

/* Same value: numbers by value (1, 1.0 and 1e0 are one; what is no 64-bit integer is compared as a
 * double), members in any order. Two missing values are equal. */
bool json_equal(const struct json *a, const struct json *b);

/* Walks an object or array in the order of the text:
 * `struct json_iterator it = json_iterate(v); while (json_next(&it, &key, &value)) ...`
 * The key is .data NULL in an array. */
struct json_iterator {
	const struct json *parent;
	const struct json *next;
	size_t left;
};
struct json_iterator json_iterate(const struct json *parent);
bool json_next(struct json_iterator *it, struct span *ret_key, const struct json **ret_value);

/* ---- the text itself, as received ------------------------------------------------------------
 * After json_parse() has accepted `text`, these find the bytes of its parts without the white space
 * around them. Undefined answers, but no undefined behaviour, for text that was not accepted. */

/* The text of a member of a top-level object; .data NULL when there is none. The name asked for is
 * ASCII that needs no escapes; in the text it may be escaped all the same. */
struct span json_member_text(struct span object, const char *member);

/* Walks the members of a top-level object: start with *at = 0. The name is as it stands between its
 * quotes, escapes and all. False at the end. */
bool json_next_member_text(struct span object, size_t *at, struct span *ret_name,
			   struct span *ret_value);

/* Walks the elements of a top-level array: start with *at = 0. False at the end. */
bool json_next_element_text(struct span array, size_t *at, struct span *ret);

/* A function for requests: the first member that is not in `known` (a NULL-terminated list), .data
 * NULL when all are known. For "unknown member 'x'". */
struct span json_unknown_member(const struct json *object, const char *const *known);

#endif
