/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/span.h"

/* arena.h - memory that goes all at once. One command has one arena; nothing in it is freed alone.
 *
 * Grows in chunks up to the maximum given when it is made; past that, allocation answers NULL. Not
 * thread-safe: one thread at a time. Memory is aligned to 16 bytes and not zeroed unless said. */

struct arena;

/* An arena that may hand out at most `max_bytes`. NULL when memory is out. */
struct arena *arena_new(size_t max_bytes) NODISCARD;
void arena_free(struct arena *arena);
DEFINE_OWNED(arena, arena_free);

/* Forgets everything allocated but keeps the first chunk for use again. */
void arena_clear(struct arena *arena);

/* NULL when the maximum is reached or memory is out. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) NODISCARD;
void *arena_alloc_zeroed(struct arena *arena, size_t size) NODISCARD;

/* `count` elements of `size` bytes, zeroed; NULL also when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size) NODISCARD;

/* Copies; the copy is followed by a NUL that its size does not count. .data is NULL on failure
 * only (an empty span is copied to a valid pointer). */
struct span arena_copy(struct arena *arena, struct span s) NODISCARD;

/* printf into the arena. .data is NULL on failure. */
struct span arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) NODISCARD;

/* Bytes handed out since it was made or cleared. */
size_t arena_used_bytes(const struct arena *arena);

#endif
