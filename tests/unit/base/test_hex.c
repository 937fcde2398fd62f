/* SPDX-License-Identifier: Apache-2.0 */
/* test_hex.c - which bytes are hexadecimal digits. */
#include "base/hex.h"

#include <string.h>

#include "expect.h"

static void of_all_bytes_only_the_digits_have_a_value(void **state)
{
	static const char small[] = "0123456789abcdef";
	static const char large[] = "0123456789ABCDEF";

	(void)state;
	for (int c = -128; c < 256; c++) {
		const char *at = memchr(small, c, 16);
		int expected = at != NULL ? (int)(at - small) : -1;

		at = memchr(large, c, 16);
		if (at != NULL)
			expected = (int)(at - large);
		if (hex_value((char)c) != expected)
			fail_msg("byte %d: %d, not %d", c, hex_value((char)c), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_all_bytes_only_the_digits_have_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
