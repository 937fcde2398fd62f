/* SPDX-License-Identifier: Apache-2.0 */
/* test_timestamp.c - RFC 3339 both ways, against libc's calendar. */
#include "model/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/attributes.h"

static void expect_parsed(const char *text, uint64_t us)
{
	uint64_t parsed = 0;

	if (!timestamp_parse(span_from_string(text), &parsed))
		fail_msg("'%s' is refused", text);
	if (parsed != us)
		fail_msg("'%s' is %llu, not %llu", text, (unsigned long long)parsed,
			 (unsigned long long)us);
}

/* Every day from 1970 to 9999, at a time that moves. */
static void every_day_is_written_as_libc_writes_it_and_reads_back(void **state)
{
	(void)state;
	for (uint64_t day = 0; day <= TIMESTAMP_MAX_US / 1000000 / 86400; day++) {
		time_t seconds = (time_t)(day * 86400 + day * 7919 % 86400);
		struct tm tm;
		char expected[64];
		char text[TIMESTAMP_TEXT_BYTES];

		assert_non_null(gmtime_r(&seconds, &tm));
		(void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ",
			       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			       tm.tm_sec, (unsigned)(day % 1000000));
		timestamp_format((uint64_t)seconds * 1000000 + day % 1000000, text);
		if (strcmp(text, expected) != 0)
			fail_msg("%s, not %s", text, expected);
		expect_parsed(text, (uint64_t)seconds * 1000000 + day % 1000000);
	}
}

static void the_range_ends_with_the_year_9999(void **state)
{
	char text[TIMESTAMP_TEXT_BYTES];
	uint64_t us = 7;

	(void)state;
	timestamp_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	timestamp_format(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	expect_parsed("9999-12-31T23:59:59.999999Z", TIMESTAMP_MAX_US);
	expect_parsed("1970-01-01T01:00:00+01:00", 0);
	assert_false(timestamp_parse(SPAN("1969-12-31T23:59:59Z"), &us));
	assert_false(timestamp_parse(SPAN("1970-01-01T00:59:59+01:00"), &us));
	assert_false(timestamp_parse(SPAN("9999-12-31T23:59:59-00:01"), &us));
	assert_false(timestamp_parse(SPAN("0000-01-01T00:00:00Z"), &us));
	assert_int_equal(us, 7);
}

static void offsets_fractions_and_leap_seconds_are_read(void **state)
{
	(void)state;
	expect_parsed("2026-01-31T12:00:00Z", UINT64_C(1769860800000000));
	expect_parsed("2026-01-31t12:00:00z", UINT64_C(1769860800000000));
	expect_parsed("2026-01-31T13:30:00+01:30", UINT64_C(1769860800000000));
	expect_parsed("2026-01-30T22:00:00-14:00", UINT64_C(1769860800000000));
	expect_parsed("2026-01-31T12:00:00.5Z", UINT64_C(1769860800500000));
	expect_parsed("2026-01-31T12:00:00.1234569999999Z", UINT64_C(1769860800123456));
	expect_parsed("2016-12-31T23:59:60Z", UINT64_C(1483228799000000));
	expect_parsed("2024-02-29T00:00:00Z", UINT64_C(1709164800000000));
	expect_parsed("2000-02-29T00:00:00Z", UINT64_C(951782400000000));
}

static void anything_else_is_refused(void **state)
{
	static const char *const broken[] = {
		"",
		"2026",
		"2026-01-31",
		"2026-01-31T12:00:00",
		"2026-01-31 12:00:00Z",
		"2026-01-31T12:00Z",
		"2026-1-31T12:00:00Z",
		"2026-00-31T12:00:00Z",
		"2026-13-01T12:00:00Z",
		"2026-02-29T12:00:00Z",
		"2100-02-29T12:00:00Z",
		"2026-04-31T12:00:00Z",
		"2026-01-00T12:00:00Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T12:60:00Z",
		"2026-01-31T12:00:61Z",
		"2026-01-31T12:00:00.Z",
		"2026-01-31T12:00:00+0100",
		"2026-01-31T12:00:00+24:00",
		"2026-01-31T12:00:00+01:60",
		"2026-01-31T12:00:00Zx",
		" 2026-01-31T12:00:00Z",
		"+2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00,5Z",
		"-026-01-31T12:00:00Z",
	};
	uint64_t us = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
		if (timestamp_parse(span_from_string(broken[i]), &us))
			fail_msg("'%s' is taken", broken[i]);
	}
	assert_false(timestamp_parse(SPAN("2026-01-31T12:00:00Z\0"), &us));
	assert_int_equal(us, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_is_written_as_libc_writes_it_and_reads_back),
		cmocka_unit_test(the_range_ends_with_the_year_9999),
		cmocka_unit_test(offsets_fractions_and_leap_seconds_are_read),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
