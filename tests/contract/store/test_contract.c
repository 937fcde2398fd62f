/* SPDX-License-Identifier: Apache-2.0 */
/* test_contract.c - what store.h promises, claim by claim, on every engine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "contract/store/engines.h"

static const struct engine *current; /* of the group that runs */

static int setup_segments(void **state, uint64_t segment_bytes)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_init(f, current, segment_bytes);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_segments(state, 1 << 20);
}

/* With segments that take the largest append. */
static int setup_large(void **state)
{
	return setup_segments(state, 16 << 20);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fixture_fini(f);
	free(f);
	return 0;
}

static void put(struct fixture *f, const struct work_shape *shape)
{
	struct error err = { 0 };

	if (store_put(f->store, shape, &err) != OK)
		fail_msg("%s", error_text(&err));
}

/* ---- sequences of one event frames: what a read gave, as numbers ---------------------------------- */

struct seen {
	uint64_t sequences[4096];
	size_t count;
	size_t stop_after; /* 0: never */
};

static bool see(const struct frame *frame, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->count < ARRAY_COUNT(seen->sequences));
	seen->sequences[seen->count++] = frame->sequence;
	return seen->count != seen->stop_after;
}

static struct seen seen;

static void check_seen(size_t count, const uint64_t *sequences)
{
	assert_int_equal(seen.count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(seen.sequences[i], sequences[i]);
}
#define EXPECT_SEEN(...)                                                   \
	check_seen(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), \
		   (const uint64_t[]){ __VA_ARGS__ })

static void look_stream(struct fixture *f, const char *key, uint64_t from,
			const struct read_options *options)
{
	seen.count = 0;
	expect_status(OK, store_read_stream(f->store, stream_of("account", key), from, options, see,
					    &seen, NULL));
}

static uint64_t look_all(struct fixture *f, uint64_t from, const struct read_options *options)
{
	uint64_t scanned = 77;

	seen.count = 0;
	expect_status(OK, store_read_all(f->store, from, options, see, &seen, &scanned, NULL));
	return scanned;
}

static const struct read_options forward = { .direction = FORWARD };
static const struct read_options backward = { .direction = BACKWARD };

/* ---- claims ------------------------------------------------------------------------------------ */

static void an_empty_store_has_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_status status;
	struct stream_head head = store_head(f->store, stream_of("account", "a"));

	assert_int_equal(head.number, 0);
	assert_int_equal(head.version, 0);
	assert_int_equal(store_durable(f->store), 0);
	assert_int_equal(look_all(f, 0, &forward), 0);
	assert_int_equal(look_all(f, UINT64_MAX, &backward), 0);
	look_stream(f, "a", 0, &forward);
	assert_int_equal(seen.count, 0);
	look_stream(f, "a", UINT64_MAX, &backward);
	assert_int_equal(seen.count, 0);
	expect_status(ERR_NOT_FOUND, store_find_command(f->store, stream_of("account", "a"),
							SPAN("c"), see, &seen, NULL));
	store_status(f->store, &status);
	assert_int_equal(status.mode, STORE_READ_WRITE);
	assert_int_equal(status.accepted_sequence, 0);
	assert_int_equal(status.event_count, 0);
	assert_int_equal(status.stream_count, 0);
	assert_false(store_flush(f->store));
}

