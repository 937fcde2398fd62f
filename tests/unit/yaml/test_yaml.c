/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml.c - the tree knows what stands where, and refuses what a configuration does not need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "yaml/yaml.h"

static int arena_set_up(void **state)
{
	*state = arena_new((size_t)32 << 20);
	return *state == NULL;
}

static int arena_tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct yaml_node *parsed(void **state, const char *text)
{
	const struct yaml_node *root = NULL;
	struct yaml_place place;
	struct error err = { 0 };

	if (yaml_parse(span_from_string(text), *state, &root, &place, &err) != OK)
		fail_msg("line %u: %s", place.line, error_text(&err));
	return root;
}

static void refused(void **state, struct span text, enum status status, uint32_t line,
		    uint32_t column, const char *part)
{
	const struct yaml_node *root = NULL;
	struct yaml_place place;
	struct error err = { 0 };
	enum status s = yaml_parse(text, *state, &root, &place, &err);

	if (s != status || place.line != line || place.column != column ||
	    strstr(error_text(&err), part) == NULL)
		fail_msg("expected %s at %u:%u with '%s', got %s at %u:%u: %s", status_word(status),
			 line, column, part, status_word(s), place.line, place.column,
			 error_text(&err));
	assert_null(root);
}

static void mappings_sequences_and_scalars_become_a_tree_in_order(void **state)
{
	const struct yaml_node *root =
		parsed(state, "a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: |\n    t\n");
	const struct yaml_node *b = yaml_find(root, "b");
	const struct yaml_node *d = yaml_find(yaml_find(root, "c"), "d");

	assert_int_equal(root->kind, YAML_MAPPING);
	assert_int_equal(root->count, 3);
	assert_true(span_equal_string(root->first->key->text, "a"));
	assert_true(span_equal_string(root->first->text, "1"));
	assert_true(root->first->plain);
	assert_int_equal(b->kind, YAML_SEQUENCE);
	assert_int_equal(b->count, 3);
	assert_true(b->first->plain);
	assert_false(b->first->next->plain);
	assert_true(span_equal_string(b->first->next->next->text, "z"));
	assert_null(b->first->next->next->next);
	assert_true(span_equal_string(d->text, "t\n"));
	assert_false(d->plain);
	assert_null(yaml_find(root, "e"));
}

static void every_node_knows_its_line_and_column_in_characters(void **state)
{
	const struct yaml_node *root =
		parsed(state, "# head\n\xC3\xA4\xC3\xB6: x\nlist:\n  - {k: v}\n");
	const struct yaml_node *list = yaml_find(root, "list");

	assert_int_equal(root->first->line, 2);
	assert_int_equal(root->first->column, 5);
	assert_int_equal(list->key->line, 3);
	assert_int_equal(list->first->line, 4);
	assert_int_equal(list->first->column, 5);
	assert_int_equal(list->first->first->column, 9);
}

static void nothing_tilde_and_null_are_no_value_unless_quoted(void **state)
{
	const struct yaml_node *root = parsed(state, "a:\nb: ~\nc: null\nd: ''\ne: 'null'\n");

	assert_true(yaml_is_null(yaml_find(root, "a")));
	assert_true(yaml_is_null(yaml_find(root, "b")));
	assert_true(yaml_is_null(yaml_find(root, "c")));
	assert_false(yaml_is_null(yaml_find(root, "d")));
	assert_false(yaml_is_null(yaml_find(root, "e")));
}

static void an_empty_text_has_no_root(void **state)
{
	assert_null(parsed(state, ""));
	assert_null(parsed(state, "# only words\n"));
	assert_true(yaml_is_null(parsed(state, "---\n")));
}

static void a_key_that_comes_twice_is_marked_and_passed_over(void **state)
{
	const struct yaml_node *root = parsed(state, "a: 1\nb: 2\na: 3\n");

	assert_true(span_equal_string(yaml_find(root, "a")->text, "1"));
	assert_false(root->first->duplicate);
	assert_true(root->first->next->next->duplicate);
}

static void anchors_aliases_tags_and_second_documents_are_refused(void **state)
{
	refused(state, SPAN("a: &x 1\n"), ERR_INVALID, 1, 4, "anchors");
	refused(state, SPAN("a: &x [1]\n"), ERR_INVALID, 1, 4, "anchors");
	refused(state, SPAN("a: &x {b: 1}\n"), ERR_INVALID, 1, 4, "anchors");
	refused(state, SPAN("a: 1\nb: *x\n"), ERR_INVALID, 2, 4, "aliases");
	refused(state, SPAN("a: !!str 1\n"), ERR_INVALID, 1, 4, "tags");
	refused(state, SPAN("a: !x [1]\n"), ERR_INVALID, 1, 4, "tags");
	refused(state, SPAN("a: 1\n---\nb: 2\n"), ERR_INVALID, 2, 1, "second document");
}

