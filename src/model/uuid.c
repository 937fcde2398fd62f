/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.c - UUIDs, made, written and read. */
#include "model/uuid.h"

#include "base/hex.h"

struct uuid uuid_v7(uint64_t wall_us, struct random *random)
{
	struct uuid uuid;
	uint64_t ms = wall_us / 1000;
	/* Microseconds within the millisecond as a fraction of 4096, so that ids of one millisecond
	 * sort by time as well (RFC 9562, section 6.2, method 3). */
	unsigned fraction = (unsigned)(wall_us % 1000 * 4096 / 1000);

	for (int i = 0; i < 6; i++)
		uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	uuid.bytes[6] = (uint8_t)(0x70 | fraction >> 8);
	uuid.bytes[7] = (uint8_t)fraction;
	random_fill(random, uuid.bytes + 8, 8);
	uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3F));
	return uuid;
}

static bool dash_follows(size_t byte)
{
	return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

void uuid_format(const struct uuid *uuid, char text[static UUID_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		*text++ = digits[uuid->bytes[i] >> 4];
		*text++ = digits[uuid->bytes[i] & 0xF];
		if (dash_follows(i))
			*text++ = '-';
	}
	*text = '\0';
}

bool uuid_parse(struct span text, struct uuid *ret)
{
	struct uuid uuid = { 0 };
	size_t at = 0;

	if (text.size != UUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
		int high = hex_value(text.data[at++]);
		int low = hex_value(text.data[at++]);

		if (high < 0 || low < 0 || (dash_follows(i) && text.data[at++] != '-'))
			return false;
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = uuid;
	return true;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
