/* SPDX-License-Identifier: Apache-2.0 */
/* interest.c - the event types that a component wants: `type`, `category/type`, `external/type`. */
#include "manifest/internal.h"

#include "model/name.h"

/* Overlaps are found by comparing each with each. */
#define INTEREST_MAX 512

bool interest_overlaps(const struct manifest_interest *a, const struct manifest_interest *b)
{
	bool a_external = span_equal_string(a->category, CATEGORY_EXTERNAL);
	bool b_external = span_equal_string(b->category, CATEGORY_EXTERNAL);

	if (!type_matches(a->type, b->type) || a_external != b_external)
		return false;
	return a->category.data == NULL || b->category.data == NULL ||
	       span_equal(a->category, b->category);
}

/* One entry, checked by itself. */
static bool entry_read(struct reader *reader, const struct yaml_node *node, const char *what,
		       struct manifest_interest *ret)
{
	struct manifest_interest interest = { 0 };
	struct error err = { 0 };
	const char *slash;
	struct span text;

	if (!reader_text(reader, node, what, &text))
		return false;
	slash = memchr(text.data, '/', text.size);
	interest.type = text;
	if (slash != NULL) {
		size_t size = (size_t)(slash - text.data);

		interest.category = reader_copy(reader, span_of(text.data, size));
		interest.type = span_after(text, size + 1);
		if (interest.category.data == NULL)
			return false;
		if (name_check_category(interest.category, &err) != OK) {
			reader_problem(reader, node,
				       "'%.*s': %s; write `type`, `aggregate/type` or "
				       "`external/type`",
				       SPAN_ARG(text), error_text(&err));
			return false;
		}
	}
	if (name_check_type(interest.type, &err) != OK) {
		reader_problem(reader, node, "'%.*s' is no event type: %s", SPAN_ARG(text),
			       error_text(&err));
		return false;
	}
	*ret = interest;
	return true;
}

bool interest_read(struct reader *reader, const struct yaml_node *node, const char *what,
		   struct manifest_interests *ret, const struct yaml_node *const **ret_nodes)
{
	const struct yaml_node **nodes;
	struct manifest_interest *items;
	size_t count = 0;

	if (!reader_list(reader, node, what))
		return false;
	if (node->count > INTEREST_MAX) {
		reader_problem(reader, node, "'%s' has %zu types; at most %d are taken", what,
			       node->count, INTEREST_MAX);
		return false;
	}
	items = reader_alloc(reader, node->count, sizeof(*items));
	nodes = reader_alloc(reader, node->count, sizeof(const struct yaml_node *));
	if (items == NULL || nodes == NULL)
		return false;
	for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
		if (entry_read(reader, entry, what, &items[count]))
			nodes[count++] = entry;
	}
	*ret = (struct manifest_interests){ .items = items, .count = count };
	*ret_nodes = nodes;
	return true;
}
