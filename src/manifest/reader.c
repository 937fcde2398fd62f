/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - reads members and values of a mapping, and notes what is wrong with them. */
#include "manifest/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/suggest.h"
#include "base/utf8.h"

#define MESSAGE_MAX_BYTES 512
#define QUOTED_MAX_BYTES  60 /* of a user's text in a message */

void reader_problem(struct reader *reader, const struct yaml_node *at, const char *format, ...)
{
	struct manifest_problem *problem;
	char text[MESSAGE_MAX_BYTES];
	struct span message;
	va_list args;
	int size;

	if (reader->problem_count == MANIFEST_PROBLEMS_MAX) {
		reader->dropped++;
		return;
	}
	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	CHECK(size >= 0);
	message = span_of(text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
	/* A cut may have split a character. */
	message.size = utf8_valid_prefix(message);
	message = reader_copy(reader, message);
	if (message.data == NULL)
		return;
	problem = &reader->problems[reader->problem_count++];
	problem->line = at != NULL ? at->line : 0;
	problem->column = at != NULL ? at->column : 0;
	problem->message = message;
}

void *reader_alloc(struct reader *reader, size_t count, size_t size)
{
	void *memory = arena_alloc_array(reader->arena, count, size);

	if (memory == NULL)
		reader->nomem = true;
	return memory;
}

struct span reader_copy(struct reader *reader, struct span s)
{
	struct span copy = arena_copy(reader->arena, s);

	if (copy.data == NULL)
		reader->nomem = true;
	return copy;
}

/* A user's text for a message: cut, and without what would break the line. */
static const char *quoted(struct span text, char buffer[static QUOTED_MAX_BYTES + 4])
{
	size_t size = text.size < QUOTED_MAX_BYTES ? text.size : QUOTED_MAX_BYTES;
	size_t i;

	size = utf8_valid_prefix(span_of(text.data, size));
	for (i = 0; i < size; i++)
		buffer[i] = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f
				    ? '?'
				    : text.data[i];
	for (int dots = 0; size < text.size && dots < 3; dots++)
		buffer[i++] = '.';
	buffer[i] = '\0';
	return buffer;
}

/* "unknown WHAT 'word'" with a suggestion. */
static void problem_unknown(struct reader *reader, const struct yaml_node *at, const char *prefix,
			    struct span word, const char *const *words, size_t count)
{
	char text[QUOTED_MAX_BYTES + 4];
	OWNED(buf) struct buf suggestion = { .max_bytes = MESSAGE_MAX_BYTES };

	suggest_append(&suggestion, word, words, count);
	reader_problem(reader, at, "%s '%s'%.*s", prefix, quoted(word, text),
		       SPAN_ARG(buf_span(&suggestion)));
}

/* ---- members ---------------------------------------------------------------------------------- */

static struct reader_member *member_find(struct reader_member *members, size_t count,
					 struct span name)
{
	for (size_t i = 0; i < count; i++) {
		if (span_equal_string(name, members[i].name))
			return &members[i];
	}
	return NULL;
}

bool reader_members(struct reader *reader, const struct yaml_node *node, const char *owner,
		    struct reader_member *members, size_t count)
{
	const char *names[32];
	char text[QUOTED_MAX_BYTES + 4];

	CHECK(count <= ARRAY_COUNT(names));
	for (size_t i = 0; i < count; i++)
		names[i] = members[i].name;
	if (node->kind != YAML_MAPPING) {
		reader_problem(reader, node, "%s must be a mapping (`name: value` lines), not %s",
			       owner, yaml_kind_name(node->kind));
		return false;
	}
	for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
		struct reader_member *member = member_find(members, count, value->key->text);

		if (member == NULL) {
			problem_unknown(reader, value->key, "unknown member", value->key->text,
					names, count);
		} else if (value->duplicate) {
			reader_problem(reader, value->key,
				       "'%s' stands here a second time: keep one", member->name);
		} else if (yaml_is_null(value)) {
			reader_problem(reader, value->key,
				       "'%s' has no value: give one, or leave it out",
				       quoted(value->key->text, text));
			/* There, so not missing; but not to be read. */
			member->required = false;
		} else {
			member->node = value;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (members[i].required && members[i].node == NULL)
			reader_problem(reader, node, "%s needs '%s'", owner, members[i].name);
	}
	return true;
}

/* ---- values ----------------------------------------------------------------------------------- */

static bool is_scalar(struct reader *reader, const struct yaml_node *node, const char *what,
		      const char *instead)
{
	if (node->kind == YAML_SCALAR)
		return true;
	reader_problem(reader, node, "'%s' must be %s, not %s", what, instead,
		       yaml_kind_name(node->kind));
	return false;
}

bool reader_text(struct reader *reader, const struct yaml_node *node, const char *what,
		 struct span *ret)
{
	struct span copy;

	if (!is_scalar(reader, node, what, "a text"))
		return false;
	if (node->text.size == 0 || yaml_is_null(node)) {
		reader_problem(reader, node, "'%s' is empty: give a text", what);
		return false;
	}
	if (!utf8_has_no_control(node->text)) {
		reader_problem(reader, node,
			       "'%s' holds a control character (a line break, a tab): take it out",
			       what);
		return false;
	}
	copy = reader_copy(reader, node->text);
	if (copy.data == NULL)
		return false;
	*ret = copy;
	return true;
}

bool reader_u64(struct reader *reader, const struct yaml_node *node, const char *what, uint64_t min,
		uint64_t max, uint64_t *ret)
{
	char text[QUOTED_MAX_BYTES + 4];
	uint64_t value;

	if (!is_scalar(reader, node, what, "a whole number"))
		return false;
	if (!span_parse_u64(node->text, &value)) {
		reader_problem(reader, node,
			       "'%s' must be a whole number from %" PRIu64 " to %" PRIu64
			       ", written in digits alone, not '%s'",
			       what, min, max, quoted(node->text, text));
		return false;
	}
	if (!node->plain) {
		reader_problem(reader, node, "'%s' must be a number, without quotes: %" PRIu64,
			       what, value);
		return false;
	}
	if (value < min || value > max) {
		reader_problem(reader, node,
			       "'%s' must be from %" PRIu64 " to %" PRIu64 ", not %" PRIu64, what,
			       min, max, value);
		return false;
	}
	*ret = value;
	return true;
}

bool reader_choice(struct reader *reader, const struct yaml_node *node, const char *what,
		   const char *const *words, size_t count, size_t *ret)
{
	char prefix[80];

	if (!is_scalar(reader, node, what, "one word"))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (span_equal_string(node->text, words[i])) {
			*ret = i;
			return true;
		}
	}
	(void)snprintf(prefix, sizeof(prefix), "unknown %s", what);
	problem_unknown(reader, node, prefix, node->text, words, count);
	return false;
}

bool reader_list(struct reader *reader, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_SEQUENCE)
		return true;
	reader_problem(reader, node, "'%s' must be a list ([a, b], or lines of `- a`), not %s",
		       what, yaml_kind_name(node->kind));
	return false;
}

bool reader_resolve(struct reader *reader, struct span file, struct span *ret)
{
	const char *slash = strrchr(reader->path, '/');
	struct span path;

	if (slash == NULL || file.data[0] == '/')
		path = reader_copy(reader, file);
	else
		path = arena_format(reader->arena, "%.*s/%.*s",
				    SPAN_ARG(span_of(reader->path, (size_t)(slash - reader->path))),
				    SPAN_ARG(file));
	if (path.data == NULL) {
		reader->nomem = true;
		return false;
	}
	*ret = path;
	return true;
}
