/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - the JSON edge. Whatever the bytes are: checking and parsing agree, a text that was
 * accepted is valid UTF-8 without NUL, its parts are where the parser says, and the value written
 * anew is the same value. */
#include "json/json.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "json/json_writer.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct json_writer *writer, const struct json *value);

static void write_members(struct json_writer *writer, const struct json *parent)
{
	struct json_iterator it = json_iterate(parent);
	const struct json *value;
	struct span key;
	size_t count = 0;

	for (; json_next(&it, &key, &value); count++) {
		CHECK((key.data != NULL) == (json_type(parent) == JSON_OBJECT));
		if (key.data != NULL) {
			CHECK(key.size == 0 || memchr(key.data, 0, key.size) == NULL);
			json_key_span(writer, key);
		}
		write_value(writer, value);
	}
	CHECK(count == json_count(parent));
}

static void write_number(struct json_writer *writer, const struct json *value)
{
	uint64_t u64;
	int64_t i64;
	double real = 0;

	CHECK(json_double(value, &real));
	CHECK(__builtin_isfinite(real));
	if (json_u64(value, &u64))
		json_write_u64(writer, u64);
	else if (json_i64(value, &i64))
		json_write_i64(writer, i64);
	else
		json_write_double(writer, real);
}

/* The writer nests less deeply than texts may, so the depths are cut into pieces. */
static void write_value(struct json_writer *writer, const struct json *value)
{
	OWNED(buf) struct buf inner = { 0 };
	struct json_writer inner_writer;
	struct span text;

	json_writer_init(&inner_writer, &inner);
	switch (json_type(value)) {
	case JSON_MISSING:
		abort(); /* every value has a type */
	case JSON_NULL:
		json_write_null(writer);
		break;
	case JSON_BOOL:
		json_write_bool(writer, json_bool(value));
		break;
	case JSON_NUMBER:
		write_number(writer, value);
		break;
	case JSON_STRING:
		text = json_string(value);
		CHECK(utf8_is_valid(text));
		CHECK(text.size == 0 || memchr(text.data, 0, text.size) == NULL);
		json_write_string(writer, text);
		break;
	case JSON_ARRAY:
		json_begin_array(&inner_writer);
		write_members(&inner_writer, value);
		json_end_array(&inner_writer);
		json_write_raw(writer, buf_span(&inner));
		break;
	case JSON_OBJECT:
		json_begin_object(&inner_writer);
		write_members(&inner_writer, value);
		json_end_object(&inner_writer);
		json_write_raw(writer, buf_span(&inner));
		break;
	}
}

static void check_part(struct span text, const struct json *value, struct arena *arena)
{
	const struct json *again = NULL;

	CHECK(text.data != NULL);
	CHECK(json_parse(text, arena, &again, NULL) == OK);
	CHECK(json_equal(again, value));
}

static void check_parts(struct span text, const struct json *root, struct arena *arena)
{
	struct json_iterator it = json_iterate(root);
	const struct json *value;
	struct span key;
	struct span name;
	struct span part;
	size_t at = 0;

	while (json_next(&it, &key, &value)) {
		if (json_type(root) == JSON_ARRAY) {
			CHECK(json_next_element_text(text, &at, &part));
		} else {
			CHECK(json_next_member_text(text, &at, &name, &part));
			CHECK(utf8_is_valid(name));
			CHECK(json_get(root, key.data) ==
			      value); /* yyjson ends strings with a NUL */
		}
		check_part(part, value, arena);
	}
	CHECK(!json_next_element_text(text, &at, &part));
	at = 0;
	it = json_iterate(root);
	while (json_type(root) == JSON_OBJECT && json_next(&it, &key, &value)) {
		bool ascii = true;

		for (size_t i = 0; i < key.size; i++)
			ascii = ascii && (key.data[i] & 0x80) == 0;
		if (ascii)
			check_part(json_member_text(text, key.data), value, arena);
	}
}

static void use_parts_of_anything(struct span text)
{
	struct span part;
	struct span name;
	size_t at = 0;

	(void)json_member_text(text, "a");
	while (json_next_element_text(text, &at, &part))
		CHECK(part.size != 0 && part.data + part.size <= text.data + text.size);
	at = 0;
	while (json_next_member_text(text, &at, &name, &part))
		CHECK(part.size != 0 && part.data + part.size <= text.data + text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	OWNED(buf) struct buf written = { 0 };
	const struct json *root = NULL;
	const struct json *again = NULL;
	struct json_writer writer;

	if (arena == NULL || size > 4096)
		return 0;
	use_parts_of_anything(text);
	enum status s = json_parse(text, arena, &root, NULL);
	CHECK(s == json_check(text, JSON_MISSING, NULL));
	if (s != OK) {
		CHECK(s == ERR_INVALID);
		CHECK(root == NULL);
		return 0;
	}
	CHECK(utf8_is_valid(text));
	CHECK(memchr(text.data, 0, text.size) == NULL);
	CHECK(json_check(text, json_type(root), NULL) == OK);
	CHECK(json_equal(root, root));
	check_parts(text, root, arena);
	json_writer_init(&writer, &written);
	write_value(&writer, root);
	CHECK(buf_status(&written) == OK);
	CHECK(json_parse(buf_span(&written), arena, &again, NULL) == OK);
	CHECK(json_equal(root, again));
	return 0;
}
