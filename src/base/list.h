/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"

/* list.h - a doubly linked list through a member of what it links; nothing is allocated.
 *
 * The head is a node that points at itself while the list is empty. A node that is in no list must
 * have been given to list_init() before list_remove() or list_is_linked() may see it. */

struct list {
	struct list *next;
	struct list *previous;
};

static inline void list_init(struct list *node)
{
	node->next = node;
	node->previous = node;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_is_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_add_last(struct list *head, struct list *node)
{
	node->previous = head->previous;
	node->next = head;
	head->previous->next = node;
	head->previous = node;
}

static inline void list_add_first(struct list *head, struct list *node)
{
	list_add_last(head->next, node);
}

/* Leaves the node initialised, so that removing it again does nothing. */
static inline void list_remove(struct list *node)
{
	node->previous->next = node->next;
	node->next->previous = node->previous;
	list_init(node);
}

/* NULL when empty. */
static inline struct list *list_take_first(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node);
	return node;
}

/* Moves everything from `from` to the end of `to`; `from` is empty after it. */
static inline void list_move_all(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	list_init(from);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The body may remove `node` itself, and no other. */
#define LIST_FOR_EACH(head, node)                                                         \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

#endif
