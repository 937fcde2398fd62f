/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - JSON values over yyjson; the only file that knows it.
 *
 * A `struct cc_json` is a yyjson_mut_val, for what was read as well as for what is written: one type for component
 * authors, at the price of a second set of values after parsing (a small share of a call). All values of a call hang
 * from one document, and all memory comes from the arena, so a reset forgets the document without visiting it. Nothing
 * is freed before, so texts are never copied: values that are copied, and values that were parsed, share their bytes.
 *
 * Integers that don't fit into 64 bits are kept as raw text: they are written back as they came, and are no integers
 * to any function here. */
#include "internal.h"

#include <assert.h>
#include <string.h>
#include <yyjson.h>

static_assert(CC_TEXT_PADDING >= YYJSON_PADDING_SIZE, "reading in place needs padding");
static_assert(sizeof(long long) == sizeof(int64_t), "integers of 64 bits");

static yyjson_mut_doc *document; /* of the running call; NULL before its first value */

/* ---- between our type and yyjson's: the same bytes under another name ---- */

static yyjson_mut_val *raw(const struct cc_json *value)
{
	union {
		const struct cc_json *json;
		yyjson_mut_val *raw;
	} u = { .json = value };

	return u.raw;
}

static struct cc_json *wrap(yyjson_mut_val *value)
{
	return yyjson_mut_is_null(value) ? NULL : (struct cc_json *)value;
}

/* ---- memory ---- */

static void *arena_malloc(void *arg, size_t size)
{
	(void)arg;
	return cc_arena_alloc(size);
}

static void *arena_realloc(void *arg, void *block, size_t old_size, size_t size)
{
	(void)arg;
	return cc_arena_realloc(block, old_size, size);
}

static void arena_free(void *arg, void *block)
{
	(void)arg;
	(void)block;
}

static const yyjson_alc allocator = { arena_malloc, arena_realloc, arena_free, NULL };

static yyjson_mut_doc *get_document(void)
{
	if (document == NULL)
		document = yyjson_mut_doc_new(&allocator);
	return document;
}

void cc_json_reset(void)
{
	document = NULL;
}

/* ---- copies that share their texts ---- */

static yyjson_mut_val *scalar(uint64_t tag, yyjson_val_uni value)
{
	yyjson_mut_val *copy = unsafe_yyjson_mut_val(get_document(), 1);

	if (copy == NULL) /* never: the arena traps first */
		__builtin_trap();
	copy->tag = tag;
	copy->uni = value;
	return copy;
}

/* Recursion is bounded: what comes from outside is at most 64 levels deep. */
static yyjson_mut_val *from_parsed(yyjson_val *value)
{
	yyjson_mut_val *copy;
	yyjson_val *key, *element;
	size_t index, max;

	switch (yyjson_get_type(value)) {
	case YYJSON_TYPE_OBJ:
		copy = yyjson_mut_obj(get_document());
		yyjson_obj_foreach(value, index, max, key, element)(void)
			yyjson_mut_obj_add(copy, scalar(key->tag, key->uni), from_parsed(element));
		return copy;
	case YYJSON_TYPE_ARR:
		copy = yyjson_mut_arr(get_document());
		yyjson_arr_foreach(value, index, max, element)(void)
			yyjson_mut_arr_append(copy, from_parsed(element));
		return copy;
	default:
		return scalar(value->tag, value->uni);
	}
}

static yyjson_mut_val *copied(yyjson_mut_val *value)
{
	yyjson_mut_val *copy, *key, *element;
	size_t index, max;

	switch (yyjson_mut_get_type(value)) {
	case YYJSON_TYPE_OBJ:
		copy = yyjson_mut_obj(get_document());
		yyjson_mut_obj_foreach(value, index, max, key, element)(void)
			yyjson_mut_obj_add(copy, scalar(key->tag, key->uni), copied(element));
		return copy;
	case YYJSON_TYPE_ARR:
		copy = yyjson_mut_arr(get_document());
		yyjson_mut_arr_foreach(value, index, max, element)(void)
			yyjson_mut_arr_append(copy, copied(element));
		return copy;
	default:
		return scalar(value->tag, value->uni);
	}
}

/* ---- text to value and back ---- */

bool cc_json_read_in_place(char *text, size_t size, struct cc_json **ret)
{
	memset(text + size, 0, CC_TEXT_PADDING);
	yyjson_doc *parsed = yyjson_read_opts(
		text, size, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, &allocator, NULL);
	if (parsed == NULL)
		return false;
	*ret = wrap(from_parsed(yyjson_doc_get_root(parsed)));
	return true;
}

