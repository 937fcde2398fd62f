/* SPDX-License-Identifier: Apache-2.0 */
/* test_error.c - messages: set where it happens, wrapped on the way up, cut between characters. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "expect.h"

#define TEXT_MAX_BYTES ((size_t)ERROR_MESSAGE_MAX_BYTES - 1)

static void a_failure_has_a_status_and_a_text(void **state)
{
	struct error err = { 0 };

	(void)state;
	expect_status(ERR_LIMIT, ERROR(&err, ERR_LIMIT, "at most %d, not %s", 3, "4"));
	assert_int_equal(err.status, ERR_LIMIT);
	assert_string_equal(err.message, "at most 3, not 4");
	assert_string_equal(error_text(&err), "at most 3, not 4");
}

static void nobody_has_to_want_the_text(void **state)
{
	(void)state;
	expect_status(ERR_LIMIT, ERROR(NULL, ERR_LIMIT, "too many"));
	expect_status(ERR_IO, error_wrap(NULL, ERR_IO, "storing"));
	expect_status(ERR_FULL, error_set_errno(NULL, ENOSPC, "storing"));
	error_clear(NULL);
	assert_string_equal(error_text(NULL), "unknown");
}

static void an_error_without_a_text_says_what_its_status_means(void **state)
{
	struct error err = { .status = ERR_BUSY };

	(void)state;
	assert_string_equal(error_text(&err), status_meaning(ERR_BUSY));
	expect_status(ERR_FULL, error_wrap(&err, ERR_FULL, "storing"));
	assert_string_equal(err.message, "storing: the disk is full; reads go on");
}

static void each_wrap_goes_in_front_and_the_last_status_counts(void **state)
{
	struct error err = { 0 };

	(void)state;
	(void)ERROR(&err, ERR_CONFLICT, "the stream is at %d", 1);
	(void)error_wrap(&err, ERR_CONFLICT, "storing %d events", 2);
	expect_status(ERR_TRAP, error_wrap(&err, ERR_TRAP, "deciding on '%s'", "acct-1"));
	assert_int_equal(err.status, ERR_TRAP);
	assert_string_equal(err.message,
			    "deciding on 'acct-1': storing 2 events: the stream is at 1");
}

static void setting_replaces_and_clearing_empties(void **state)
{
	struct error err = { 0 };

	(void)state;
	(void)ERROR(&err, ERR_CONFLICT, "the first");
	(void)ERROR(&err, ERR_IO, "2nd");
	assert_string_equal(err.message, "2nd");
	error_clear(&err);
	assert_int_equal(err.status, OK);
	assert_string_equal(err.message, "");
}

static void errno_becomes_a_status(void **state)
{
	static const struct {
		int value;
		enum status status;
	} table[] = {
		{ ENOSPC, ERR_FULL },   { EDQUOT, ERR_FULL },  { EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED },  { EROFS, ERR_DENIED }, { ENOENT, ERR_NOT_FOUND },
		{ EEXIST, ERR_EXISTS }, { ENOMEM, ERR_NOMEM }, { EIO, ERR_IO },
		{ EINVAL, ERR_IO },     { ENOTDIR, ERR_IO },   { 0, ERR_IO },
		{ 99999, ERR_IO },
	};
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		expect_status(table[i].status, error_set_errno(&err, table[i].value, "opening"));
		assert_int_equal(err.status, table[i].status);
		expect_status(table[i].status, error_set_errno(NULL, table[i].value, "opening"));
	}
}

static void the_system_says_the_reason_behind_the_context(void **state)
{
	struct error err = { 0 };

	(void)state;
	(void)error_set_errno(&err, ENOSPC, "writing '%s'", "a/b");
	assert_string_equal(err.message, "writing 'a/b': No space left on device");
	(void)error_set_errno(&err, 99999, "writing");
	assert_string_equal(err.message, "writing: Unknown error 99999");
}

static void a_text_that_just_fits_is_kept_whole(void **state)
{
	char text[TEXT_MAX_BYTES + 2];
	struct error err = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	text[TEXT_MAX_BYTES] = '\0';
	(void)ERROR(&err, ERR_IO, "%s", text);
	assert_string_equal(err.message, text);
	text[TEXT_MAX_BYTES] = 'b';
	text[TEXT_MAX_BYTES + 1] = '\0';
	(void)ERROR(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.message), TEXT_MAX_BYTES);
	assert_memory_equal(err.message, text, TEXT_MAX_BYTES);
}

/* `ascii` letters and then characters of `size` bytes, longer than any message. */
static void fill(char text[3 * ERROR_MESSAGE_MAX_BYTES], size_t ascii, size_t size)
{
	static const char *const characters[] = { "", "", "\xC3\xA4", "\xE2\x82\xAC",
						  "\xF0\x9F\x98\x80" };
	size_t at = ascii;

	memset(text, 'a', ascii);
	for (; at < (size_t)2 * ERROR_MESSAGE_MAX_BYTES; at += size)
		memcpy(text + at, characters[size], size);
	text[at] = '\0';
}