static void an_append_is_invisible_until_it_is_flushed(void **state)
{
	struct fixture *f = *state;
	struct work *work = work_new(
		(struct stream_head){ 0 },
		&(struct work_shape){ .key = "a", .event_count = 2, .time_us = 5, .command = "c" });
	struct store_status status;
	struct stream_head head;

	expect_status(OK, store_append(f->store, &work->append, NULL));
	assert_int_equal(atomic_load(&work->calls), 0);
	assert_int_equal(store_durable(f->store), 0);
	look_stream(f, "a", 0, &forward);
	assert_int_equal(seen.count, 0);
	assert_int_equal(look_all(f, 0, &forward), 0);
	expect_status(ERR_NOT_FOUND, store_find_command(f->store, stream_of("account", "a"),
							SPAN("c"), see, &seen, NULL));
	head = store_head(f->store, stream_of("account", "a")); /* accepted frames count */
	assert_int_equal(head.number, 1);
	assert_int_equal(head.version, 2);
	assert_int_equal(head.time_us, 5);
	store_status(f->store, &status);
	assert_int_equal(status.accepted_sequence, 1);
	assert_int_equal(status.durable_sequence, 0);
	assert_int_equal(status.stream_count, 0);

	work_settle(f->store, work);
	assert_int_equal(atomic_load(&work->calls), 1);
	assert_int_equal(atomic_load(&work->status), OK);
	assert_int_equal(work->append.first_sequence, 1);
	assert_int_equal(store_durable(f->store), 1);
	look_stream(f, "a", 0, &forward);
	EXPECT_SEEN(1);
	store_status(f->store, &status);
	assert_int_equal(status.durable_sequence, 1);
	assert_int_equal(status.event_count, 2);
	assert_int_equal(status.stream_count, 1);
	work_free(work);
}

static void appends_are_done_once_each_in_the_order_of_the_log(void **state)
{
	struct fixture *f = *state;
	struct work *works[50];
	struct stream_head heads[3] = { { 0 } };
	static const char *const keys[] = { "a", "b", "c" };
	uint64_t sequence = 1;

	for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
		struct stream_head *head = &heads[i % 3];

		works[i] = work_new(*head, &(struct work_shape){ .key = keys[i % 3],
								 .frame_count = 1 + i % 4,
								 .event_count = i % 3 });
		expect_status(OK, store_append(f->store, &works[i]->append, NULL));
		*head = work_head(works[i]);
	}
	work_settle(f->store, works[ARRAY_COUNT(works) - 1]);
	for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
		assert_int_equal(atomic_load(&works[i]->calls), 1);
		assert_int_equal(works[i]->append.first_sequence, sequence);
		sequence += works[i]->append.frame_count;
		if (i != 0)
			assert_true(works[i]->order > works[i - 1]->order);
	}
	assert_int_equal(store_durable(f->store), sequence - 1);
	for (size_t i = 0; i < ARRAY_COUNT(works); i++)
		work_free(works[i]);
}

static void of_two_appends_to_the_same_frame_number_the_second_conflicts(void **state)
{
	struct fixture *f = *state;
	const struct work_shape shape = { .key = "a", .event_count = 1 };
	struct work *first = work_new((struct stream_head){ 0 }, &shape);
	struct work *second = work_new((struct stream_head){ 0 }, &shape);
	struct error err = { 0 };

	expect_status(OK, store_append(f->store, &first->append, NULL));
	expect_status(ERR_CONFLICT, store_append(f->store, &second->append, &err)); /* pending */
	assert_string_equal(error_text(&err), "stream 'account/a' is at frame 1, not 0");
	work_settle(f->store, first);
	expect_status(ERR_CONFLICT, store_append(f->store, &second->append, NULL)); /* durable */
	store_settle(f->store);
	assert_int_equal(atomic_load(&second->calls), 0);
	assert_int_equal(store_durable(f->store), 1);
	work_free(first);
	work_free(second);
}

static void an_append_may_follow_one_that_is_pending(void **state)
{
	struct fixture *f = *state;
	struct work *works[3];
	struct stream_head head = { 0 };

	for (size_t i = 0; i < 3; i++) {
		works[i] = work_new(head, &(struct work_shape){ .key = "a", .event_count = 1 });
		expect_status(OK, store_append(f->store, &works[i]->append, NULL));
		head = work_head(works[i]);
	}
	work_settle(f->store, works[2]);
	look_stream(f, "a", 0, &forward);
	EXPECT_SEEN(1, 2, 3);
	for (size_t i = 0; i < 3; i++)
		work_free(works[i]);
}

