/* SPDX-License-Identifier: Apache-2.0 */
/* test_status.c - the words that logs and clients see. */
#include "base/status.h"

#include <string.h>

#include "base/attributes.h"
#include "expect.h"

static const enum status all[] = {
#define X(name, word, meaning) name,
	STATUS_TABLE(X)
#undef X
};

static void every_status_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(status_word(all[i]), status_word(all[j]));
			assert_string_not_equal(status_meaning(all[i]), status_meaning(all[j]));
		}
	}
}

static void words_are_small_letters_and_underscores(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
		const char *word = status_word(all[i]);

		assert_true(strlen(word) != 0);
		assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz_"), strlen(word));
	}
}

static void ok_is_zero_and_words_are_those_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(OK, 0);
	assert_string_equal(status_word(OK), "ok");
	assert_string_equal(status_word(ERR_CONFLICT), "conflict");
	assert_string_equal(status_word(ERR_CLOSED), "closed");
}

static void a_status_outside_the_table_has_words_too(void **state)
{
	(void)state;
	assert_string_equal(status_word((enum status)ARRAY_COUNT(all)), "unknown");
	assert_string_equal(status_meaning((enum status)ARRAY_COUNT(all)),
			    "a status outside the table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_word_of_its_own),
		cmocka_unit_test(words_are_small_letters_and_underscores),
		cmocka_unit_test(ok_is_zero_and_words_are_those_of_the_table),
		cmocka_unit_test(a_status_outside_the_table_has_words_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