static void keys_must_be_scalars(void **state)
{
	refused(state, SPAN("[a]: 1\n"), ERR_INVALID, 1, 1, "one word");
	refused(state, SPAN("? {a: b}\n: 1\n"), ERR_INVALID, 1, 3, "one word");
}

static void broken_yaml_is_told_with_its_place(void **state)
{
	refused(state, SPAN("a: [1, 2\nb: 3\n"), ERR_INVALID, 2, 2, "flow sequence");
	refused(state, SPAN("a: 'x\n"), ERR_INVALID, 2, 1, "quoted scalar");
	refused(state, SPAN("a: 1\n b: 2\n"), ERR_INVALID, 2, 3, "not YAML");
	refused(state, SPAN("a:\n\tb: 1\n"), ERR_INVALID, 2, 1, "tab");
}

static void bytes_that_are_no_utf8_and_control_characters_are_refused(void **state)
{
	refused(state, SPAN("a: b\nc: \xC3(\n"), ERR_INVALID, 2, 4, "UTF-8");
	refused(state, SPAN("a: \xED\xA0\x80\n"), ERR_INVALID, 1, 4, "UTF-8");
	refused(state, SPAN("a: b\0c\n"), ERR_INVALID, 1, 5, "control");
	refused(state, SPAN("a: \"b\\0c\"\n"), ERR_INVALID, 1, 4, "NUL");
}

static void depth_nodes_members_and_size_are_limited(void **state)
{
	OWNED(buf) struct buf text = { 0 };

	for (int i = 0; i < YAML_DEPTH_MAX; i++)
		buf_append_byte(&text, '[');
	for (int i = 0; i < YAML_DEPTH_MAX; i++)
		buf_append_byte(&text, ']');
	buf_append_byte(&text, '\0');
	assert_non_null(parsed(state, text.data));
	buf_clear(&text);
	for (int i = 0; i < 100000; i++)
		buf_append_byte(&text, '[');
	refused(state, buf_span(&text), ERR_LIMIT, 1, YAML_DEPTH_MAX + 1, "deep");
	buf_clear(&text);
	buf_append_byte(&text, '[');
	for (int i = 0; i < YAML_NODES_MAX; i++)
		buf_append_string(&text, "a,\n");
	buf_append_byte(&text, ']');
	refused(state, buf_span(&text), ERR_LIMIT, YAML_NODES_MAX, 1, "values");
	buf_clear(&text);
	for (int i = 0; i <= YAML_MEMBERS_MAX; i++)
		buf_append_format(&text, "k%d: v\n", i);
	refused(state, buf_span(&text), ERR_LIMIT, YAML_MEMBERS_MAX + 1, 8, "members");
	buf_clear(&text);
	(void)buf_append_zeros(&text, YAML_MAX_BYTES + 1);
	memset(text.data, '\n', text.size);
	refused(state, buf_span(&text), ERR_LIMIT, 0, 0, "bytes");
	text.data[text.size - 1] = '\0';
	assert_null(parsed(state, text.data));
}

static void a_full_arena_is_out_of_memory_and_not_a_mistake(void **state)
{
	struct span text = SPAN("a: [b, c, d, {e: f}]\ng: h\n");
	bool done = false;

	(void)state;
	for (size_t max = 1; !done; max += 16) {
		OWNED(arena) struct arena *arena = arena_new(max);
		const struct yaml_node *root = NULL;
		struct yaml_place place;
		struct error err = { 0 };
		enum status s;

		assert_non_null(arena);
		s = yaml_parse(text, arena, &root, &place, &err);
		if (s != OK) {
			assert_int_equal(s, ERR_NOMEM);
			assert_null(root);
		}
		done = s == OK;
		assert_true(max < 100000);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_set_up, arena_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(mappings_sequences_and_scalars_become_a_tree_in_order),
		TEST(every_node_knows_its_line_and_column_in_characters),
		TEST(nothing_tilde_and_null_are_no_value_unless_quoted),
		TEST(an_empty_text_has_no_root),
		TEST(a_key_that_comes_twice_is_marked_and_passed_over),
		TEST(anchors_aliases_tags_and_second_documents_are_refused),
		TEST(keys_must_be_scalars),
		TEST(broken_yaml_is_told_with_its_place),
		TEST(bytes_that_are_no_utf8_and_control_characters_are_refused),
		TEST(depth_nodes_members_and_size_are_limited),
		TEST(a_full_arena_is_out_of_memory_and_not_a_mistake),
	};
#undef TEST
	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