static void frames_that_do_not_follow_their_stream_are_invalid(void **state)
{
	struct fixture *f = *state;
	const struct work_shape shape = {
		.key = "a", .event_count = 2, .frame_count = 2, .time_us = 100
	};
	struct work *work;
	struct frame *frames;
	struct stream_head head;

	put(f, &shape);
	head = store_head(f->store, stream_of("account", "a"));
	for (unsigned kind = 0; kind < 7; kind++) {
		work = work_new(head, &shape);
		frames = (struct frame *)(uintptr_t)work->append.frames;
		switch (kind) {
		case 0:
			work->append.frame_count = 0;
			break;
		case 1:
			frames[0].number++;
			break;
		case 2:
			frames[1].number = frames[0].number;
			break;
		case 3:
			frames[0].first_version++;
			break;
		case 4:
			frames[1].first_version--;
			break;
		case 5:
			frames[0].time_us = 99;
			break;
		default:
			frames[1].stream.key = SPAN("b");
			break;
		}
		expect_status(ERR_INVALID, store_append(f->store, &work->append, NULL));
		work_free(work);
	}
	store_settle(f->store);
	assert_int_equal(store_durable(f->store), 2);
	assert_int_equal(store_head(f->store, stream_of("account", "a")).number, 2);
}

static void a_frame_comes_back_as_it_went_in(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf in = { 0 };
	OWNED(buf) struct buf out = { 0 };
	struct random_seeded random;

	random_seeded_init(&random, 7);
	for (size_t i = 0; i < 40; i++) {
		char key[16], command[16];
		const struct work_shape shape = { .key = key,
						  .event_count = i % 5,
						  .frame_count = 1 + i % 3,
						  .data_bytes = i * 97,
						  .command = i % 4 != 0 ? command : NULL,
						  .type = i % 2 != 0 ? "Money.Moved-2" : NULL,
						  .time_us = 1000 + i,
						  .random = &random.random };
		struct work *work;

		(void)snprintf(key, sizeof(key), "k/%zu\xc3\xa9", i % 7);
		(void)snprintf(command, sizeof(command), "$c-%zu", i);
		work = work_new(store_head(f->store, stream_of("account", key)), &shape);
		expect_status(OK, store_append(f->store, &work->append, NULL));
		work_settle(f->store, work);
		for (size_t n = 0; n < work->append.frame_count; n++) {
			struct frame frame = work->append.frames[n];

			frame.sequence = work->append.first_sequence + n;
			frame_describe(&in, &frame);
		}
		work_free(work);
	}
	read_all_text(f->store, 1, &forward, NULL, &out);
	buf_append_byte(&in, '\0');
	assert_int_equal(buf_status(&in), OK);
	assert_string_equal(out.data, in.data);
	random_seeded_fini(&random);
}

static void limits_are_the_contracts(void **state)
{
	struct fixture *f = *state;
	size_t overhead, low = 900000, high = 1000001;
	struct work *work;

	/* The largest data that fits, found by trying: over by one byte is ERR_LIMIT. */
	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;
		OWNED(buf) struct buf buf = { 0 };

		work = work_new(
			(struct stream_head){ 0 },
			&(struct work_shape){ .key = "a", .event_count = 1, .data_bytes = middle });
		if (frame_encode(work->append.frames, &buf, NULL) == OK)
			low = middle;
		else
			high = middle;
		work_free(work);
	}
	overhead = FRAME_MAX_BYTES - low;
	assert_in_range(overhead, 40, 100);
	work = work_new(
		(struct stream_head){ 0 },
		&(struct work_shape){ .key = "a", .event_count = 1, .data_bytes = low + 1 });
	expect_status(ERR_LIMIT, store_append(f->store, &work->append, NULL));
	work_free(work);
	assert_int_equal(store_head(f->store, stream_of("account", "a")).number, 0);
	put(f, &(struct work_shape){ .key = "a", .event_count = 1, .data_bytes = low });

	put(f, &(struct work_shape){ .key = "b", .event_count = FRAME_EVENTS_MAX });
	work = work_new((struct stream_head){ 0 },
			&(struct work_shape){ .key = "c", .event_count = FRAME_EVENTS_MAX + 1 });
	expect_status(ERR_LIMIT, store_append(f->store, &work->append, NULL));
	work_free(work);

	put(f, &(struct work_shape){
		       .key = "d", .event_count = 1, .frame_count = 8, .data_bytes = 990000 });
	work = work_new((struct stream_head){ 0 }, &(struct work_shape){ .key = "e",
									 .event_count = 1,
									 .frame_count = 9,
									 .data_bytes = 990000 });
	expect_status(ERR_LIMIT, store_append(f->store, &work->append, NULL));
	work_free(work);
	assert_int_equal(store_durable(f->store), 10);
}

