/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/buf.h"
#include "base/span.h"

/* suggest.h - guesses which word was meant, for messages about one that is not known. */

/* The index of the word that `word` was probably meant to be: few letters left out, added, changed or
 * swapped. `count` when none is near. */
size_t suggest_nearest(struct span word, const char *const *words, size_t count);

/* Appends ": did you mean 'x'?", or ": known are a, b and c" when none is near. */
void suggest_append(struct buf *buf, struct span word, const char *const *words, size_t count);

#endif
