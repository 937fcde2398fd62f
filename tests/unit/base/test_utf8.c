/* SPDX-License-Identifier: Apache-2.0 */
/* test_utf8.c - what is UTF-8 (RFC 3629), against a slow reader that works by code points. */
#include "base/utf8.h"

#include "base/attributes.h"
#include "base/random.h"
#include "expect.h"

#define BYTES(literal)                          \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}

/* The size of the character at `at`, 0 for none: the code point is put together and then judged. */
static size_t slow_character(const unsigned char *at, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = 0;

	if (at[0] < 0x80)
		return 1;
	while (size < 8 && (at[0] << size & 0x80) != 0)
		size++;
	if (size < 2 || size > 4 || size > left)
		return 0;
	uint32_t point = at[0] & (0x7Fu >> size);
	for (size_t i = 1; i < size; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		point = point << 6 | (at[i] & 0x3Fu);
	}
	return point < least[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)
		       ? 0
		       : size;
}

static size_t slow_prefix(const unsigned char *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t character = slow_character(bytes + at, size - at);

		if (character == 0)
			break;
		at += character;
	}
	return at;
}

static void compare(const unsigned char *bytes, size_t size)
{
	size_t found = utf8_valid_prefix(span_of(bytes, size));
	size_t expected = slow_prefix(bytes, size);

	if (found != expected)
		fail_msg("%zu bytes %02x %02x %02x %02x: %zu, not %zu", size, bytes[0], bytes[1],
			 bytes[2], bytes[3], found, expected);
}

static void nothing_is_valid(void **state)
{
	(void)state;
	assert_true(utf8_is_valid(SPAN_EMPTY));
	assert_int_equal(utf8_valid_prefix(SPAN_EMPTY), 0);
	assert_true(utf8_has_no_control(SPAN_EMPTY));
}

static void the_first_and_last_of_each_length_are_valid(void **state)
{
	static const struct span table[] = {
		BYTES("\0"),
		BYTES("\x7F"),
		BYTES("\xC2\x80"),
		BYTES("\xDF\xBF"),
		BYTES("\xE0\xA0\x80"),
		BYTES("\xED\x9F\xBF"),
		BYTES("\xEE\x80\x80"),
		BYTES("\xEF\xBF\xBF"),
		BYTES("\xF0\x90\x80\x80"),
		BYTES("\xF4\x8F\xBF\xBF"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		if (!utf8_is_valid(table[i]))
			fail_msg("number %zu is refused", i);
	}
}

static void what_stands_just_outside_is_not(void **state)
{
	static const struct span table[] = {
		BYTES("\x80"),
		BYTES("\xBF"), /* no beginning */
		BYTES("\xC0\x80"),
		BYTES("\xC1\xBF"), /* overlong */
		BYTES("\xE0\x80\x80"),
		BYTES("\xE0\x9F\xBF"),
		BYTES("\xF0\x80\x80\x80"),
		BYTES("\xF0\x8F\xBF\xBF"),
		BYTES("\xED\xA0\x80"),
		BYTES("\xED\xBF\xBF"), /* surrogates */
		BYTES("\xF4\x90\x80\x80"),
		BYTES("\xF5\x80\x80\x80"), /* above U+10FFFF */
		BYTES("\xF8\x88\x80\x80\x80"),
		BYTES("\xFC\x84\x80\x80\x80\x80"),
		BYTES("\xFE"),
		BYTES("\xFF"),
		BYTES("\xC2"),
		BYTES("\xE2\x82"), /* cut off */
		BYTES("\xF0\x9F\x98"),
		BYTES("\xC2\x41"), /* interrupted */
		BYTES("\xE2\x82\x41"),
		BYTES("\xE2\x41\x82"),
		BYTES("\xF0\x9F\x98\xC0"),
		BYTES("\xF0\x9F\x41\x80"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		if (utf8_is_valid(table[i]))
			fail_msg("number %zu is taken", i);
		assert_int_equal(utf8_valid_prefix(table[i]), 0);
	}
}

static void all_sequences_of_one_to_three_bytes_are_judged_as_by_the_slow_reader(void **state)
{
	unsigned char bytes[4] = { 0 };

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		bytes[0] = (unsigned char)a;
		compare(bytes, 1);
		for (unsigned b = 0; b < 256; b++) {
			bytes[1] = (unsigned char)b;
			compare(bytes, 2);
			for (unsigned c = 0; c < 256; c++) {
				bytes[2] = (unsigned char)c;
				compare(bytes, 3);
			}
		}
	}
}

static void so_are_those_of_four_with_bytes_at_the_boundaries(void **state)
{
	static const unsigned char edges[] = { 0x00, 0x7F, 0x80, 0x8F, 0x90,
					       0x9F, 0xA0, 0xBF, 0xC0, 0xFF };

	(void)state;
	for (unsigned a = 0xE0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			for (size_t c = 0; c < ARRAY_COUNT(edges); c++) {
				for (size_t d = 0; d < ARRAY_COUNT(edges); d++) {
					unsigned char bytes[] = { (unsigned char)a,
								  (unsigned char)b, edges[c],
								  edges[d] };

					compare(bytes, 4);
				}
			}
		}
	}
}