/* Stream "a": frames of 1, 0, 2, 0, 0, 1 events; sequences 1 2 4 5 7 8. Others between. */
static void fill_mixed(struct fixture *f)
{
	put(f, &(struct work_shape){ .key = "a", .event_count = 1 });
	put(f, &(struct work_shape){ .key = "a", .event_count = 0 });
	put(f,
	    &(struct work_shape){
		    .category = "invoice", .key = "b", .event_count = 1, .type = "invoice_paid" });
	put(f, &(struct work_shape){ .key = "a", .event_count = 2, .type = "MoneyMoved" });
	put(f, &(struct work_shape){ .key = "a", .event_count = 0 });
	put(f, &(struct work_shape){ .category = "invoice", .key = "a", .event_count = 0 });
	put(f, &(struct work_shape){ .key = "a", .event_count = 0 });
	put(f, &(struct work_shape){ .key = "a", .event_count = 1 });
}

static void a_stream_is_read_from_the_frame_that_holds_a_version(void **state)
{
	struct fixture *f = *state;

	fill_mixed(f);
	look_stream(f, "a", 0, &forward);
	EXPECT_SEEN(1, 2, 4, 5, 7, 8);
	look_stream(f, "a", 1, &forward);
	EXPECT_SEEN(1, 2, 4, 5, 7, 8);
	look_stream(f, "a", 2, &forward);
	EXPECT_SEEN(4, 5, 7, 8);
	look_stream(f, "a", 3, &forward);
	EXPECT_SEEN(4, 5, 7, 8);
	look_stream(f, "a", 4, &forward);
	EXPECT_SEEN(8);
	look_stream(f, "a", 5, &forward);
	assert_int_equal(seen.count, 0);
	look_stream(f, "a", UINT64_MAX, &forward);
	assert_int_equal(seen.count, 0);

	look_stream(f, "a", UINT64_MAX, &backward);
	EXPECT_SEEN(8, 7, 5, 4, 2, 1);
	look_stream(f, "a", 4, &backward);
	EXPECT_SEEN(8, 7, 5, 4, 2, 1);
	look_stream(f, "a", 99, &backward);
	EXPECT_SEEN(8, 7, 5, 4, 2, 1);
	look_stream(f, "a", 3, &backward);
	EXPECT_SEEN(4, 2, 1);
	look_stream(f, "a", 2, &backward);
	EXPECT_SEEN(4, 2, 1);
	look_stream(f, "a", 1, &backward);
	EXPECT_SEEN(1);
	look_stream(f, "a", 0, &backward);
	assert_int_equal(seen.count, 0);
	look_stream(f, "nobody", 0, &forward);
	assert_int_equal(seen.count, 0);
}

static void a_read_of_a_stream_keeps_to_its_options(void **state)
{
	struct fixture *f = *state;

	fill_mixed(f);
	look_stream(f, "a", 0, &(struct read_options){ .with_events_only = true });
	EXPECT_SEEN(1, 4, 8);
	look_stream(f, "a", UINT64_MAX,
		    &(struct read_options){ .with_events_only = true, .direction = BACKWARD });
	EXPECT_SEEN(8, 4, 1);
	look_stream(f, "a", 0, &(struct read_options){ .frames_max = 3 });
	EXPECT_SEEN(1, 2, 4);
	/* Those passed over count: the bound is on work. */
	look_stream(f, "a", 0, &(struct read_options){ .frames_max = 3, .with_events_only = true });
	EXPECT_SEEN(1, 4);
	look_stream(f, "a", UINT64_MAX,
		    &(struct read_options){ .frames_max = 2, .direction = BACKWARD });
	EXPECT_SEEN(8, 7);
	seen.stop_after = 2;
	look_stream(f, "a", 0, &forward);
	seen.stop_after = 0;
	EXPECT_SEEN(1, 2);
}

