/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - parsing and the rules of the edge, over yyjson.
 *
 * yyjson reads a text without recursion into one flat array of 16-byte values in the order of the
 * text, a container knowing where it ends. It refuses what RFC 8259 refuses, invalid UTF-8, lone
 * surrogates and numbers that overflow a double. The rest is checked in one pass over that array:
 * depth, duplicate members, NUL in strings.
 *
 * The text is copied, because yyjson unescapes in place and wants some zeros behind it. A string
 * therefore starts in the copy where it starts in the text, which is how messages know the byte.
 *
 * A parsed text takes its size and 16 bytes a value from the arena: the array is made in scratch
 * memory, where it may grow and move, and copied once it is complete. Its references to itself are
 * relative and survive that. */
#include "json/json.h"

#include <stdlib.h>

#include "json/internal.h"

#define NAME_SHOWN_MAX_BYTES 64
#define FEW_MEMBERS          8 /* up to here comparing all pairs is faster than sorting */

static void *reader_malloc(void *ctx, size_t size)
{
	return scratch_alloc(ctx, size);
}

static void *reader_realloc(void *ctx, void *memory, size_t old_size, size_t size)
{
	struct scratch *scratch = ctx;
	void *larger = scratch_alloc(scratch, size);

	if (larger == NULL)
		return NULL;
	memcpy(larger, memory, old_size < size ? old_size : size);
	scratch_free(scratch, memory);
	return larger;
}

static void reader_free(void *ctx, void *memory)
{
	scratch_free(ctx, memory);
}

/* How much of a name can stand in a message: one line, and no half characters. */
static struct span shown_name(yyjson_val *key)
{
	const char *data = unsafe_yyjson_get_str(key);
	size_t size = unsafe_yyjson_get_len(key);

	if (size > NAME_SHOWN_MAX_BYTES) {
		size = NAME_SHOWN_MAX_BYTES;
		while (size > 0 && ((unsigned char)data[size] & 0xC0) == 0x80)
			size--;
	}
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)data[i] < 0x20 || data[i] == 0x7F)
			return span_of(data, i);
	}
	return span_of(data, size);
}

static enum status refuse_duplicate(yyjson_val *key, const char *copy, struct error *err)
{
	return ERROR(err, ERR_INVALID, "byte %zu: duplicate member '%.*s'",
		     (size_t)(unsafe_yyjson_get_str(key) - copy) - 1, SPAN_ARG(shown_name(key)));
}

static enum status check_few_members(yyjson_val *object, const char *copy, struct error *err)
{
	size_t count = unsafe_yyjson_get_len(object);
	yyjson_val *keys[FEW_MEMBERS];
	yyjson_val *key = unsafe_yyjson_get_first(object);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (UNLIKELY(members_same_name(keys[j], key)))
				return refuse_duplicate(key, copy, err);
		}
		keys[i] = key;
		key = unsafe_yyjson_get_next(key + 1);
	}
	return OK;
}

static enum status check_many_members(yyjson_val *object, const char *copy, struct scratch *scratch,
				      struct error *err)
{
	size_t count = unsafe_yyjson_get_len(object);
	size_t used = scratch->used_bytes;
	/* No overflow: each member has stood for two values of 16 bytes each in memory. */
	struct member *members = scratch_alloc(scratch, count * sizeof(*members));
	enum status s = OK;

	if (members == NULL)
		return ERROR(err, ERR_NOMEM, "comparing %zu members", count);
	members_sort(object, members);
	for (size_t i = 1; i < count && s == OK; i++) {
		if (UNLIKELY(members[i - 1].hash == members[i].hash &&
			     members_same_name(members[i - 1].key, members[i].key))) {
			/* Which of the two stands later in the text, sorting does not tell. */
			yyjson_val *key = members[i].key > members[i - 1].key ? members[i].key
									      : members[i - 1].key;
			s = refuse_duplicate(key, copy, err);
		}
	}
	scratch_free(scratch, members);
	scratch->used_bytes = used;
	return s;
}

/* Where the container opens that is nested too deeply; the text has been accepted otherwise. */
static size_t find_too_deep(struct span text)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return i;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return text.size;
}

static enum status check_values(const yyjson_doc *doc, struct span text, const char *copy,
				struct scratch *scratch, struct error *err)
{
	const yyjson_val *ends[JSON_DEPTH_MAX];
	unsigned depth = 0;
	enum status s;

