/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - turns libyaml's events into a tree.
 *
 * libyaml is asked for one event after the other, and its own document tree is not used: so depth and
 * number of nodes are bounded while the text is read, not afterwards, and nothing recurses. The open
 * sequences and mappings are a stack of fixed size; a node is linked to its parent when it begins. */
#include "yaml/yaml.h"

#include <yaml.h>

#include "base/check.h"
#include "base/utf8.h"

struct level {
	struct yaml_node *node;      /* the open sequence or mapping */
	struct yaml_node *last;      /* its last element or value */
	const struct yaml_node *key; /* of a mapping: read, its value is next */
};

struct builder {
	struct arena *arena;
	struct yaml_place *place; /* of a failure */
	struct error *err;
	struct level levels[YAML_DEPTH_MAX];
	size_t depth;
	size_t node_count;
	size_t document_count;
	struct yaml_node *root;
};

static uint32_t counted_from_one(size_t index)
{
	return index < UINT32_MAX ? (uint32_t)index + 1 : UINT32_MAX;
}

static void place_set(struct yaml_place *place, const yaml_mark_t *mark)
{
	if (place == NULL)
		return;
	place->line = counted_from_one(mark->line);
	place->column = counted_from_one(mark->column);
}

/* Line and column of a byte, counted in characters as libyaml does. */
static void place_set_offset(struct yaml_place *place, struct span text, size_t offset)
{
	uint32_t line = 1, column = 1;

	if (place == NULL)
		return;
	for (size_t i = 0; i < offset && i < text.size; i++) {
		if (text.data[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text.data[i] & 0xC0) != 0x80) {
			column++;
		}
	}
	place->line = line;
	place->column = column;
}

static enum status refuse(struct builder *b, const yaml_event_t *event, enum status s,
			  const char *message)
{
	place_set(b->place, &event->start_mark);
	return ERROR(b->err, s, "%s", message);
}

/* ---- building -------------------------------------------------------------------------------- */

static enum status node_new(struct builder *b, const yaml_event_t *event, enum yaml_kind kind,
			    struct yaml_node **ret)
{
	struct yaml_node *node;

	if (b->node_count++ >= YAML_NODES_MAX) {
		place_set(b->place, &event->start_mark);
		return ERROR(b->err, ERR_LIMIT, "more than %d values in one file", YAML_NODES_MAX);
	}
	node = arena_alloc_zeroed(b->arena, sizeof(*node));
	if (node == NULL)
		return ERROR(b->err, ERR_NOMEM, "no memory for what the file says");
	node->kind = kind;
	node->line = counted_from_one(event->start_mark.line);
	node->column = counted_from_one(event->start_mark.column);
	*ret = node;
	return OK;
}

static bool key_stood_before(const struct yaml_node *mapping, const struct yaml_node *key)
{
	for (const struct yaml_node *value = mapping->first; value != NULL; value = value->next) {
		if (span_equal(value->key->text, key->text))
			return true;
	}
	return false;
}

/* Puts a node where it belongs: under the open sequence or mapping, as a key, or as the root. */
static enum status node_link(struct builder *b, const yaml_event_t *event, struct yaml_node *node)
{
	struct level *level;

	if (b->depth == 0) {
		b->root = node;
		return OK;
	}
	level = &b->levels[b->depth - 1];
	if (level->node->kind == YAML_MAPPING) {
		if (level->key == NULL) {
			if (node->kind != YAML_SCALAR)
				return refuse(
					b, event, ERR_INVALID,
					"a member's name must be one word, not a list or mapping");
			level->key = node;
			return OK;
		}
		if (level->node->count >= YAML_MEMBERS_MAX) {
			place_set(b->place, &event->start_mark);
			return ERROR(b->err, ERR_LIMIT, "a mapping with more than %d members",
				     YAML_MEMBERS_MAX);
		}
		node->duplicate = key_stood_before(level->node, level->key);
		node->key = TAKE(level->key);
	}
	if (level->last != NULL)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
	level->node->count++;
	return OK;
}

static enum status refuse_anchor_and_tag(struct builder *b, const yaml_event_t *event,
					 const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		return refuse(b, event, ERR_INVALID,
			      "anchors (&name) are not taken: write the value out");
	/* A lone `!` is the non-specific tag, which says "a string": refused like the others. */
	if (tag != NULL)
		return refuse(b, event, ERR_INVALID,
			      "tags (!name) are not taken: write the value alone");
	return OK;
}

static enum status scalar_add(struct builder *b, const yaml_event_t *event)
{
	struct span text = span_of(event->data.scalar.value, event->data.scalar.length);
	struct yaml_node *node;
	enum status s;

