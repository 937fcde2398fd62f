/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - chunks of memory, filled from the front. Chunks double in size from 4 KiB to 1 MiB; a
 * request that is larger than the next chunk gets a chunk of its own size. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT       ((size_t)16)
#define CHUNK_MIN_BYTES ((size_t)4096)
#define CHUNK_MAX_BYTES ((size_t)1 << 20)

struct chunk {
	struct chunk *previous;
	size_t size; /* bytes after this header */
	size_t used;
	_Alignas(16) char data[];
};

struct arena {
	struct chunk *newest;
	size_t max_bytes;
	size_t used_bytes; /* handed out, alignment included, <= max_bytes */
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->max_bytes = max_bytes;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	for (struct chunk *chunk = arena->newest; chunk != NULL;) {
		struct chunk *previous = chunk->previous;

		free(chunk);
		chunk = previous;
	}
	free(arena);
}

void arena_clear(struct arena *arena)
{
	while (arena->newest != NULL && arena->newest->previous != NULL) {
		struct chunk *previous = arena->newest->previous;

		free(arena->newest);
		arena->newest = previous;
	}
	if (arena->newest != NULL)
		arena->newest->used = 0;
	arena->used_bytes = 0;
}

static struct chunk *add_chunk(struct arena *arena, size_t need)
{
	size_t size = arena->newest != NULL ? arena->newest->size * 2 : CHUNK_MIN_BYTES;

	if (size > CHUNK_MAX_BYTES)
		size = CHUNK_MAX_BYTES;
	if (size < need)
		size = need;
	struct chunk *chunk = malloc(sizeof(*chunk) + size);
	if (chunk == NULL)
		return NULL;
	chunk->previous = arena->newest;
	chunk->size = size;
	chunk->used = 0;
	arena->newest = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	/* Far from where rounding up, or a chunk's header, could wrap round. */
	if (size > arena->max_bytes || size > PTRDIFF_MAX - CHUNK_MAX_BYTES)
		return NULL;
	size_t need = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (need > arena->max_bytes - arena->used_bytes)
		return NULL;
	struct chunk *chunk = arena->newest;
	if (chunk == NULL || chunk->size - chunk->used < need) {
		chunk = add_chunk(arena, need);
		if (chunk == NULL)
			return NULL;
	}
	void *memory = chunk->data + chunk->used;
	chunk->used += need;
	arena->used_bytes += need;
	return memory;
}

void *arena_alloc_zeroed(struct arena *arena, size_t size)
{
	void *memory = arena_alloc(arena, size);

	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc_zeroed(arena, total);
}

struct span arena_copy(struct arena *arena, struct span s)
{
	char *copy = s.size < SIZE_MAX ? arena_alloc(arena, s.size + 1) : NULL;

	if (copy == NULL)
		return SPAN_EMPTY;
	if (s.size != 0)
		memcpy(copy, s.data, s.size);
	copy[s.size] = '\0';
	return span_of(copy, s.size);
}

struct span arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return SPAN_EMPTY;
	char *text = arena_alloc(arena, (size_t)length + 1);
	if (text == NULL)
		return SPAN_EMPTY;
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return span_of(text, (size_t)length);
}

size_t arena_used_bytes(const struct arena *arena)
{
	return arena->used_bytes;
}
