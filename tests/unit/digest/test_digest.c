/* SPDX-License-Identifier: Apache-2.0 */
/* test_digest.c - digests against published values. */
#include "digest/digest.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_sha256(struct sha256 digest, const char *hex)
{
	char text[SHA256_HEX_BYTES];

	sha256_format(&digest, text);
	assert_string_equal(text, hex);
}

/* FIPS 180-4 examples. */
static void sha256_gives_the_published_values(void **state)
{
	(void)state;
	expect_sha256(digest_sha256(SPAN_EMPTY),
		      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect_sha256(digest_sha256(SPAN("abc")),
		      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect_sha256(
		digest_sha256(SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void pieces_count_as_one_text(void **state)
{
	const struct span pieces[] = { SPAN("a"), SPAN_EMPTY, SPAN("bc") };
	struct sha256 whole = digest_sha256(SPAN("abc"));
	struct sha256 made = digest_sha256_pieces(pieces, 3);
	struct sha256 other = digest_sha256_pieces(pieces, 2);
	struct sha256 none = digest_sha256_pieces(NULL, 0);
	struct sha256 empty = digest_sha256(SPAN_EMPTY);

	(void)state;
	assert_true(sha256_equal(&whole, &made));
	assert_false(sha256_equal(&whole, &other));
	assert_true(sha256_equal(&none, &empty));
}

/* The values that xxHash's own test vectors and its command line tool give. */
static void xxh3_gives_the_published_values(void **state)
{
	(void)state;
	assert_true(digest_xxh3(SPAN_EMPTY) == UINT64_C(0x2d06800538d394c2));
	assert_true(digest_xxh3(SPAN("abc")) == UINT64_C(0x78af5f94892f3950));
	assert_true(digest_xxh3(SPAN("abc")) == digest_xxh3_seeded(SPAN("abc"), 0));
	assert_true(digest_xxh3(SPAN("abc")) != digest_xxh3_seeded(SPAN("abc"), 1));
	assert_true(digest_xxh3(SPAN("abc")) != digest_xxh3(SPAN("abd")));
}

static void hexadecimal_reads_back_in_either_case(void **state)
{
	struct sha256 digest = digest_sha256(SPAN("abc"));
	struct sha256 parsed = { 0 };

	(void)state;
	assert_true(sha256_parse(
		SPAN("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), &parsed));
	assert_true(sha256_equal(&digest, &parsed));
	parsed = (struct sha256){ 0 };
	assert_true(sha256_parse(
		SPAN("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), &parsed));
	assert_true(sha256_equal(&digest, &parsed));
}

static void what_is_no_digest_is_refused_and_nothing_written(void **state)
{
	struct sha256 untouched = { { 7 } };
	struct sha256 parsed = untouched;

	(void)state;
	assert_false(sha256_parse(SPAN_EMPTY, &parsed));
	assert_false(sha256_parse(
		SPAN("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"), &parsed));
	assert_false(sha256_parse(
		SPAN("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0"),
		&parsed));
	assert_false(sha256_parse(
		SPAN("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag"), &parsed));
	assert_false(sha256_parse(
		SPAN("ba7816bf8f01cfea41414 de5dae2223b00361a396177a9cb410ff61f20015ad"), &parsed));
	assert_true(sha256_equal(&parsed, &untouched));
}

static void *digest_many(void *arg)
{
	struct sha256 expected = digest_sha256(SPAN("abc"));

	for (int i = 0; i < 1000; i++) {
		struct sha256 digest = digest_sha256(SPAN("abc"));

		if (!sha256_equal(&digest, &expected))
			return arg;
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	pthread_t threads[4];
	int marker = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, digest_many, &marker), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed = &marker;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_published_values),
		cmocka_unit_test(pieces_count_as_one_text),
		cmocka_unit_test(xxh3_gives_the_published_values),
		cmocka_unit_test(hexadecimal_reads_back_in_either_case),
		cmocka_unit_test(what_is_no_digest_is_refused_and_nothing_written),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
