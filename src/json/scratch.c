/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.c - memory for one call, and the sorting of members that needs it. */
#include "json/internal.h"

#include <stdlib.h>

#define ALIGNMENT ((size_t)16)

void *scratch_alloc(struct scratch *scratch, size_t size)
{
	if (size <= SCRATCH_STACK_BYTES - scratch->used_bytes) {
		void *memory = scratch->stack + scratch->used_bytes;

		/* The stack's size is a multiple of the alignment, so this never passes its end. */
		scratch->used_bytes += (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
		return memory;
	}
	return malloc(size);
}

void scratch_free(struct scratch *scratch, void *memory)
{
	uintptr_t begin = (uintptr_t)scratch->stack;
	uintptr_t at = (uintptr_t)memory;

	if (at < begin || at >= begin + SCRATCH_STACK_BYTES)
		free(memory);
}

static uint64_t hash_name(const char *data, size_t size)
{
	uint64_t hash = size;
	uint64_t word;

	for (; size >= sizeof(word); data += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, data, size);
	hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left;
	const struct member *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	size_t a_size = unsafe_yyjson_get_len(a->key);
	size_t b_size = unsafe_yyjson_get_len(b->key);
	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return memcmp(unsafe_yyjson_get_str(a->key), unsafe_yyjson_get_str(b->key), a_size);
}

void members_sort(yyjson_val *object, struct member *members)
{
	size_t count = unsafe_yyjson_get_len(object);
	yyjson_val *key = unsafe_yyjson_get_first(object);

	for (size_t i = 0; i < count; i++) {
		members[i].key = key;
		members[i].hash = hash_name(unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key));
		key = unsafe_yyjson_get_next(key + 1);
	}
	qsort(members, count, sizeof(*members), compare_members);
}
