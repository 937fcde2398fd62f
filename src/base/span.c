/* SPDX-License-Identifier: Apache-2.0 */
/* span.c - parsing of spans. */
#include "base/span.h"

bool span_parse_u64(struct span s, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.size == 0 || (s.size > 1 && s.data[0] == '0'))
		return false;
	for (size_t i = 0; i < s.size; i++) {
		unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*ret = value;
	return true;
}