	s = refuse_anchor_and_tag(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (s != OK)
		return s;
	if (text.size != 0 && memchr(text.data, '\0', text.size) != NULL)
		return refuse(b, event, ERR_INVALID, "a value must not hold NUL (\\0)");
	s = node_new(b, event, YAML_SCALAR, &node);
	if (s != OK)
		return s;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_copy(b->arena, text);
	if (node->text.data == NULL)
		return ERROR(b->err, ERR_NOMEM, "no memory for what the file says");
	return node_link(b, event, node);
}

static enum status collection_begin(struct builder *b, const yaml_event_t *event,
				    enum yaml_kind kind, const yaml_char_t *anchor,
				    const yaml_char_t *tag)
{
	struct yaml_node *node;
	enum status s = refuse_anchor_and_tag(b, event, anchor, tag);

	if (s != OK)
		return s;
	if (b->depth >= YAML_DEPTH_MAX) {
		place_set(b->place, &event->start_mark);
		return ERROR(b->err, ERR_LIMIT, "lists and mappings are nested more than %d deep",
			     YAML_DEPTH_MAX);
	}
	s = node_new(b, event, kind, &node);
	if (s == OK)
		s = node_link(b, event, node);
	if (s != OK)
		return s;
	b->levels[b->depth++] = (struct level){ .node = node };
	return OK;
}

static enum status event_take(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return OK;
	case YAML_DOCUMENT_START_EVENT:
		if (b->document_count++ != 0)
			return refuse(b, event, ERR_INVALID,
				      "a second document (---): one file has one");
		return OK;
	case YAML_ALIAS_EVENT:
		return refuse(b, event, ERR_INVALID,
			      "aliases (*name) are not taken: write the value out");
	case YAML_SCALAR_EVENT:
		return scalar_add(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return collection_begin(b, event, YAML_SEQUENCE, event->data.sequence_start.anchor,
					event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return collection_begin(b, event, YAML_MAPPING, event->data.mapping_start.anchor,
					event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		/* libyaml pairs ends with beginnings. */
		CHECK(b->depth > 0);
		b->depth--;
		return OK;
	}
	return ERROR(b->err, ERR_UNSUPPORTED, "an event that libyaml did not have before");
}

/* ---- what libyaml says ------------------------------------------------------------------------ */

static bool stands_at_tab(struct span text, const yaml_mark_t *mark)
{
	size_t line = 0, start = 0;

	for (size_t i = 0; i < text.size && line < mark->line; i++) {
		if (text.data[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	if (line != mark->line)
		return false;
	/* A tab anywhere in the indentation is what confuses libyaml, wherever it notices. */
	for (size_t i = start; i < text.size; i++) {
		if (text.data[i] == '\t')
			return true;
		if (text.data[i] != ' ')
			return false;
	}
	return false;
}

static enum status parser_failed(const yaml_parser_t *parser, struct span text,
				 struct yaml_place *place, struct error *err)
{
	const char *problem = parser->problem != NULL ? parser->problem : "not YAML";

	if (parser->error == YAML_MEMORY_ERROR)
		return ERROR(err, ERR_NOMEM, "no memory to parse the file");
	if (parser->error == YAML_READER_ERROR) {
		place_set_offset(place, text, parser->problem_offset);
		return ERROR(err, ERR_INVALID, "%s", problem);
	}
	place_set(place, &parser->problem_mark);
	if (stands_at_tab(text, &parser->problem_mark))
		return ERROR(err, ERR_INVALID,
			     "a tab in the indentation: YAML is indented by spaces");
	if (parser->context != NULL)
		return ERROR(err, ERR_INVALID, "not YAML: %s, %s that begins in line %u", problem,
			     parser->context, counted_from_one(parser->context_mark.line));
	return ERROR(err, ERR_INVALID, "not YAML: %s", problem);
}

enum status yaml_parse(struct span text, struct arena *arena, const struct yaml_node **ret,
		       struct yaml_place *ret_place, struct error *err)
{
	struct builder builder = { .arena = arena, .place = ret_place, .err = err };
	yaml_parser_t parser;
	enum status s = OK;
	bool ended = false;

	if (ret_place != NULL)
		*ret_place = (struct yaml_place){ 0 };
	if (text.size > YAML_MAX_BYTES)
		return ERROR(err, ERR_LIMIT, "the file has %zu bytes; at most %zu are taken",
			     text.size, YAML_MAX_BYTES);
	if (!utf8_is_valid(text)) {
		size_t offset = utf8_valid_prefix(text);

		place_set_offset(ret_place, text, offset);
		return ERROR(err, ERR_INVALID, "byte %zu is not UTF-8", offset);
	}
	if (yaml_parser_initialize(&parser) == 0)
		return ERROR(err, ERR_NOMEM, "no memory to parse the file");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)(text.size != 0 ? text.data : ""), text.size);
	while (s == OK && !ended) {
		yaml_event_t event;

		if (yaml_parser_parse(&parser, &event) == 0) {
			s = parser_failed(&parser, text, ret_place, err);
			break;
		}
		ended = event.type == YAML_STREAM_END_EVENT;
		s = event_take(&builder, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (s != OK)
		return s;
	*ret = builder.root;
	return OK;
}

/* ---- reading the tree -------------------------------------------------------------------------- */

const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key)
{
	if (mapping == NULL || mapping->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *value = mapping->first; value != NULL; value = value->next) {
		if (span_equal_string(value->key->text, key))
			return value;
	}
	return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->plain &&
	       (node->text.size == 0 || span_equal_string(node->text, "~") ||
		span_equal_string(node->text, "null"));
}

const char *yaml_kind_name(enum yaml_kind kind)
{
	switch (kind) {
	case YAML_SCALAR:
		return "a value";
	case YAML_SEQUENCE:
		return "a list";
	case YAML_MAPPING:
		return "a mapping";
	}
	return "something else";
}

const char *yaml_library_version(void)
{
	return yaml_get_version_string();
}
