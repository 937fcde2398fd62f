/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - memory that goes all at once, at the end of a call.
 *
 * Chunks in a list, filled from the front. The first one is static: in a component it belongs to the initial memory, so
 * an ordinary call never grows it, and growing is what makes an instance expensive. Later chunks come from the system
 * (memory.grow, natively malloc) and are kept: an instance that serves many calls grows to its largest call and stays
 * there. libc's malloc is not involved and may be used beside this. */
#include "internal.h"

#include <string.h>

#ifndef __wasm__
#include <stdlib.h>
#endif

#define ALIGNMENT   ((size_t)16)
#define FIRST_BYTES ((size_t)56 * 1024)
#define GROW_BYTES  ((size_t)64 * 1024) /* one page of WebAssembly memory */

struct chunk {
	struct chunk *next;
	char *at;  /* the next free byte */
	char *end; /* behind the last byte */
	char *data;
};

static _Alignas(16) char first_data[FIRST_BYTES];
static struct chunk first = {
	.at = first_data,
	.end = first_data + FIRST_BYTES,
	.data = first_data,
};
static struct chunk *current = &first;
static char *newest; /* the block handed out last; only it can grow in place */

#ifdef __wasm__
static char *system_memory(size_t size)
{
	size_t page = __builtin_wasm_memory_grow(0, size / GROW_BYTES);

	return page == SIZE_MAX ? NULL : (char *)(page * GROW_BYTES);
}
#else
static char *system_memory(size_t size)
{
	return aligned_alloc(ALIGNMENT, size);
}
#endif

static struct chunk *chunk_new(size_t need)
{
	size_t header = (sizeof(struct chunk) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	size_t size = (need + header + GROW_BYTES - 1) & ~(GROW_BYTES - 1);
	char *memory = size > need ? system_memory(size) : NULL;

	if (memory == NULL)
		__builtin_trap();
	struct chunk *chunk = (struct chunk *)(void *)memory;
	chunk->next = NULL;
	chunk->data = memory + header;
	chunk->at = chunk->data;
	chunk->end = memory + size;
	return chunk;
}

/* Makes a chunk with `need` free bytes the current one. One that stands in for a smaller one has at least twice its size:
 * calls that grow slowly would otherwise leave a chunk of every size behind. */
static void advance(size_t need)
{
	struct chunk *chunk = current->next;
	size_t size = chunk != NULL ? (size_t)(chunk->end - chunk->data) : 0;

	if (size < need || chunk == NULL) {
		chunk = chunk_new(need > size * 2 ? need : size * 2);
		chunk->next = current->next;
		current->next = chunk;
	}
	chunk->at = chunk->data;
	current = chunk;
}

void *cc_arena_alloc(size_t size_bytes)
{
	if (size_bytes > SIZE_MAX / 2)
		__builtin_trap();
	size_t need = (size_bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if ((size_t)(current->end - current->at) < need)
		advance(need);
	newest = current->at;
	current->at += need;
	return newest;
}

void *cc_arena_realloc(void *block, size_t old_size_bytes, size_t size_bytes)
{
	if (size_bytes > SIZE_MAX / 2)
		__builtin_trap();
	size_t need = (size_bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (block != NULL && block == newest && (size_t)(current->end - newest) >= need) {
		current->at = newest + need;
		return block;
	}
	if (block != NULL && size_bytes <= old_size_bytes)
		return block;
	void *copy = cc_arena_alloc(size_bytes);
	if (old_size_bytes != 0)
		memcpy(copy, block, old_size_bytes);
	return copy;
}

void cc_arena_reset(void)
{
	current = &first;
	first.at = first.data;
	newest = NULL;
}

void *cc_alloc(size_t size_bytes)
{
	return memset(cc_arena_alloc(size_bytes), 0, size_bytes);
}