const struct cc_json *cc_parse(const char *text)
{
	size_t size = strlen(text);
	char *copy = cc_arena_alloc(size + CC_TEXT_PADDING);
	struct cc_json *value = NULL;

	memcpy(copy, text, size);
	(void)cc_json_read_in_place(copy, size, &value); /* NULL is the answer then */
	return value;
}

const char *cc_json_write(const struct cc_json *value, size_t *ret_size)
{
	yyjson_write_err error;

	if (value == NULL) {
		*ret_size = 4;
		return "null";
	}
	char *text = yyjson_mut_val_write_opts(raw(value), YYJSON_WRITE_NOFLAG, &allocator,
					       ret_size, &error);
	if (text == NULL) {
		cc_fail("JSON can't be written: %s", error.msg);
		*ret_size = 4;
		return "null";
	}
	/* The writer makes room for the worst case, six bytes a character; what it didn't need goes back. */
	return cc_arena_realloc(text, *ret_size + 1, *ret_size + 1);
}

const char *cc_write(const struct cc_json *value)
{
	size_t size;

	return cc_json_write(value, &size);
}

/* ---- what a value is ---- */

bool cc_is_object(const struct cc_json *value)
{
	return yyjson_mut_is_obj(raw(value));
}

bool cc_is_array(const struct cc_json *value)
{
	return yyjson_mut_is_arr(raw(value));
}

bool cc_is_integer(const struct cc_json *value, long long *ret)
{
	yyjson_mut_val *v = raw(value);

	if (yyjson_mut_is_sint(v)) {
		*ret = yyjson_mut_get_sint(v);
		return true;
	}
	if (!yyjson_mut_is_uint(v) || yyjson_mut_get_uint(v) > INT64_MAX)
		return false;
	*ret = (long long)yyjson_mut_get_uint(v);
	return true;
}

bool cc_is_number(const struct cc_json *value, double *ret)
{
	if (!yyjson_mut_is_num(raw(value)))
		return false;
	*ret = yyjson_mut_get_num(raw(value));
	return true;
}

bool cc_is_boolean(const struct cc_json *value, bool *ret)
{
	if (!yyjson_mut_is_bool(raw(value)))
		return false;
	*ret = yyjson_mut_get_bool(raw(value));
	return true;
}

bool cc_is_text(const struct cc_json *value, const char **ret)
{
	if (!yyjson_mut_is_str(raw(value)))
		return false;
	*ret = yyjson_mut_get_str(raw(value));
	return true;
}

size_t cc_count(const struct cc_json *container)
{
	return yyjson_mut_is_ctn(raw(container)) ? yyjson_mut_get_len(raw(container)) : 0;
}

/* ---- members ---- */

static yyjson_mut_val *find(const struct cc_json *object, const char *name)
{
	return yyjson_mut_obj_get(raw(object), name);
}

bool cc_has(const struct cc_json *object, const char *name)
{
	return find(object, name) != NULL;
}

const struct cc_json *cc_get(const struct cc_json *object, const char *name)
{
	return wrap(find(object, name));
}

bool cc_read_integer(const struct cc_json *object, const char *name, long long *ret)
{
	return cc_is_integer(cc_get(object, name), ret);
}

bool cc_read_number(const struct cc_json *object, const char *name, double *ret)
{
	return cc_is_number(cc_get(object, name), ret);
}

bool cc_read_boolean(const struct cc_json *object, const char *name, bool *ret)
{
	return cc_is_boolean(cc_get(object, name), ret);
}

bool cc_read_text(const struct cc_json *object, const char *name, const char **ret)
{
	return cc_is_text(cc_get(object, name), ret);
}

static void fail_member(const char *name, const char *wanted)
{
	cc_fail("member '%s' is missing or is not %s", name, wanted);
}

long long cc_integer(const struct cc_json *object, const char *name)
{
	long long value = 0;

	if (!cc_read_integer(object, name, &value))
		fail_member(name, "an integer");
	return value;
}

double cc_number(const struct cc_json *object, const char *name)
{
	double value = 0;

	if (!cc_read_number(object, name, &value))
		fail_member(name, "a number");
	return value;
}

bool cc_boolean(const struct cc_json *object, const char *name)
{
	bool value = false;

	if (!cc_read_boolean(object, name, &value))
		fail_member(name, "a boolean");
	return value;
}

const char *cc_text(const struct cc_json *object, const char *name)
{
	const char *value = "";

	if (!cc_read_text(object, name, &value))
		fail_member(name, "a text");
	return value;
}

long long cc_as_integer(const struct cc_json *value)
{
	long long integer = 0;

	if (!cc_is_integer(value, &integer))
		cc_fail("a value is not an integer");
	return integer;
}

double cc_as_number(const struct cc_json *value)
{
	double number = 0;

	if (!cc_is_number(value, &number))
		cc_fail("a value is not a number");
	return number;
}