	for (size_t i = 0; i < doc->val_read; i++) {
		yyjson_val *value = doc->root + i;
		uint8_t type = unsafe_yyjson_get_type(value);

		while (depth > 0 && value >= ends[depth - 1])
			depth--;
		if (type == YYJSON_TYPE_STR) {
			/* yyjson marks the strings that were written without escapes. */
			const char *data = unsafe_yyjson_get_str(value);

			if (unsafe_yyjson_get_subtype(value) != YYJSON_SUBTYPE_NOESC &&
			    memchr(data, 0, unsafe_yyjson_get_len(value)) != NULL)
				return ERROR(err, ERR_INVALID, "byte %zu: a string with \\u0000",
					     (size_t)(data - copy) - 1);
		} else if (type == YYJSON_TYPE_ARR || type == YYJSON_TYPE_OBJ) {
			if (depth == JSON_DEPTH_MAX)
				return ERROR(err, ERR_INVALID, "byte %zu: nested deeper than %d",
					     find_too_deep(text), JSON_DEPTH_MAX);
			ends[depth++] = unsafe_yyjson_get_next(value);
			if (type == YYJSON_TYPE_ARR || unsafe_yyjson_get_len(value) < 2)
				continue;
			s = unsafe_yyjson_get_len(value) <= FEW_MEMBERS
				    ? check_few_members(value, copy, err)
				    : check_many_members(value, copy, scratch, err);
			if (s != OK)
				return s;
		}
	}
	return OK;
}

/* Reads and checks; `copy` holds the text and YYJSON_PADDING_SIZE bytes more. */
static enum status read_copy(struct span text, char *copy, struct scratch *scratch,
			     yyjson_doc **ret, struct error *err)
{
	yyjson_alc alc = { .malloc = reader_malloc,
			   .realloc = reader_realloc,
			   .free = reader_free,
			   .ctx = scratch };
	yyjson_read_err reason = { 0 };

	memcpy(copy, text.data, text.size);
	memset(copy + text.size, 0, YYJSON_PADDING_SIZE);
	yyjson_doc *doc = yyjson_read_opts(copy, text.size, YYJSON_READ_INSITU, &alc, &reason);
	if (doc == NULL) {
		if (reason.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
			return ERROR(err, ERR_NOMEM, "JSON of %zu bytes", text.size);
		return ERROR(err, ERR_INVALID, "byte %zu: %s", reason.pos, reason.msg);
	}
	enum status s = check_values(doc, text, copy, scratch, err);
	if (s != OK) {
		yyjson_doc_free(doc);
		return s;
	}
	*ret = doc;
	return OK;
}

/* The text's size is what memory is asked for, so it is looked at before any arithmetic. */
static enum status check_size(struct span text, struct error *err)
{
	if (text.size == 0)
		return ERROR(err, ERR_INVALID, "byte 0: there is no JSON, the text is empty");
	if (text.size > SIZE_MAX / 64)
		return ERROR(err, ERR_NOMEM, "JSON of %zu bytes", text.size);
	return OK;
}

enum status json_parse(struct span text, struct arena *arena, const struct json **ret,
		       struct error *err)
{
	struct scratch scratch;
	yyjson_doc *doc;
	enum status s = check_size(text, err);

	if (s != OK)
		return s;
	scratch.used_bytes = 0;
	char *copy = arena_alloc(arena, text.size + YYJSON_PADDING_SIZE);
	if (copy == NULL)
		return ERROR(err, ERR_NOMEM, "JSON of %zu bytes", text.size);
	s = read_copy(text, copy, &scratch, &doc, err);
	if (s != OK)
		return s;
	size_t size = doc->val_read * sizeof(*doc->root);
	yyjson_val *values = arena_alloc(arena, size);
	if (values == NULL) {
		s = ERROR(err, ERR_NOMEM, "JSON of %zu values", doc->val_read);
	} else {
		memcpy(values, doc->root, size);
		*ret = json_of(values);
	}
	yyjson_doc_free(doc);
	return s;
}

enum status json_check(struct span text, enum json_type type, struct error *err)
{
	struct scratch scratch;
	yyjson_doc *doc;
	enum status s = check_size(text, err);

	if (s != OK)
		return s;
	scratch.used_bytes = 0;
	char *copy = scratch_alloc(&scratch, text.size + YYJSON_PADDING_SIZE);
	if (copy == NULL)
		return ERROR(err, ERR_NOMEM, "JSON of %zu bytes", text.size);
	s = read_copy(text, copy, &scratch, &doc, err);
	if (s == OK) {
		enum json_type found = json_type(json_of(doc->root));

		if (type != JSON_MISSING && found != type)
			s = ERROR(err, ERR_INVALID, "expected %s, not %s", json_type_name(type),
				  json_type_name(found));
		yyjson_doc_free(doc);
	}
	scratch_free(&scratch, copy);
	return s;
}

enum json_type json_type(const struct json *value)
{
	switch (yyjson_get_type(json_value(value))) {
	case YYJSON_TYPE_NULL:
		return JSON_NULL;
	case YYJSON_TYPE_BOOL:
		return JSON_BOOL;
	case YYJSON_TYPE_NUM:
		return JSON_NUMBER;
	case YYJSON_TYPE_STR:
		return JSON_STRING;
	case YYJSON_TYPE_ARR:
		return JSON_ARRAY;
	case YYJSON_TYPE_OBJ:
		return JSON_OBJECT;
	default:
		return JSON_MISSING;
	}
}

const char *json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_MISSING:
		return "nothing";
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "boolean";
	case JSON_NUMBER:
		return "number";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	}
	return "nothing";
}

