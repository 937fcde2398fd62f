/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.c - metadata as one JSON object.
 *
 * A client's own members are kept as the bytes that were received, and so is their order. When the
 * object holds members of ours as well, the others are put together into an object of their own. */
#include "model/metadata.h"

#include "base/utf8.h"
#include "json/json.h"
#include "json/json_writer.h"

/* In the order of the object. The runtime's own are refused from clients. */
enum member {
	CORRELATION_ID,
	CAUSATION_ID,
	TRACEPARENT,
	ACTOR,
	DEPTH,
	MEMBER_COUNT, /* stands for a client's own as well */
};

static const struct {
	const char *name;
	bool from_client;
} members[MEMBER_COUNT] = {
	[CORRELATION_ID] = { "correlation_id", true },
	[CAUSATION_ID] = { "causation_id", false },
	[TRACEPARENT] = { "traceparent", true },
	[ACTOR] = { "actor", false },
	[DEPTH] = { "depth", false },
};

static enum member member_of(struct span name)
{
	for (int i = 0; i < MEMBER_COUNT; i++) {
		if (span_equal_string(name, members[i].name))
			return (enum member)i;
	}
	return MEMBER_COUNT;
}

enum status metadata_check_text(struct span text, const char *what, struct error *err)
{
	if (text.size == 0)
		return ERROR(err, ERR_INVALID, "%s is empty", what);
	if (text.size > METADATA_TEXT_MAX_BYTES)
		return ERROR(err, ERR_INVALID, "%s has at most %d bytes, not %zu", what,
			     METADATA_TEXT_MAX_BYTES, text.size);
	if (!utf8_is_valid(text))
		return ERROR(err, ERR_INVALID, "%s is UTF-8: byte %zu is not", what,
			     utf8_valid_prefix(text));
	if (!utf8_has_no_control(text))
		return ERROR(err, ERR_INVALID, "%s has no control characters", what);
	return OK;
}

/* The object without the members that are ours; .data NULL when the arena is full. */
static struct span copy_extra(struct span text, const struct json *object, struct arena *arena)
{
	struct json_iterator it = json_iterate(object);
	const struct json *value;
	struct span key;
	struct span key_text;
	struct span value_text;
	size_t at = 0;
	char *extra = arena_alloc(arena, text.size);
	size_t size = 0;

	if (extra == NULL)
		return SPAN_EMPTY;
	/* Both walk the text in its order: one knows names, the other bytes. */
	while (json_next(&it, &key, &value) &&
	       json_next_member_text(text, &at, &key_text, &value_text)) {
		if (member_of(key) != MEMBER_COUNT)
			continue;
		size_t member_size = (size_t)(value_text.data + value_text.size - key_text.data);

		extra[size] = size == 0 ? '{' : ',';
		extra[size + 1] = '"';
		memcpy(extra + size + 2, key_text.data, member_size);
		size += 2 + member_size;
	}
	extra[size++] = '}';
	return span_of(extra, size);
}

/* Sets one of our members from its value. */
static enum status set_member(struct metadata *metadata, enum member member,
			      const struct json *value, struct error *err)
{
	const char *name = members[member].name;
	struct span text = json_string(value);

	if (member == DEPTH) {
		if (!json_u64(value, &metadata->depth))
			return ERROR(err, ERR_INVALID, "%s is not a number", name);
		return OK;
	}
	if (text.data == NULL)
		return ERROR(err, ERR_INVALID, "%s must be a string, not %s", name,
			     json_type_name(json_type(value)));
	enum status s = metadata_check_text(text, name, err);
	if (s != OK)
		return s;
	if (member == CORRELATION_ID)
		metadata->correlation_id = text;
	else if (member == CAUSATION_ID)
		metadata->causation_id = text;
	else if (member == TRACEPARENT)
		metadata->traceparent = text;
	else
		metadata->actor = text;
	return OK;
}

/* ERR_INVALID or ERR_NOMEM. */
static enum status read_object(struct span text, bool from_client, struct arena *arena,
			       struct metadata *ret, struct error *err)
{
	struct metadata metadata = { 0 };
	const struct json *object;
	const struct json *value;
	struct span key;
	size_t own_count = 0;
	enum status s = json_parse(text, arena, &object, err);

	if (s != OK)
		return s;
	if (json_type(object) != JSON_OBJECT)
		return ERROR(err, ERR_INVALID, "expected object, not %s",
			     json_type_name(json_type(object)));
	for (struct json_iterator it = json_iterate(object); json_next(&it, &key, &value);) {
		enum member member = member_of(key);

		if (member == MEMBER_COUNT) {
			own_count++;
			continue;
		}
		if (from_client && !members[member].from_client)
			return ERROR(err, ERR_INVALID, "member '%s' is set by the runtime alone",
				     members[member].name);
		s = set_member(&metadata, member, value, err);
		if (s != OK)
			return s;
	}
	if (own_count == json_count(object)) {
		metadata.extra = own_count != 0 ? text : SPAN_EMPTY;
	} else if (own_count != 0) {
		metadata.extra = copy_extra(text, object, arena);
		if (metadata.extra.data == NULL)
			return ERROR(err, ERR_NOMEM, "%zu members", own_count);
	}
	*ret = metadata;
	return OK;
}

enum status metadata_from_client(struct span text, struct arena *arena, struct metadata *ret,
				 struct error *err)
{
	if (text.size == 0) {
		*ret = (struct metadata){ 0 };
		return OK;
	}
	if (text.size > METADATA_MAX_BYTES)
		return ERROR(err, ERR_INVALID, "metadata has at most %d bytes, not %zu",
			     METADATA_MAX_BYTES, text.size);
	enum status s = read_object(text, true, arena, ret, err);
	return s == OK ? OK : error_wrap(err, s, "metadata");
}

static void append_text(struct json_writer *writer, enum member member, struct span text)
{
	if (text.size != 0)
		json_member_string(writer, members[member].name, text);
}

void metadata_append(struct buf *buf, const struct metadata *metadata)
{
	struct json_writer writer;
	struct span key;
	struct span value;
	size_t at = 0;

	json_writer_init(&writer, buf);
	json_begin_object(&writer);
	append_text(&writer, CORRELATION_ID, metadata->correlation_id);
	append_text(&writer, CAUSATION_ID, metadata->causation_id);
	append_text(&writer, TRACEPARENT, metadata->traceparent);
	append_text(&writer, ACTOR, metadata->actor);
	if (metadata->depth != 0)
		json_member_u64(&writer, members[DEPTH].name, metadata->depth);
	while (json_next_member_text(metadata->extra, &at, &key, &value))
		json_member_text_raw(&writer, key, value);
	json_end_object(&writer);
}

enum status metadata_parse(struct span text, struct arena *arena, struct metadata *ret,
			   struct error *err)
{
	if (text.size == 0) {
		*ret = (struct metadata){ 0 };
		return OK;
	}
	enum status s = read_object(text, false, arena, ret, err);
	return s == OK ? OK
		       : error_wrap(err, s == ERR_INVALID ? ERR_CORRUPT : s, "stored metadata");
}