static void the_log_is_read_from_a_sequence_both_ways(void **state)
{
	struct fixture *f = *state;

	fill_mixed(f);
	assert_int_equal(look_all(f, 0, &forward), 8);
	EXPECT_SEEN(1, 2, 3, 4, 5, 6, 7, 8);
	assert_int_equal(look_all(f, 7, &forward), 8);
	EXPECT_SEEN(7, 8);
	assert_int_equal(look_all(f, 9, &forward), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(look_all(f, UINT64_MAX, &backward), 1);
	EXPECT_SEEN(8, 7, 6, 5, 4, 3, 2, 1);
	assert_int_equal(look_all(f, 3, &backward), 1);
	EXPECT_SEEN(3, 2, 1);
	assert_int_equal(look_all(f, 0, &backward), 0);
	assert_int_equal(seen.count, 0);
	seen.stop_after = 2;
	assert_int_equal(look_all(f, 3, &forward), 4);
	seen.stop_after = 0;
	EXPECT_SEEN(3, 4);
}

static void a_read_of_the_log_keeps_to_its_options(void **state)
{
	struct fixture *f = *state;
	static const struct span moved[] = { { "money_moved", 11 }, { "InvoicePaid", 11 } };

	fill_mixed(f);
	assert_int_equal(look_all(f, 0, &(struct read_options){ .with_events_only = true }), 8);
	EXPECT_SEEN(1, 3, 4, 8);
	assert_int_equal(look_all(f, 0, &(struct read_options){ .category = SPAN("invoice") }), 8);
	EXPECT_SEEN(3, 6);
	assert_int_equal(look_all(f, 0, &(struct read_options){ .types = moved, .type_count = 1 }),
			 8);
	EXPECT_SEEN(4);
	assert_int_equal(look_all(f, UINT64_MAX,
				  &(struct read_options){
					  .direction = BACKWARD, .types = moved, .type_count = 2 }),
			 1);
	EXPECT_SEEN(4, 3);
	assert_int_equal(look_all(f, 0,
				  &(struct read_options){ .types = moved,
							  .type_count = 2,
							  .category = SPAN("account") }),
			 8);
	EXPECT_SEEN(4);
	/* The sequence scanned says where to go on. */
	assert_int_equal(
		look_all(f, 4,
			 &(struct read_options){ .frames_max = 3, .category = SPAN("invoice") }),
		6);
	EXPECT_SEEN(6);
	assert_int_equal(look_all(f, 7,
				  &(struct read_options){ .frames_max = 3,
							  .category = SPAN("invoice"),
							  .direction = BACKWARD }),
			 5);
	EXPECT_SEEN(6);
}

static void long_reads_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct stream_head heads[3] = { { 0 } };
	struct work *works[1500];

	for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
		char key[2] = { (char)('a' + i % 3), '\0' };

		works[i] = work_new(heads[i % 3], &(struct work_shape){ .key = key,
									.event_count = i % 2,
									.data_bytes = i * 3 });
		expect_status(OK, store_append(f->store, &works[i]->append, NULL));
		heads[i % 3] = work_head(works[i]);
		/* The keys are the loop's: an append borrows its frames for the call only. */
	}
	work_settle(f->store, works[ARRAY_COUNT(works) - 1]);
	assert_int_equal(look_all(f, 0, &forward), 1500);
	for (size_t i = 0; i < 1500; i++)
		assert_int_equal(seen.sequences[i], i + 1);
	assert_int_equal(look_all(f, UINT64_MAX, &backward), 1);
	for (size_t i = 0; i < 1500; i++)
		assert_int_equal(seen.sequences[i], 1500 - i);
	look_stream(f, "b", 0, &forward);
	assert_int_equal(seen.count, 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(seen.sequences[i], 2 + 3 * i);
	look_stream(f, "b", UINT64_MAX, &backward);
	assert_int_equal(seen.count, 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(seen.sequences[i], 1499 - 3 * i);
	/* Every version is found in its frame. */
	for (uint64_t version = 1; version <= heads[1].version; version++) {
		look_stream(f, "b", version, &(struct read_options){ .frames_max = 1 });
		assert_int_equal(seen.count, 1);
		assert_int_equal(seen.sequences[0], 2 + 3 * (2 * (version - 1)));
	}
	for (size_t i = 0; i < ARRAY_COUNT(works); i++)
		work_free(works[i]);
}

static void a_command_is_found_by_its_id_in_its_stream(void **state)
{
	struct fixture *f = *state;
	const struct stream_name a = stream_of("account", "a");

	put(f, &(struct work_shape){ .key = "a", .event_count = 1, .command = "c1" });
	put(f, &(struct work_shape){ .key = "b", .event_count = 1, .command = "c2" });
	put(f, &(struct work_shape){ .key = "a", .event_count = 0, .command = "c1" });
	put(f, &(struct work_shape){ .key = "a", .event_count = 1 });
	seen.count = 0;
	expect_status(OK, store_find_command(f->store, a, SPAN("c1"), see, &seen, NULL));
	EXPECT_SEEN(3); /* the newest */
	expect_status(ERR_NOT_FOUND, store_find_command(f->store, a, SPAN("c2"), see, &seen, NULL));
	expect_status(ERR_NOT_FOUND, store_find_command(f->store, a, SPAN("c"), see, &seen, NULL));
	expect_status(ERR_NOT_FOUND, store_find_command(f->store, a, SPAN(""), see, &seen, NULL));
	expect_status(ERR_NOT_FOUND, store_find_command(f->store, stream_of("account", "z"),
							SPAN("c1"), see, &seen, NULL));
}

static void the_last_thousand_commands_of_a_stream_are_known(void **state)
{
	struct fixture *f = *state;
	struct stream_head head = { 0 };
	struct work *works[1000];

	for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
		char command[24];

		(void)snprintf(command, sizeof(command), "command-%zu", i);
		works[i] = work_new(
			head,
			&(struct work_shape){ .key = "a", .event_count = 1, .command = command });
		expect_status(OK, store_append(f->store, &works[i]->append, NULL));
		head = work_head(works[i]);
	}
	work_settle(f->store, works[ARRAY_COUNT(works) - 1]);
	if (f->engine->keeps) {
		store_close(f->store);
		f->store = NULL;
		fixture_open(f, 0);
	}
	for (size_t i = 0; i < ARRAY_COUNT(works); i++) {
		char command[24];

		(void)snprintf(command, sizeof(command), "command-%zu", i);
		seen.count = 0;
		expect_status(OK, store_find_command(f->store, stream_of("account", "a"),
						     span_from_string(command), see, &seen, NULL));
		assert_int_equal(seen.count, 1);
		assert_int_equal(seen.sequences[0], i + 1);
		work_free(works[i]);
	}
}

