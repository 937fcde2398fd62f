/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_POSITION_H
#define MODEL_POSITION_H

#include <stdint.h>

/* position.h - an event's place in the one global order: `frame sequence * 1024 + index`.
 *
 * Opaque, unique, strictly rising, not dense. A frame has at most FRAME_EVENTS_MAX events. Frame
 * sequences start at 1, so 0 is "before everything". */

#define POSITION_INDEX_BITS 10

static inline uint64_t position_of(uint64_t sequence, unsigned index)
{
	return sequence << POSITION_INDEX_BITS | index;
}

static inline uint64_t position_sequence(uint64_t position)
{
	return position >> POSITION_INDEX_BITS;
}

static inline unsigned position_index(uint64_t position)
{
	return (unsigned)(position & ((1u << POSITION_INDEX_BITS) - 1));
}

/* The highest position that a frame can hold: "seen all of it". */
static inline uint64_t position_end(uint64_t sequence)
{
	return position_of(sequence, (1u << POSITION_INDEX_BITS) - 1);
}

#endif
