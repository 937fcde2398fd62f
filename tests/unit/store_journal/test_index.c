/* SPDX-License-Identifier: Apache-2.0 */
/* test_index.c - where frames are, against counting by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "model/position.h"
#include "store_journal/journal_index.h"
#include "unit/store_journal/journal_fixture.h"

struct index_fixture {
	struct journal_index *index;
	struct stream_key key;
	uint64_t hash;
	struct index_stripe *stripe;
	struct index_stream *stream;
};

static int setup(void **state)
{
	struct index_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->index = aligned_alloc(64, (sizeof(*f->index) + 63) / 64 * 64);
	assert_non_null(f->index);
	expect_status(OK, index_init(f->index, NULL));
	stream_key_init(&f->key, (struct stream_name){ SPAN("account"), SPAN("a") });
	f->hash = index_hash(f->index, &f->key);
	f->stripe = index_stripe(f->index, f->hash);
	mutex_lock(&f->stripe->mu);
	f->stream = index_get_locked(f->index, f->stripe, &f->key, f->hash);
	mutex_unlock(&f->stripe->mu);
	assert_non_null(f->stream);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct index_fixture *f = *state;

	index_fini(f->index);
	free(f->index);
	free(f);
	return 0;
}

static void publish(struct index_fixture *f, uint64_t sequence, uint32_t events,
		    const char *command)
{
	expect_status(OK, index_publish(f->index,
					&(struct index_entry){
						.stream = f->stream,
						.sequence = sequence,
						.event_count = events,
						.command_hash = index_command_hash(
							f->hash, span_from_string(command)) },
					NULL));
}

#define FRAMES 2000

static void every_version_is_found_in_its_frame_both_ways(void **state)
{
	struct index_fixture *f = *state;
	static uint64_t first[FRAMES], last[FRAMES];
	struct random_seeded random;
	uint64_t version = 0;

	random_seeded_init(&random, 3);
	for (uint64_t i = 0; i < FRAMES; i++) {
		uint32_t events = (uint32_t)random_below(&random.random, 4);

		if (i % 200 == 7)
			events = FRAME_EVENTS_MAX;
		first[i] = version + 1;
		version += events;
		last[i] = version;
		publish(f, 10 + i * 3, events, "");
	}
	random_seeded_fini(&random);
	mutex_lock(&f->stripe->mu);
	assert_int_equal(f->stream->durable_version, version);
	for (uint64_t i = 0; i < FRAMES; i++) {
		assert_int_equal(index_sequence_locked(f->stream, i), 10 + i * 3);
		assert_int_equal(index_event_count_locked(f->stream, i), last[i] + 1 - first[i]);
		for (uint64_t v = first[i]; v <= last[i]; v++) {
			assert_int_equal(index_find_version_locked(f->stream, v, FORWARD), i);
			assert_int_equal(index_find_version_locked(f->stream, v, BACKWARD), i);
		}
	}
	assert_int_equal(index_find_version_locked(f->stream, version + 1, FORWARD), UINT64_MAX);
	assert_int_equal(index_find_version_locked(f->stream, 0, FORWARD), 0);
	assert_int_equal(index_find_version_locked(f->stream, UINT64_MAX, BACKWARD), FRAMES - 1);
	assert_int_equal(index_find_version_locked(f->stream, 0, BACKWARD), UINT64_MAX);
	mutex_unlock(&f->stripe->mu);
}

static void sequences_of_36_bits_are_kept_whole(void **state)
{
	struct index_fixture *f = *state;

	publish(f, SEQUENCE_MAX, FRAME_EVENTS_MAX, "c");
	mutex_lock(&f->stripe->mu);
	assert_int_equal(index_sequence_locked(f->stream, 0), SEQUENCE_MAX);
	assert_int_equal(index_event_count_locked(f->stream, 0), FRAME_EVENTS_MAX);
	assert_int_equal(index_find_command_locked(
				 f->stripe, index_command_hash(f->hash, SPAN("c")), UINT64_MAX),
			 SEQUENCE_MAX);
	mutex_unlock(&f->stripe->mu);
	expect_status(ERR_LIMIT, index_set_location(f->index, SEQUENCE_MAX + 1,
						    (struct location){ .size = 64 }, NULL));
}

static void a_location_comes_back_whole(void **state)
{
	struct index_fixture *f = *state;
	const struct location locations[] = {
		{ .offset = 0, .size = 8 },
		{ .offset = UINT64_C(4096), .size = 1000032 },
		{ .offset = (UINT64_C(1) << 50) - 8, .size = 40 },
	};

	for (uint64_t i = 0; i < ARRAY_COUNT(locations); i++) {
		uint64_t sequence = 65535 + i; /* over the edge of a chunk */
		struct location got;

		expect_status(OK, index_set_location(f->index, sequence, locations[i], NULL));
		got = index_location(f->index, sequence);
		assert_int_equal(got.offset, locations[i].offset);
		assert_int_equal(got.size, locations[i].size);
	}
}

static void commands_are_found_newest_first_however_many(void **state)
{
	struct index_fixture *f = *state;

	for (uint64_t i = 0; i < 5000; i++) {
		char command[32];

		(void)snprintf(command, sizeof(command), "c%u", (unsigned)(i % 2500));
		publish(f, i + 1, 1, command);
	}
	mutex_lock(&f->stripe->mu);
	for (uint64_t i = 0; i < 2500; i++) {
		char command[32];
		uint64_t hash, found;

		(void)snprintf(command, sizeof(command), "c%u", (unsigned)i);
		hash = index_command_hash(f->hash, span_from_string(command));
		found = index_find_command_locked(f->stripe, hash, UINT64_MAX);
		assert_int_equal(found, 2500 + i + 1);
		assert_int_equal(index_find_command_locked(f->stripe, hash, found), i + 1);
		assert_int_equal(index_find_command_locked(f->stripe, hash, i + 1), 0);
	}
	assert_int_equal(index_command_hash(f->hash, SPAN_EMPTY), 0);
	assert_int_equal(index_find_command_locked(f->stripe, 0, UINT64_MAX), 0);
	mutex_unlock(&f->stripe->mu);
}

int main(void)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest claims[] = {
		CLAIM(every_version_is_found_in_its_frame_both_ways),
		CLAIM(sequences_of_36_bits_are_kept_whole),
		CLAIM(a_location_comes_back_whole),
		CLAIM(commands_are_found_newest_first_however_many),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
