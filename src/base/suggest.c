/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - guesses which word was meant.
 *
 * The distance counts letters left out, added, changed, and two neighbours swapped (optimal string
 * alignment); `-` and `_`, capitals and small letters are taken for the same. A word is near when at
 * most a third of it differs. */
#include "base/suggest.h"

#define WORD_MAX_BYTES 64

static char folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Both at most WORD_MAX_BYTES. */
static size_t distance(struct span a, struct span b)
{
	size_t rows[3][WORD_MAX_BYTES + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.size; j++) {
		before[j] = 0;
		above[j] = j;
	}
	for (size_t i = 1; i <= a.size; i++) {
		size_t *recycled = before;

		row[0] = i;
		for (size_t j = 1; j <= b.size; j++) {
			char x = folded(a.data[i - 1]), y = folded(b.data[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == folded(b.data[j - 2]) &&
			    y == folded(a.data[i - 2]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = recycled;
	}
	return above[b.size];
}

size_t suggest_nearest(struct span word, const char *const *words, size_t count)
{
	size_t nearest = count, nearest_distance = SIZE_MAX;

	if (word.size == 0 || word.size > WORD_MAX_BYTES)
		return count;
	for (size_t i = 0; i < count; i++) {
		struct span candidate = span_from_string(words[i]);
		size_t longer = candidate.size > word.size ? candidate.size : word.size;
		size_t d;

		if (candidate.size == 0 || candidate.size > WORD_MAX_BYTES)
			continue;
		d = distance(word, candidate);
		/* One slip in a word of two letters changes half of it: allow it only from three on. */
		if (d <= longer / 3 && d < nearest_distance) {
			nearest = i;
			nearest_distance = d;
		}
	}
	return nearest;
}

void suggest_append(struct buf *buf, struct span word, const char *const *words, size_t count)
{
	size_t nearest = suggest_nearest(word, words, count);

	if (nearest < count) {
		buf_append_format(buf, ": did you mean '%s'?", words[nearest]);
		return;
	}
	if (count == 0)
		return;
	buf_append_string(buf, count == 1 ? ": known is " : ": known are ");
	for (size_t i = 0; i < count; i++) {
		if (i != 0)
			buf_append_string(buf, i + 1 == count ? " and " : ", ");
		buf_append_string(buf, words[i]);
	}
}