struct test_observer {
	struct store_observer observer;
	_Atomic uint64_t last;
	_Atomic unsigned calls;
};

static void note_durable(struct store_observer *observer, uint64_t sequence)
{
	struct test_observer *test = CONTAINER_OF(observer, struct test_observer, observer);

	assert_true(sequence > atomic_load(&test->last));
	atomic_store(&test->last, sequence);
	atomic_fetch_add(&test->calls, 1);
}

static void observers_are_told_what_is_durable(void **state)
{
	struct fixture *f = *state;
	struct test_observer one = { .observer.durable = note_durable };
	struct test_observer two = { .observer.durable = note_durable };
	unsigned calls;

	store_observe(f->store, &one.observer);
	store_observe(f->store, &two.observer);
	put(f, &(struct work_shape){ .key = "a", .event_count = 1, .frame_count = 3 });
	store_settle(f->store);
	/* A flusher tells after done(): a write that is over has told. */
	while (atomic_load(&one.last) != 3 || atomic_load(&two.last) != 3)
		(void)store_flush(f->store);
	store_unobserve(f->store, &one.observer);
	calls = atomic_load(&one.calls);
	put(f, &(struct work_shape){ .key = "a", .event_count = 1 });
	while (atomic_load(&two.last) != 4)
		(void)store_flush(f->store);
	assert_int_equal(atomic_load(&one.calls), calls);
	store_unobserve(f->store, &two.observer);
}

