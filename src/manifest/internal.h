/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MANIFEST_INTERNAL_H
#define MANIFEST_INTERNAL_H

#include "manifest/manifest.h"
#include "yaml/yaml.h"

/* internal.h - what the readers of the manifest's parts share.
 *
 * A reader goes on after a mistake: it notes the problem and leaves the value as it was, so that one
 * run tells all that is wrong. Functions that read a value answer whether it is good; false means
 * that the problem was noted (or memory is out, which stays in `nomem`). */

struct reader {
	struct arena *arena;
	const char *path;                  /* of the manifest */
	struct manifest_problem *problems; /* MANIFEST_PROBLEMS_MAX of them */
	size_t problem_count;
	size_t dropped;
	bool nomem; /* sticky: nothing that was read may be used */
};

/* ---- reader.c: values, members, problems -------------------------------------------------------- */

/* Notes a mistake at a node (NULL: no place). */
void reader_problem(struct reader *reader, const struct yaml_node *at, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Arena memory, zeroed; NULL sets `nomem`. */
void *reader_alloc(struct reader *reader, size_t count, size_t size);
/* Copies into the arena, followed by a NUL. */
struct span reader_copy(struct reader *reader, struct span s);

/* One member that a mapping may have. */
struct reader_member {
	const char *name;
	bool required;
	const struct yaml_node *node; /* set by reader_members(); NULL: not there */
};

/* Sorts a mapping's values into `members` and notes unknown, repeated, empty and missing ones.
 * `owner` is who has them, as in "a component": false when the node is no mapping. */
bool reader_members(struct reader *reader, const struct yaml_node *node, const char *owner,
		    struct reader_member *members, size_t count);

/* A scalar that is not empty and has no control characters, copied. `what` names it in messages. */
bool reader_text(struct reader *reader, const struct yaml_node *node, const char *what,
		 struct span *ret);
/* A plain decimal integer. */
bool reader_u64(struct reader *reader, const struct yaml_node *node, const char *what, uint64_t min,
		uint64_t max, uint64_t *ret);
/* One of `words`; its index. */
bool reader_choice(struct reader *reader, const struct yaml_node *node, const char *what,
		   const char *const *words, size_t count, size_t *ret);
/* A file's path: as it is when absolute, else in the manifest's folder. */
bool reader_resolve(struct reader *reader, struct span file, struct span *ret);
/* A list (an empty one is fine); notes it when it is something else. */
bool reader_list(struct reader *reader, const struct yaml_node *node, const char *what);

/* ---- interest.c ----------------------------------------------------------------------------------- */

/* A list of `type`, `category/type` and `external/type`. `nodes` gets an array of the places, in the
 * order of the interests, for checks that follow. */
bool interest_read(struct reader *reader, const struct yaml_node *node, const char *what,
		   struct manifest_interests *ret, const struct yaml_node *const **ret_nodes);

/* Both can match one event. */
bool interest_overlaps(const struct manifest_interest *a, const struct manifest_interest *b);

/* ---- capabilities.c ------------------------------------------------------------------------------- */

/* Checks that `role` may have what it asks for. */
void capabilities_read(struct reader *reader, const struct yaml_node *node, enum manifest_role role,
		       struct manifest_capabilities *ret);

/* ---- url.c ---------------------------------------------------------------------------------------- */

/* An http or https url that requests may begin with; ERR_INVALID with the reason: "it must ...". */
enum status url_check_base(struct span url, struct error *err) NODISCARD;
/* A request to `url` is below `base`: it begins with it, at a path's boundary. */
bool url_covers(struct span base, struct span url);

/* ---- component.c ---------------------------------------------------------------------------------- */

/* A component, and the nodes at which its cross-checks complain. */
struct component_source {
	const struct yaml_node *entry;
	const struct yaml_node *name;
	const struct yaml_node *commands; /* the capability's list, or NULL */
	const struct yaml_node *events;
	const struct yaml_node *const *interest_nodes; /* one for each of component->interest */
};

/* `defaults` are the manifest's limits. */
void component_read(struct reader *reader, const struct yaml_node *node,
		    const struct manifest_limits *defaults, struct manifest_component *ret,
		    struct component_source *ret_source);

void limits_read(struct reader *reader, const struct yaml_node *node,
		 struct manifest_limits *limits);

#endif
