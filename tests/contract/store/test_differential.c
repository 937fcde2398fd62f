/* SPDX-License-Identifier: Apache-2.0 */
/* test_differential.c - the same random work on the model in memory and on the journal: every answer,
 * and everything that can be read, is the same, also after the journal was closed and opened.
 *
 * CONCORDANCE_SEED chooses the work; a failure prints it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "contract/store/engines.h"

#define ROUNDS   8
#define STEPS    400
#define STREAMS  12
#define COMMANDS 60

struct pair {
	struct fixture f[2]; /* model, journal */
	struct random_seeded random;
	uint64_t seed;
};

static uint64_t below(struct pair *pair, uint64_t bound)
{
	return random_below(&pair->random.random, bound);
}

static void choose_stream(struct pair *pair, const char **ret_category, char key[static 16])
{
	static const char *const categories[] = { "account", "invoice", "external" };
	uint64_t n = below(pair, STREAMS);

	*ret_category = categories[n % 3];
	(void)snprintf(key, 16, "k%" PRIu64, n / 3);
}

static void compare(struct pair *pair, const struct buf *texts, const char *what)
{
	if (texts[0].size != texts[1].size ||
	    memcmp(texts[0].data, texts[1].data, texts[0].size) != 0)
		fail_msg("seed %" PRIu64 ": %s differs\nmodel:\n%s\njournal:\n%s", pair->seed, what,
			 texts[0].data, texts[1].data);
}

