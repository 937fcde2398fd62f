/* SPDX-License-Identifier: Apache-2.0 */
/* test_uuid.c - ids that sort by time. */
#include "model/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The example of RFC 9562, A.6: 2022-02-22T19:22:22Z. */
static void a_uuid_has_the_layout_of_version_7(void **state)
{
	struct random_seeded seeded;
	char text[UUID_TEXT_BYTES];

	(void)state;
	random_seeded_init(&seeded, 1);
	struct uuid uuid = uuid_v7(UINT64_C(1645557742000000), &seeded.random);
	uuid_format(&uuid, text);
	assert_memory_equal(text, "017f22e2-79b0-7000-", 19);
	for (int i = 0; i < 1000; i++) {
		uuid = uuid_v7(UINT64_C(1645557742000999), &seeded.random);
		assert_int_equal(uuid.bytes[6], 0x7f);
		assert_int_equal(uuid.bytes[7], 999 * 4096 / 1000 % 256);
		assert_int_equal(uuid.bytes[8] & 0xC0, 0x80);
	}
	random_seeded_fini(&seeded);
}

static void later_is_greater_to_the_microsecond(void **state)
{
	struct random_seeded seeded;
	struct uuid before;

	(void)state;
	random_seeded_init(&seeded, 2);
	before = uuid_v7(UINT64_C(1645557742999000), &seeded.random);
	for (uint64_t us = 1; us < 3000; us++) {
		struct uuid after = uuid_v7(UINT64_C(1645557742999000) + us, &seeded.random);

		assert_true(memcmp(before.bytes, after.bytes, 16) < 0);
		before = after;
	}
	random_seeded_fini(&seeded);
}

static void text_reads_back_in_either_case(void **state)
{
	struct uuid uuid = { 0 };
	char text[UUID_TEXT_BYTES];

	(void)state;
	assert_true(uuid_parse(SPAN("00112233-4455-6677-8899-AAbbCcDdEeFf"), &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(uuid.bytes[i], i * 0x11);
}

static void what_is_no_uuid_is_refused_and_nothing_written(void **state)
{
	static const char *const broken[] = {
		"",
		"00112233445566778899aabbccddeeff",
		"00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0",
		"0011223-34455-6677-8899-aabbccddeeff",
		"00112233-4455-6677-8899_aabbccddeeff",
		"g0112233-4455-6677-8899-aabbccddeeff",
		"{0112233-4455-6677-8899-aabbccddeef}",
	};
	struct uuid untouched = { { 7 } };
	struct uuid uuid = untouched;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(broken); i++)
		assert_false(uuid_parse(span_from_string(broken[i]), &uuid));
	assert_true(uuid_equal(&uuid, &untouched));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uuid_has_the_layout_of_version_7),
		cmocka_unit_test(later_is_greater_to_the_microsecond),
		cmocka_unit_test(text_reads_back_in_either_case),
		cmocka_unit_test(what_is_no_uuid_is_refused_and_nothing_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
