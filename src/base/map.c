/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - chained buckets, a power of two of them, doubled when there is more than one node each.
 *
 * The hash is a multiply-and-fold over 8-byte words (in the manner of wyhash), keyed with the map's
 * secret seed; it is not for anything that leaves the process. */
#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/random.h"

#define BUCKETS_MIN 16

void map_init(struct map *map)
{
	*map = (struct map){ .seed = random_u64(random_system()) };
}

void map_fini(struct map *map)
{
	free(map->buckets);
	map->buckets = NULL;
	map->bucket_count = 0;
	map->count = 0;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t map_hash(const struct map *map, struct span key)
{
	uint64_t hash = map->seed ^ UINT64_C(0x9E3779B97F4A7C15);
	size_t left = key.size;
	const char *at = key.data;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = fold(hash ^ word, UINT64_C(0xD6E8FEB86659FD93));
	}
	word = 0;
	if (left != 0)
		memcpy(&word, at, left);
	hash = fold(hash ^ word, UINT64_C(0xA0761D6478BD642F) ^ map->seed);
	return fold(hash ^ key.size, UINT64_C(0xE7037ED1A0B428DB));
}

struct map_node *map_find_hashed(const struct map *map, struct span key, uint64_t hash)
{
	if (map->count == 0)
		return NULL;
	struct map_node *node = map->buckets[hash & (map->bucket_count - 1)];
	while (node != NULL && (node->hash != hash || !span_equal(node->key, key)))
		node = node->next;
	return node;
}

struct map_node *map_find(const struct map *map, struct span key)
{
	return map->count == 0 ? NULL : map_find_hashed(map, key, map_hash(map, key));
}

static enum status grow(struct map *map)
{
	size_t bucket_count = map->bucket_count != 0 ? map->bucket_count * 2 : BUCKETS_MIN;
	struct map_node **buckets = calloc(bucket_count, sizeof(struct map_node *));

	if (buckets == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < map->bucket_count; i++) {
		for (struct map_node *node = map->buckets[i]; node != NULL;) {
			struct map_node *next = node->next;
			struct map_node **bucket = &buckets[node->hash & (bucket_count - 1)];

			node->next = *bucket;
			*bucket = node;
			node = next;
		}
	}
	free(map->buckets);
	map->buckets = buckets;
	map->bucket_count = bucket_count;
	return OK;
}

enum status map_add(struct map *map, struct span key, struct map_node *node)
{
	CHECK_DEBUG(map_find(map, key) == NULL);
	/* A map that cannot grow still works, only slower. */
	if (map->count >= map->bucket_count && grow(map) != OK && map->bucket_count == 0)
		return ERR_NOMEM;
	node->key = key;
	node->hash = map_hash(map, key);
	struct map_node **bucket = &map->buckets[node->hash & (map->bucket_count - 1)];
	node->next = *bucket;
	*bucket = node;
	map->count++;
	return OK;
}

void map_remove(struct map *map, struct map_node *node)
{
	CHECK(map->count != 0);
	struct map_node **link = &map->buckets[node->hash & (map->bucket_count - 1)];
	while (*link != node) {
		CHECK(*link != NULL);
		link = &(*link)->next;
	}
	*link = node->next;
	node->next = NULL;
	map->count--;
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
	size_t bucket = 0;

	if (map->count == 0)
		return NULL;
	if (node != NULL) {
		if (node->next != NULL)
			return node->next;
		bucket = (node->hash & (map->bucket_count - 1)) + 1;
	}
	for (; bucket < map->bucket_count; bucket++)
		if (map->buckets[bucket] != NULL)
			return map->buckets[bucket];
	return NULL;
}