static void so_are_random_texts_of_valid_and_broken_pieces(void **state)
{
	static const char *const pieces[] = {
		"a",        "abcdefgh", "\xC3\xA4",        "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
		"\xE2\x82", "\x80",     "0123456789abcdef"
	};
	struct random_seeded seeded;
	unsigned char text[256];

	(void)state;
	random_seeded_init(&seeded, 20240229);
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = 0;

		for (uint64_t left = random_below(&seeded.random, 12); left != 0; left--) {
			/* The broken ones seldom, or no text would be long. */
			uint64_t pick = random_below(&seeded.random, 40);
			struct span piece = span_from_string(
				pieces[pick < ARRAY_COUNT(pieces) ? pick : pick % 5]);

			memcpy(text + size, piece.data, piece.size);
			size += piece.size;
		}
		memset(text + size, 0, 4);
		compare(text, size);
	}
	random_seeded_fini(&seeded);
}

static void eight_at_a_time_misses_nothing_at_any_offset(void **state)
{
	unsigned char text[48];

	(void)state;
	for (size_t start = 0; start < 9; start++) {
		for (size_t size = 0; size <= 32; size++) {
			for (size_t at = 0; at <= size; at++) {
				memset(text, 'a', sizeof(text));
				text[start + at] = 0x80;
				assert_int_equal(utf8_valid_prefix(span_of(text + start, size)),
						 at);
				/* A whole character there, cut when it is at the end. */
				text[start + at] = 0xC3;
				text[start + at + 1] = 0xA4;
				assert_int_equal(utf8_valid_prefix(span_of(text + start, size)),
						 at + 1 == size ? at : size);
			}
		}
	}
}

static void control_characters_are_seen_in_both_their_blocks(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x80; c++) {
		char text[] = { 'a', (char)c, 'b' };

		assert_int_equal(utf8_has_no_control(span_of(text, 3)), c >= 0x20 && c != 0x7F);
	}
	for (unsigned c = 0x80; c < 0xC0; c++) {
		char text[] = { 'a', (char)0xC2, (char)c, 'b' };

		assert_int_equal(utf8_has_no_control(span_of(text, 4)), c >= 0xA0);
	}
	/* The same bytes in other characters are none. */
	assert_true(utf8_has_no_control(SPAN("\xC3\x80\xE2\x80\x80\xF0\x90\x80\x80")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_valid),
		cmocka_unit_test(the_first_and_last_of_each_length_are_valid),
		cmocka_unit_test(what_stands_just_outside_is_not),
		cmocka_unit_test(
			all_sequences_of_one_to_three_bytes_are_judged_as_by_the_slow_reader),
		cmocka_unit_test(so_are_those_of_four_with_bytes_at_the_boundaries),
		cmocka_unit_test(so_are_random_texts_of_valid_and_broken_pieces),
		cmocka_unit_test(eight_at_a_time_misses_nothing_at_any_offset),
		cmocka_unit_test(control_characters_are_seen_in_both_their_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