/* Several appends, some of which must conflict, then a flush; answers are compared. */
static void step_append(struct pair *pair)
{
	struct work *works[2][8] = { { NULL } };
	size_t count = 1 + (size_t)below(pair, 8);
	bool stale = false;

	for (size_t i = 0; i < count; i++) {
		const char *category;
		char key[16], command[24];
		struct work_shape shape = { .key = key };
		struct stream_head heads[2];
		enum status answers[2];
		uint64_t seed = random_u64(&pair->random.random);

		choose_stream(pair, &category, key);
		(void)snprintf(command, sizeof(command), "c%" PRIu64, below(pair, COMMANDS));
		shape.category = category;
		shape.frame_count = 1 + (size_t)below(pair, 3);
		shape.event_count = (size_t)below(pair, 4);
		shape.data_bytes = (size_t)below(pair, 10) == 0 ? 20000 : (size_t)below(pair, 400);
		shape.command = below(pair, 3) != 0 ? command : NULL;
		shape.type = below(pair, 2) == 0 ? "MoneyMoved" : "opened";
		stale = below(pair, 6) == 0;
		for (size_t e = 0; e < 2; e++) {
			struct random_seeded random;

			heads[e] = store_head(pair->f[e].store, stream_of(category, key));
			if (stale)
				heads[e].number++;
			shape.time_us = heads[e].time_us + seed % 3;
			random_seeded_init(&random, seed);
			shape.random = &random.random;
			works[e][i] = work_new(heads[e], &shape);
			/* A journal may still be preparing room; the model never is. */
			do {
				answers[e] =
					store_append(pair->f[e].store, &works[e][i]->append, NULL);
				if (answers[e] == ERR_BUSY)
					store_settle(pair->f[e].store);
			} while (answers[e] == ERR_BUSY);
			random_seeded_fini(&random);
		}
		if (answers[0] != answers[1] || heads[0].number != heads[1].number ||
		    heads[0].version != heads[1].version || heads[0].time_us != heads[1].time_us)
			fail_msg("seed %" PRIu64 ": %s against %s", pair->seed,
				 status_word(answers[0]), status_word(answers[1]));
		for (size_t e = 0; e < 2; e++) {
			if (answers[e] != OK) {
				work_free(works[e][i]);
				works[e][i] = NULL;
			}
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (works[0][i] == NULL)
			continue;
		for (size_t e = 0; e < 2; e++)
			work_settle(pair->f[e].store, works[e][i]);
		assert_int_equal(atomic_load(&works[1][i]->status), OK);
		assert_int_equal(works[0][i]->append.first_sequence,
				 works[1][i]->append.first_sequence);
		work_free(works[0][i]);
		work_free(works[1][i]);
	}
}

static struct read_options choose_options(struct pair *pair)
{
	static const struct span types[] = { { "money_moved", 11 },
					     { "Opened", 6 },
					     { "none", 4 } };
	struct read_options options = {
		.direction = below(pair, 2) == 0 ? FORWARD : BACKWARD,
		.frames_max = below(pair, 2) == 0 ? 0 : 1 + below(pair, 40),
		.with_events_only = below(pair, 2) == 0,
	};

	if (below(pair, 3) == 0)
		options.category = SPAN("invoice");
	if (below(pair, 3) == 0) {
		options.types = &types[below(pair, 3)];
		options.type_count = 1;
	}
	return options;
}

static void step_read(struct pair *pair)
{
	struct buf texts[2] = { { 0 }, { 0 } };
	struct read_options options = choose_options(pair);
	uint64_t durable = store_durable(pair->f[0].store), scanned[2] = { 0, 0 };
	uint64_t from = below(pair, 4) == 0 ? UINT64_MAX : below(pair, durable + 3);
	const char *category;
	char key[16];

	assert_int_equal(durable, store_durable(pair->f[1].store));
	for (size_t e = 0; e < 2; e++)
		read_all_text(pair->f[e].store, from, &options, &scanned[e], &texts[e]);
	compare(pair, texts, "the log");
	assert_int_equal(scanned[0], scanned[1]);

	choose_stream(pair, &category, key);
	from = below(pair, 4) == 0 ? UINT64_MAX : below(pair, 60);
	options.category = SPAN_EMPTY;
	options.type_count = 0;
	for (size_t e = 0; e < 2; e++)
		read_stream_text(pair->f[e].store, category, key, from, &options, &texts[e]);
	compare(pair, texts, "a stream");
	buf_fini(&texts[0]);
	buf_fini(&texts[1]);
}

static void step_find(struct pair *pair)
{
	struct buf texts[2] = { { 0 }, { 0 } };
	enum status answers[2];
	const char *category;
	char key[16], command[24];

	choose_stream(pair, &category, key);
	(void)snprintf(command, sizeof(command), "c%" PRIu64, below(pair, COMMANDS));
	for (size_t e = 0; e < 2; e++) {
		answers[e] = store_find_command(pair->f[e].store, stream_of(category, key),
						span_from_string(command), describe_visit,
						&texts[e], NULL);
		buf_append_byte(&texts[e], '\0');
	}
	assert_int_equal(answers[0], answers[1]);
	compare(pair, texts, "a command");
	buf_fini(&texts[0]);
	buf_fini(&texts[1]);
}

static void compare_status(struct pair *pair)
{
	struct store_status status[2];

	for (size_t e = 0; e < 2; e++)
		store_status(pair->f[e].store, &status[e]);
	assert_int_equal(status[0].durable_sequence, status[1].durable_sequence);
	assert_int_equal(status[0].accepted_sequence, status[1].accepted_sequence);
	assert_int_equal(status[0].event_count, status[1].event_count);
	assert_int_equal(status[0].stream_count, status[1].stream_count);
	assert_int_equal(status[0].mode, status[1].mode);
}

static void step_reopen(struct pair *pair)
{
	store_close(pair->f[1].store);
	pair->f[1].store = NULL;
	fixture_open(&pair->f[1], 0);
	compare_status(pair);
}

static void run_round(const struct engine *engine, uint64_t seed)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	pair->seed = seed;
	random_seeded_init(&pair->random, seed);
	fixture_init(&pair->f[0], &engines[0], 1 << 20);
	fixture_init(&pair->f[1], engine, 1 << 20);
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t dice = below(pair, 100);

		if (dice < 50)
			step_append(pair);
		else if (dice < 80)
			step_read(pair);
		else if (dice < 97)
			step_find(pair);
		else
			step_reopen(pair);
	}
	compare_status(pair);
	fixture_fini(&pair->f[0]);
	fixture_fini(&pair->f[1]);
	random_seeded_fini(&pair->random);
	free(pair);
}

static void the_model_and_the_journal_never_differ(void **state)
{
	const char *text = getenv("CONCORDANCE_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 20261125;

	(void)state;
	for (uint64_t i = 0; i < ROUNDS; i++)
		run_round(&engines[1 + i % (engine_count - 1)], seed + i);
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test(the_model_and_the_journal_never_differ),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