/* All the characters that fit into `max_bytes` behind `ascii` others, and no part of another. */
static void expect_cut(const struct error *err, size_t ascii, size_t size, const char *prefix)
{
	size_t room = TEXT_MAX_BYTES - strlen(prefix);
	size_t expected = strlen(prefix) + ascii + (room - ascii) / size * size;

	assert_true(utf8_is_valid(span_from_string(err->message)));
	assert_memory_equal(err->message, prefix, strlen(prefix));
	if (strlen(err->message) != expected)
		fail_msg("characters of %zu bytes behind %zu: cut at %zu, not at %zu", size, ascii,
			 strlen(err->message), expected);
}

static void a_cut_text_ends_with_a_whole_character(void **state)
{
	char text[3 * ERROR_MESSAGE_MAX_BYTES];
	struct error err = { 0 };

	(void)state;
	for (size_t size = 2; size <= 4; size++) {
		for (size_t ascii = 0; ascii < 8; ascii++) {
			fill(text, ascii, size);
			(void)ERROR(&err, ERR_IO, "%s", text);
			expect_cut(&err, ascii, size, "");
		}
	}
}

static void a_cause_is_cut_between_characters_too(void **state)
{
	char text[3 * ERROR_MESSAGE_MAX_BYTES];
	struct error err = { 0 };

	(void)state;
	for (size_t size = 2; size <= 4; size++) {
		for (size_t ascii = 0; ascii < 8; ascii++) {
			fill(text, ascii, size);
			(void)ERROR(&err, ERR_IO, "%s", text);
			(void)error_wrap(&err, ERR_IO, "%s", "while storing");
			expect_cut(&err, ascii, size, "while storing: ");
		}
	}
}

static void a_context_without_end_leaves_no_half_of_a_character(void **state)
{
	char text[3 * ERROR_MESSAGE_MAX_BYTES];
	struct error err = { 0 };

	(void)state;
	for (size_t size = 2; size <= 4; size++) {
		for (size_t ascii = 0; ascii < 8; ascii++) {
			fill(text, ascii, size);
			(void)ERROR(&err, ERR_IO, "\xE2\x82\xAC\xE2\x82\xAC");
			(void)error_wrap(&err, ERR_IO, "%s", text);
			assert_true(utf8_is_valid(span_from_string(err.message)));
			assert_in_range(strlen(err.message), TEXT_MAX_BYTES - 3, TEXT_MAX_BYTES);
			(void)error_set_errno(&err, EIO, "%s", text);
			assert_true(utf8_is_valid(span_from_string(err.message)));
			assert_in_range(strlen(err.message), TEXT_MAX_BYTES - 3, TEXT_MAX_BYTES);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_has_a_status_and_a_text),
		cmocka_unit_test(nobody_has_to_want_the_text),
		cmocka_unit_test(an_error_without_a_text_says_what_its_status_means),
		cmocka_unit_test(each_wrap_goes_in_front_and_the_last_status_counts),
		cmocka_unit_test(setting_replaces_and_clearing_empties),
		cmocka_unit_test(errno_becomes_a_status),
		cmocka_unit_test(the_system_says_the_reason_behind_the_context),
		cmocka_unit_test(a_text_that_just_fits_is_kept_whole),
		cmocka_unit_test(a_cut_text_ends_with_a_whole_character),
		cmocka_unit_test(a_cause_is_cut_between_characters_too),
		cmocka_unit_test(a_context_without_end_leaves_no_half_of_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
