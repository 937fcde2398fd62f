/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/span.h"
#include "base/status.h"

/* map.h - a hash map from bytes to things, through a member of the thing (`struct map_node`).
 *
 * The map owns neither the things nor their keys: the node borrows its key, which must stay put
 * and unchanged while the node is in the map. The hash is keyed with a seed, so that a client who
 * chooses keys cannot choose collisions. Grows by doubling, without ever shrinking; not
 * thread-safe. */

struct map_node {
	struct map_node *next; /* in its bucket */
	struct span key;       /* borrowed */
	uint64_t hash;
};

struct map {
	struct map_node **buckets; /* owned; a power of two, or NULL while empty */
	size_t bucket_count;
	size_t count;
	uint64_t seed;
};

/* Takes a seed from the process' own random source. */
void map_init(struct map *map);
void map_fini(struct map *map); /* forgets the nodes; frees the buckets only */

uint64_t map_hash(const struct map *map, struct span key);

/* NULL when there is none. */
struct map_node *map_find(const struct map *map, struct span key);
struct map_node *map_find_hashed(const struct map *map, struct span key, uint64_t hash);

/* Sets node->key and node->hash and links it. The key must not be in the map (checked in debug
 * builds). ERR_NOMEM: not added. */
enum status map_add(struct map *map, struct span key, struct map_node *node) NODISCARD;

/* The node must be in the map. */
void map_remove(struct map *map, struct map_node *node);

/* Every node once, in no order; start with NULL. The map must not change meanwhile. NULL at the end. */
struct map_node *map_next(const struct map *map, const struct map_node *node);

#endif
