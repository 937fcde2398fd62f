/* SPDX-License-Identifier: Apache-2.0 */
/* test_list.c - a list through a member, and nothing allocated. */
#include "base/list.h"

#include <string.h>

#include "expect.h"

struct thing {
	char letter;
	struct list node;
};

struct fixture {
	struct list head;
	struct thing a, b, c, d;
};

static void set_up(struct fixture *f)
{
	struct thing *all[] = { &f->a, &f->b, &f->c, &f->d };

	list_init(&f->head);
	for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
		all[i]->letter = (char)('a' + i);
		list_init(&all[i]->node);
	}
}

/* Forwards and backwards. */
static void expect_letters(struct list *head, const char *letters)
{
	char text[16] = "";
	size_t size = 0;

	LIST_FOR_EACH(head, node)
	{
		text[size++] = LIST_ENTRY(node, struct thing, node)->letter;
	}
	assert_string_equal(text, letters);
	for (struct list *node = head->previous; node != head; node = node->previous)
		assert_int_equal(LIST_ENTRY(node, struct thing, node)->letter, text[--size]);
	assert_int_equal(size, 0);
	assert_int_equal(list_is_empty(head), letters[0] == '\0');
}

static void a_new_list_is_empty_and_a_new_node_in_none(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	expect_letters(&f.head, "");
	assert_false(list_is_linked(&f.a.node));
	assert_null(list_take_first(&f.head));
}

static void nodes_go_to_the_end_or_to_the_front(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	list_add_last(&f.head, &f.b.node);
	list_add_last(&f.head, &f.c.node);
	list_add_first(&f.head, &f.a.node);
	expect_letters(&f.head, "abc");
	assert_true(list_is_linked(&f.b.node));
}

static void removing_unlinks_and_may_be_done_twice(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	list_add_last(&f.head, &f.a.node);
	list_add_last(&f.head, &f.b.node);
	list_add_last(&f.head, &f.c.node);
	list_remove(&f.b.node);
	list_remove(&f.b.node);
	assert_false(list_is_linked(&f.b.node));
	expect_letters(&f.head, "ac");
	list_remove(&f.a.node);
	list_remove(&f.c.node);
	expect_letters(&f.head, "");
}

static void the_first_is_taken_until_there_is_none(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	list_add_last(&f.head, &f.a.node);
	list_add_last(&f.head, &f.b.node);
	assert_ptr_equal(list_take_first(&f.head), &f.a.node);
	assert_false(list_is_linked(&f.a.node));
	assert_ptr_equal(list_take_first(&f.head), &f.b.node);
	assert_null(list_take_first(&f.head));
}

static void moving_all_puts_them_behind_and_leaves_nothing(void **state)
{
	struct fixture f;
	struct list to;

	(void)state;
	set_up(&f);
	list_init(&to);
	list_move_all(&to, &f.head); /* nothing to nothing */
	expect_letters(&to, "");
	list_add_last(&f.head, &f.c.node);
	list_add_last(&f.head, &f.d.node);
	list_add_last(&to, &f.a.node);
	list_add_last(&to, &f.b.node);
	list_move_all(&to, &f.head);
	expect_letters(&to, "abcd");
	expect_letters(&f.head, "");
	list_move_all(&to, &f.head); /* nothing to something */
	expect_letters(&to, "abcd");
	list_move_all(&f.head, &to); /* something to nothing */
	expect_letters(&f.head, "abcd");
}

static void a_walk_may_remove_where_it_stands(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	list_add_last(&f.head, &f.a.node);
	list_add_last(&f.head, &f.b.node);
	list_add_last(&f.head, &f.c.node);
	list_add_last(&f.head, &f.d.node);
	LIST_FOR_EACH(&f.head, node)
	{
		if (strchr("ad", LIST_ENTRY(node, struct thing, node)->letter) != NULL)
			list_remove(node);
	}
	expect_letters(&f.head, "bc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_list_is_empty_and_a_new_node_in_none),
		cmocka_unit_test(nodes_go_to_the_end_or_to_the_front),
		cmocka_unit_test(removing_unlinks_and_may_be_done_twice),
		cmocka_unit_test(the_first_is_taken_until_there_is_none),
		cmocka_unit_test(moving_all_puts_them_behind_and_leaves_nothing),
		cmocka_unit_test(a_walk_may_remove_where_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