const struct json *json_get(const struct json *object, const char *member)
{
	return json_of(yyjson_obj_get(json_value(object), member));
}

size_t json_count(const struct json *value)
{
	return yyjson_is_ctn(json_value(value)) ? unsafe_yyjson_get_len(json_value(value)) : 0;
}

const struct json *json_at(const struct json *array, size_t index)
{
	return json_of(yyjson_arr_get(json_value(array), index));
}

struct span json_string(const struct json *value)
{
	if (!yyjson_is_str(json_value(value)))
		return SPAN_EMPTY;
	return span_of(unsafe_yyjson_get_str(json_value(value)),
		       unsafe_yyjson_get_len(json_value(value)));
}

bool json_bool(const struct json *value)
{
	return yyjson_is_true(json_value(value));
}

bool json_u64(const struct json *value, uint64_t *ret)
{
	yyjson_val *number = json_value(value);

	/* -0 is read as a signed integer. */
	if (!yyjson_is_uint(number) &&
	    !(yyjson_is_sint(number) && unsafe_yyjson_get_sint(number) == 0))
		return false;
	*ret = unsafe_yyjson_get_uint(number);
	return true;
}

bool json_i64(const struct json *value, int64_t *ret)
{
	yyjson_val *number = json_value(value);

	if (yyjson_is_sint(number)) {
		*ret = unsafe_yyjson_get_sint(number);
		return true;
	}
	if (!yyjson_is_uint(number) || unsafe_yyjson_get_uint(number) > INT64_MAX)
		return false;
	*ret = (int64_t)unsafe_yyjson_get_uint(number);
	return true;
}

bool json_double(const struct json *value, double *ret)
{
	yyjson_val *number = json_value(value);

	if (!yyjson_is_num(number))
		return false;
	*ret = unsafe_yyjson_get_num(number);
	return true;
}

struct json_iterator json_iterate(const struct json *parent)
{
	size_t left = json_count(parent);

	return (struct json_iterator){
		.parent = parent,
		.next = left != 0 ? json_of(unsafe_yyjson_get_first(json_value(parent))) : NULL,
		.left = left,
	};
}

bool json_next(struct json_iterator *it, struct span *ret_key, const struct json **ret_value)
{
	if (it->left == 0)
		return false;
	yyjson_val *value = json_value(it->next);
	struct span key = SPAN_EMPTY;
	if (unsafe_yyjson_is_obj(json_value(it->parent))) {
		key = json_string(it->next);
		value++;
	}
	it->left--;
	it->next = json_of(unsafe_yyjson_get_next(value));
	*ret_key = key;
	*ret_value = json_of(value);
	return true;
}

struct span json_unknown_member(const struct json *object, const char *const *known)
{
	struct json_iterator it = json_iterate(object);
	const struct json *value;
	struct span key;

	while (json_next(&it, &key, &value)) {
		const char *const *name = known;

		while (*name != NULL && !span_equal_string(key, *name))
			name++;
		if (*name == NULL)
			return key;
	}
	return SPAN_EMPTY;
}