static void too_much_that_is_pending_is_busy(void **state)
{
	struct fixture *f = *state;
	struct stream_head head = { 0 };
	struct work *works[100];
	size_t count = 0;
	enum status s = OK;

	store_close(f->store);
	f->store = NULL;
	fixture_open(f, 200000);
	while (count < ARRAY_COUNT(works)) {
		works[count] = work_new(
			head,
			&(struct work_shape){ .key = "a", .event_count = 1, .data_bytes = 10000 });
		s = store_append(f->store, &works[count]->append, NULL);
		if (s != OK)
			break;
		head = work_head(works[count++]);
	}
	expect_status(ERR_BUSY, s);
	assert_in_range(count, 15, 20);
	assert_int_equal(store_head(f->store, stream_of("account", "a")).number, count);
	work_settle(f->store, works[count - 1]);
	expect_status(OK, store_append(f->store, &works[count]->append, NULL));
	work_settle(f->store, works[count]);
	assert_int_equal(atomic_load(&works[count]->status), OK);
	/* One append that is larger than all that may wait goes in alone. */
	put(f, &(struct work_shape){ .key = "b", .event_count = 1, .data_bytes = 300000 });
	for (size_t i = 0; i <= count; i++)
		work_free(works[i]);
}

static void closing_makes_what_was_accepted_durable(void **state)
{
	struct fixture *f = *state;
	struct work *work = work_new((struct stream_head){ 0 },
				     &(struct work_shape){ .key = "a", .event_count = 1 });

	expect_status(OK, store_append(f->store, &work->append, NULL));
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(atomic_load(&work->calls), 1);
	assert_int_equal(atomic_load(&work->status), OK);
	work_free(work);
	if (f->engine->keeps) {
		fixture_open(f, 0);
		look_all(f, 0, &forward);
		EXPECT_SEEN(1);
	}
}

static void a_write_that_fails_is_the_end(void **state)
{
	struct fixture *f = *state;
	struct work *works[3];
	struct stream_head head = { 0 };
	struct store_status status;

	if (f->engine->break_disk == NULL)
		skip();
	put(f, &(struct work_shape){ .key = "z", .event_count = 1 });
	for (size_t i = 0; i < 2; i++) {
		works[i] = work_new(head, &(struct work_shape){ .key = "a", .event_count = 1 });
		expect_status(OK, store_append(f->store, &works[i]->append, NULL));
		head = work_head(works[i]);
	}
	f->engine->break_disk(f);
	work_settle(f->store, works[1]);
	assert_int_equal(atomic_load(&f->fatal_calls), 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(atomic_load(&works[i]->calls), 1);
		assert_int_equal(atomic_load(&works[i]->status), ERR_IO);
	}
	store_status(f->store, &status);
	assert_int_equal(status.mode, STORE_FAILED);
	assert_int_equal(status.durable_sequence, 1);
	works[2] = work_new(head, &(struct work_shape){ .key = "a", .event_count = 1 });
	expect_status(ERR_CLOSED, store_append(f->store, &works[2]->append, NULL));
	look_all(f, 0, &forward); /* what was durable is still there */
	EXPECT_SEEN(1);
	for (size_t i = 0; i < 3; i++)
		work_free(works[i]);
}

/* ---- several threads ------------------------------------------------------------------------------ */

#define WRITERS 4
#define APPENDS 300

struct crowd {
	struct fixture *f;
	unsigned number;
	_Atomic bool *stop;
	uint64_t conflicts;
	uint64_t stored;
	struct thread thread;
};

/* Half into its own stream, half into the one that all share: there the loser of a race decides
 * again. */
static void crowd_write(void *arg)
{
	struct crowd *crowd = arg;
	struct store *store = crowd->f->store;

	for (unsigned i = 0; i < APPENDS; i++) {
		char key[16] = "shared", command[32];
		const struct work_shape shape = {
			.key = key, .event_count = 1, .data_bytes = 50, .command = command
		};
		enum status s;

		if (i % 2 == 0)
			(void)snprintf(key, sizeof(key), "own-%u", crowd->number);
		(void)snprintf(command, sizeof(command), "%u-%u", crowd->number, i);
		do {
			s = store_put(store, &shape, NULL);
			crowd->conflicts += s == ERR_CONFLICT;
		} while (s == ERR_CONFLICT || s == ERR_BUSY);
		if (s == OK)
			crowd->stored++;
	}
}

static bool count_follows(const struct frame *frame, void *arg)
{
	uint64_t *last = arg;

	if (frame->sequence != *last + 1)
		return false;
	*last = frame->sequence;
	return true;
}