const char *cc_as_text(const struct cc_json *value)
{
	const char *text = "";

	if (!cc_is_text(value, &text))
		cc_fail("a value is not a text");
	return text;
}

/* ---- walking: containers are rings of values, entered by their last one ---- */

struct cc_walk cc_walk(const struct cc_json *container)
{
	yyjson_mut_val *v = raw(container);
	struct cc_walk walk = { .left = cc_count(container) };

	if (walk.left == 0)
		return walk;
	yyjson_mut_val *last = v->uni.ptr;
	walk.at = yyjson_mut_is_obj(v) ? last->next->next : last->next;
	walk.name = yyjson_mut_is_obj(v) ? "" : NULL;
	return walk;
}

bool cc_walk_next(struct cc_walk *walk)
{
	const yyjson_mut_val *at = walk->at;

	if (walk->left == 0)
		return false;
	walk->left--;
	if (walk->name != NULL) {
		walk->name = at->uni.str;
		at = at->next;
	}
	walk->value = wrap(raw((const struct cc_json *)at));
	walk->at = at->next;
	return true;
}

/* ---- writing ---- */

struct cc_json *cc_object(void)
{
	return wrap(yyjson_mut_obj(get_document()));
}

struct cc_json *cc_array(void)
{
	return wrap(yyjson_mut_arr(get_document()));
}

struct cc_json *cc_copy(const struct cc_json *value)
{
	return value != NULL ? wrap(copied(raw(value))) : NULL;
}

static struct cc_json *put(struct cc_json *object, const char *name, yyjson_mut_val *value)
{
	yyjson_mut_val *member = find(object, name);

	if (!cc_is_object(object)) {
		cc_fail("member '%s' can't be set in what is not an object", name);
		return object;
	}
	if (member != NULL) {
		yyjson_mut_val *next = member->next;

		*member = *value;
		member->next = next;
	} else {
		(void)yyjson_mut_obj_add(raw(object), yyjson_mut_str(get_document(), name), value);
	}
	return object;
}

static yyjson_mut_val *text_value(const char *text)
{
	return text != NULL ? yyjson_mut_str(get_document(), text)
			    : yyjson_mut_null(get_document());
}

static yyjson_mut_val *copied_value(const struct cc_json *value)
{
	return value != NULL ? copied(raw(value)) : yyjson_mut_null(get_document());
}

struct cc_json *cc_set_integer(struct cc_json *object, const char *name, long long value)
{
	return put(object, name, yyjson_mut_sint(get_document(), value));
}

struct cc_json *cc_set_number(struct cc_json *object, const char *name, double value)
{
	return put(object, name, yyjson_mut_real(get_document(), value));
}

struct cc_json *cc_set_boolean(struct cc_json *object, const char *name, bool value)
{
	return put(object, name, yyjson_mut_bool(get_document(), value));
}

struct cc_json *cc_set_text(struct cc_json *object, const char *name, const char *value)
{
	return put(object, name, text_value(value));
}

struct cc_json *cc_set(struct cc_json *object, const char *name, const struct cc_json *value)
{
	return put(object, name, copied_value(value));
}

struct cc_json *cc_add(struct cc_json *object, const char *name, long long amount)
{
	long long value = 0;

	if (!cc_read_integer(object, name, &value)) {
		fail_member(name, "an integer");
		return object;
	}
	return cc_set_integer(object, name, cc_plus(value, amount));
}

struct cc_json *cc_remove(struct cc_json *object, const char *name)
{
	(void)yyjson_mut_obj_remove_key(raw(object), name);
	return object;
}

static struct cc_json *append(struct cc_json *array, yyjson_mut_val *value)
{
	if (!yyjson_mut_arr_append(raw(array), value))
		cc_fail("a value can't be appended to what is not an array");
	return array;
}

struct cc_json *cc_append(struct cc_json *array, const struct cc_json *value)
{
	return append(array, copied_value(value));
}

struct cc_json *cc_append_integer(struct cc_json *array, long long value)
{
	return append(array, yyjson_mut_sint(get_document(), value));
}

struct cc_json *cc_append_text(struct cc_json *array, const char *value)
{
	return append(array, text_value(value));
}

struct cc_json *cc_edit(struct cc_json *object, const char *name)
{
	yyjson_mut_val *member = find(object, name);

	if (!yyjson_mut_is_ctn(member)) {
		fail_member(name, "an object or array");
		return NULL;
	}
	return wrap(member);
}

struct cc_json *cc_pick_names(const struct cc_json *source, const char *const *names)
{
	struct cc_json *object = cc_object();

	for (; *names != NULL; names++) {
		yyjson_mut_val *member = find(source, *names);

		if (member != NULL)
			put(object, *names, copied(member));
	}
	return object;
}
