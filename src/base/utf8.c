/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - is it UTF-8? ASCII goes eight bytes at a time. */
#include "base/utf8.h"

#include <stdint.h>

/* The length of the valid sequence at `at`, 0 when there is none. Table 3-7 of the Unicode standard. */
static size_t sequence(const unsigned char *at, size_t left)
{
	unsigned char lead = at[0];
	unsigned char low = 0x80;
	unsigned char high = 0xBF;
	size_t size;

	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF) {
		size = 2;
	} else if (lead >= 0xE0 && lead <= 0xEF) {
		size = 3;
		if (lead == 0xE0)
			low = 0xA0; /* no overlong forms */
		if (lead == 0xED)
			high = 0x9F; /* no surrogates */
	} else if (lead >= 0xF0 && lead <= 0xF4) {
		size = 4;
		if (lead == 0xF0)
			low = 0x90;
		if (lead == 0xF4)
			high = 0x8F; /* nothing above U+10FFFF */
	} else {
		return 0;
	}
	if (left < size || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	return size;
}

size_t utf8_valid_prefix(struct span s)
{
	const unsigned char *bytes = (const unsigned char *)s.data;
	size_t at = 0;

	while (at < s.size) {
		uint64_t word;

		if (s.size - at >= sizeof(word)) {
			memcpy(&word, bytes + at, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				at += sizeof(word);
				continue;
			}
		}
		size_t size = sequence(bytes + at, s.size - at);
		if (size == 0)
			return at;
		at += size;
	}
	return s.size;
}

bool utf8_is_valid(struct span s)
{
	return utf8_valid_prefix(s) == s.size;
}

bool utf8_has_no_control(struct span s)
{
	const unsigned char *bytes = (const unsigned char *)s.data;

	for (size_t i = 0; i < s.size; i++) {
		if (bytes[i] < 0x20 || bytes[i] == 0x7F)
			return false;
		/* U+0080-U+009F are C2 80 - C2 9F. */
		if (bytes[i] == 0xC2 && i + 1 < s.size && bytes[i + 1] < 0xA0)
			return false;
	}
	return true;
}