static void crowd_read(void *arg)
{
	struct crowd *crowd = arg;
	struct store *store = crowd->f->store;

	while (!atomic_load(crowd->stop)) {
		uint64_t durable = store_durable(store), last = 0, scanned = 0;

		if (store_read_all(store, 1, &forward, count_follows, &last, &scanned, NULL) !=
			    OK ||
		    last < durable || scanned != last)
			crowd->conflicts++;
		if (store_read_stream(store, stream_of("account", "shared"), 0, &forward, see,
				      &(struct seen){ 0 }, NULL) != OK)
			crowd->conflicts++;
		(void)store_head(store, stream_of("account", "own-1"));
	}
}

static bool note_command(const struct frame *frame, void *arg)
{
	unsigned char *found = arg;
	unsigned writer = 0, number = 0;
	char id[32];

	(void)snprintf(id, sizeof(id), "%.*s", SPAN_ARG(frame->command.id));
	assert_int_equal(sscanf(id, "%u-%u", &writer, &number), 2);
	found[writer * APPENDS + number]++;
	return true;
}

static void threads_that_append_and_read_at_once_get_along(void **state)
{
	struct fixture *f = *state;
	struct crowd writers[WRITERS], reader;
	unsigned char found[WRITERS * APPENDS] = { 0 };
	_Atomic bool stop = false;

	reader = (struct crowd){ .f = f, .stop = &stop };
	expect_status(OK, thread_start(&reader.thread, "reader", crowd_read, &reader, NULL));
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct crowd){ .f = f, .number = i };
		expect_status(OK, thread_start(&writers[i].thread, "writer", crowd_write,
					       &writers[i], NULL));
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		thread_join(&writers[i].thread);
		assert_int_equal(writers[i].stored, APPENDS);
	}
	atomic_store(&stop, true);
	thread_join(&reader.thread);
	assert_int_equal(reader.conflicts, 0);
	store_settle(f->store);
	assert_int_equal(store_durable(f->store), WRITERS * APPENDS);
	expect_status(OK, store_read_all(f->store, 1, &forward, note_command, found, NULL, NULL));
	for (size_t i = 0; i < sizeof(found); i++)
		assert_int_equal(found[i], 1); /* each once */
	assert_int_equal(store_head(f->store, stream_of("account", "shared")).number,
			 WRITERS * APPENDS / 2);
}

static int run(const struct engine *engine)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest claims[] = {
		CLAIM(an_empty_store_has_nothing),
		CLAIM(an_append_is_invisible_until_it_is_flushed),
		CLAIM(appends_are_done_once_each_in_the_order_of_the_log),
		CLAIM(of_two_appends_to_the_same_frame_number_the_second_conflicts),
		CLAIM(an_append_may_follow_one_that_is_pending),
		CLAIM(frames_that_do_not_follow_their_stream_are_invalid),
		CLAIM(a_frame_comes_back_as_it_went_in),
		cmocka_unit_test_setup_teardown(limits_are_the_contracts, setup_large, teardown),
		CLAIM(a_stream_is_read_from_the_frame_that_holds_a_version),
		CLAIM(a_read_of_a_stream_keeps_to_its_options),
		CLAIM(the_log_is_read_from_a_sequence_both_ways),
		CLAIM(a_read_of_the_log_keeps_to_its_options),
		cmocka_unit_test_setup_teardown(long_reads_lose_nothing, setup_large, teardown),
		CLAIM(a_command_is_found_by_its_id_in_its_stream),
		CLAIM(the_last_thousand_commands_of_a_stream_are_known),
		CLAIM(observers_are_told_what_is_durable),
		CLAIM(too_much_that_is_pending_is_busy),
		CLAIM(closing_makes_what_was_accepted_durable),
		CLAIM(a_write_that_fails_is_the_end),
		CLAIM(threads_that_append_and_read_at_once_get_along),
	};

	current = engine;
	return _cmocka_run_group_tests(engine->name, claims, ARRAY_COUNT(claims), NULL, NULL);
}

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < engine_count; i++)
		failed += run(&engines[i]);
	return failed;
}
