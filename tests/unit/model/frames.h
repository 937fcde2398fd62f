/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MODEL_FRAMES_H
#define TESTS_UNIT_MODEL_FRAMES_H

#include <stddef.h>

#include "model/frame.h"

/* frames.h - frames of all shapes, for tests. */

struct named_frame {
	const char *name;
	struct frame frame;
};

/* Static; events included. *ret_count of them, the one of docs/formats.md first. */
const struct named_frame *frames_sample(size_t *ret_count);

#endif
