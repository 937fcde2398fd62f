/* SPDX-License-Identifier: Apache-2.0 */
#ifndef YAML_YAML_H
#define YAML_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

/* yaml.h - reads a YAML text into a tree that knows where everything stands (libyaml).
 *
 * The part of YAML that a configuration needs: one document of mappings, sequences and scalars, in
 * block or flow form. Refused, with the place and what to write instead: anchors and aliases (a few
 * lines of them expand to gigabytes), tags, several documents, keys that are no scalars, NUL in a
 * scalar, invalid UTF-8, and what is beyond the limits.
 *
 * Scalars are not interpreted: `true`, `12` and `~` are texts. Who reads a value knows its type. */

#define YAML_MAX_BYTES   ((size_t)1 << 20)
#define YAML_DEPTH_MAX   32    /* sequences and mappings inside one another */
#define YAML_NODES_MAX   65536 /* scalars, sequences and mappings of a text */
#define YAML_MEMBERS_MAX 1024  /* of one mapping */

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* a scalar without quotes, not a block scalar */
	bool duplicate; /* a value of a mapping whose key stood there before: yaml_find() passes it over,
			  * and whoever walks the mapping must report it */
	uint32_t line;   /* where it begins; from 1 */
	uint32_t column; /* from 1, in characters */
	struct span
		text; /* a scalar's, unescaped, followed by a NUL; empty for "nothing written" */
	const struct yaml_node *key;   /* of a value in a mapping: its key, a scalar; else NULL */
	const struct yaml_node *first; /* elements or values, in order; NULL: none */
	const struct yaml_node *next;  /* the next one in the same sequence or mapping */
	size_t count;                  /* how many there are from `first` on */
};

struct yaml_place {
	uint32_t line;
	uint32_t column;
};

/* Parses a whole text. The tree lives in the arena; *ret is NULL for a text without any document
 * (empty, or comments only).
 *
 * ERR_INVALID: the message says what is wrong, and *ret_place is where (also on this failure)
 * ERR_LIMIT: as ERR_INVALID, for a text that is too large, too deep or has too many values
 * ERR_NOMEM */
enum status yaml_parse(struct span text, struct arena *arena, const struct yaml_node **ret,
		       struct yaml_place *ret_place, struct error *err) NODISCARD;

/* The value of a mapping's member; NULL when there is none, or it is no mapping. */
const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key);

/* A plain scalar that stands for "no value": nothing at all, `~` or `null`. */
bool yaml_is_null(const struct yaml_node *node);

/* The version of libyaml: "0.2.5". */
const char *yaml_library_version(void);

/* "a mapping", "a list", "a value". */
const char *yaml_kind_name(enum yaml_kind kind);

#endif
