/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes that are threads: what holds for one lane holds for several that fight for the same streams,
 * on both engines. Run under ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/thread.h"
#include "lib/native_component.h"
#include "runtime/command.h"
#include "runtime/state.h"
#include "store_journal/journal.h"
#include "store_mem/mem.h"

#define LANES    3
#define CLIENTS  8 /* a lane's requests under way at once */
#define KEYS     5
#define COMMANDS 400 /* a lane's */

/* An event loop of nothing but tasks and turns. */
struct test_lane {
	struct executor executor;
	struct mutex mu; /* RANK_QUEUE */
	struct cond more;
	struct task *first; /* mu */
	struct task *last;  /* mu */
	struct thread thread;
	struct runtime *runtime;
	unsigned index;
	atomic_bool stop;

	unsigned left; /* commands to send; the lane's own from here on */
	unsigned under_way;
	unsigned accepted;
	unsigned rejected;
	unsigned failed;
	_Atomic unsigned *finished;
};

struct client {
	struct test_lane *lane;
	struct arena *arena;
	struct command_request request;
	unsigned number;
	char key[8];
};

static void post(struct executor *executor, struct task *task)
{
	struct test_lane *lane = CONTAINER_OF(executor, struct test_lane, executor);

	MUTEX_GUARD(&lane->mu);
	task->next = NULL;
	if (lane->first == NULL)
		lane->first = task;
	else
		lane->last->next = task;
	lane->last = task;
	cond_signal(&lane->more);
}

static struct task *take(struct test_lane *lane, bool wait)
{
	MUTEX_GUARD(&lane->mu);

	if (lane->first == NULL && wait)
		(void)cond_wait_ms(&lane->more, &lane->mu, 20);
	struct task *task = lane->first;
	lane->first = NULL;
	lane->last = NULL;
	return task;
}

static void send_next(struct client *client);

static void answered(struct work *work)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);
	struct client *client = CONTAINER_OF(request, struct client, request);
	struct test_lane *lane = client->lane;

	if (work->failure != FAILURE_NONE)
		lane->failed++;
	else if (request->rejected)
		lane->rejected++;
	else
		lane->accepted++;
	lane->under_way--;
	if (lane->left != 0) {
		send_next(client);
	} else {
		arena_free(client->arena);
		free(client);
	}
	if (lane->left == 0 && lane->under_way == 0)
		atomic_fetch_add(lane->finished, 1);
}

static void send_next(struct client *client)
{
	struct test_lane *lane = client->lane;

	lane->left--;
	lane->under_way++;
	arena_clear(client->arena);
	memset(&client->request, 0, sizeof(client->request));
	(void)snprintf(client->key, sizeof(client->key), "k%u", client->number++ % KEYS);
	client->request.work.lane = lane->index;
	client->request.work.arena = client->arena;
	client->request.work.answer = answered;
	client->request.work.stream =
		(struct stream_name){ SPAN("account"), span_from_string(client->key) };
	client->request.type = SPAN("withdraw");
	client->request.data = SPAN("{\"amount\":1}");
	command_submit(lane->runtime, &client->request);
}

static void run_lane(void *arg)
{
	struct test_lane *lane = arg;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = calloc(1, sizeof(*client));

		CHECK(client != NULL);
		client->lane = lane;
		client->number = i;
		client->arena = arena_new((size_t)16 << 20);
		CHECK(client->arena != NULL);
		send_next(client);
	}
	bool again = true;
	while (!atomic_load(&lane->stop)) {
		for (struct task *task = take(lane, !again); task != NULL;) {
			struct task *next = task->next;

			task->run(task);
			task = next;
		}
		again = runtime_turn(lane->runtime, lane->index);
	}
}

struct totals {
	unsigned accepted;
	unsigned rejected;
	unsigned failed;
};

struct seeding {
	struct append append;
	atomic_bool done; /* by whichever thread wrote, perhaps after the frame can be read */
};

static void seed_done(struct append *append, enum status status)
{
	CHECK(status == OK);
	atomic_store(&CONTAINER_OF(append, struct seeding, append)->done, true);
}

static void seed(struct store *store, uint64_t balance)
{
	for (unsigned i = 0; i < KEYS; i++) {
		char key[8];
		char data[64];
		struct frame_event events[2] = { { .type = SPAN("account_opened"),
						   .data = SPAN("{}") },
						 { .type = SPAN("deposited") } };

		(void)snprintf(key, sizeof(key), "k%u", i);
		int size = snprintf(data, sizeof(data), "{\"amount\":%llu}",
				    (unsigned long long)balance);
		events[1].data = span_of(data, (size_t)size);
		struct frame frame = { .kind = FRAME_DECISION,
				       .stream = { SPAN("account"), span_from_string(key) },
				       .number = 1,
				       .time_us = 1,
				       .first_version = 1,
				       .events = events,
				       .event_count = 2 };
		struct seeding seeding = {
			.append = { .frames = &frame, .frame_count = 1, .done = seed_done }
		};

		assert_int_equal(store_append(store, &seeding.append, NULL), OK);
		while (!atomic_load(&seeding.done))
			(void)store_flush(store);
	}
}

static struct totals run(struct store *store, uint64_t balance, uint64_t cache_max_bytes)
{
	struct native_component *account = native_component_new("account", "1", &native_account);
	struct component *components[] = { &account->component };
	struct metrics *metrics;
	struct pool *pool;
	struct runtime *runtime;
	struct test_lane lanes[LANES] = { 0 };
	struct executor *executors[LANES];
	_Atomic unsigned finished = 0;
	struct totals totals = { 0 };

	seed(store, balance);
	assert_int_equal(metrics_new(&metrics, NULL), OK);
	assert_int_equal(pool_new("pool", 2, &pool, NULL), OK);
	for (unsigned i = 0; i < LANES; i++) {
		lanes[i].executor.post = post;
		mutex_init(&lanes[i].mu, RANK_QUEUE);
		cond_init(&lanes[i].more);
		lanes[i].index = i;
		lanes[i].left = COMMANDS;
		lanes[i].finished = &finished;
		executors[i] = &lanes[i].executor;
	}
	const struct runtime_options options = { .store = store,
						 .clock = clock_system(),
						 .random = random_system(),
						 .metrics = metrics,
						 .application = SPAN("bank"),
						 .components = components,
						 .component_count = 1,
						 .lanes = executors,
						 .lane_count = LANES,
						 .pool = pool_executor(pool),
						 .cache_max_bytes = cache_max_bytes,
						 .recheck_one_in = 7 };
	assert_int_equal(runtime_new(&options, &runtime, NULL), OK);
	for (unsigned i = 0; i < LANES; i++) {
		lanes[i].runtime = runtime;
		assert_int_equal(thread_start(&lanes[i].thread, "lane", run_lane, &lanes[i], NULL),
				 OK);
	}
	/* Lanes go on turning until all are done: one may have to write for another. */
	while (atomic_load(&finished) < LANES)
		(void)usleep(1000);
	for (unsigned i = 0; i < LANES; i++)
		atomic_store(&lanes[i].stop, true);
	for (unsigned i = 0; i < LANES; i++) {
		thread_join(&lanes[i].thread);
		totals.accepted += lanes[i].accepted;
		totals.rejected += lanes[i].rejected;
		totals.failed += lanes[i].failed;
	}
	pool_free(pool);
	runtime_free(runtime);
	for (unsigned i = 0; i < LANES; i++) {
		cond_fini(&lanes[i].more);
		mutex_fini(&lanes[i].mu);
	}
	native_component_free(account);
	metrics_free(metrics);
	return totals;
}

static void check_totals(struct store *store, struct totals totals, uint64_t balance)
{
	struct store_status status;

	/* Exactly what the balances carry, however the lanes fought over them. */
	assert_int_equal(totals.failed, 0);
	assert_int_equal(totals.accepted, KEYS * balance);
	assert_int_equal(totals.accepted + totals.rejected, LANES * COMMANDS);
	store_status(store, &status);
	assert_int_equal(status.event_count, KEYS * 2 + totals.accepted);
}

static void lanes_that_share_streams_never_accept_too_much_on_store_mem(void **state)
{
	const struct store_options options = { 0 };
	OWNED(store) struct store *store = NULL;

	(void)state;
	assert_int_equal(mem_open(&options, NULL, 1, &store, NULL), OK);
	check_totals(store, run(store, 100, 0), 100);
}

static void nor_when_states_are_forgotten_all_the_time(void **state)
{
	const struct store_options options = { 0 };
	OWNED(store) struct store *store = NULL;

	(void)state;
	assert_int_equal(mem_open(&options, NULL, 1, &store, NULL), OK);
	check_totals(store, run(store, 100, 64), 100);
}

static void nor_on_the_journal(void **state)
{
	char directory[] = "/tmp/concordance-lanes-XXXXXX";
	struct error err = { 0 };
	OWNED(store) struct store *store = NULL;

	(void)state;
	assert_non_null(mkdtemp(directory));
	const struct journal_options options = { .create = true, .segment_bytes = 16 << 20 };
	if (journal_open(directory, &options, &store, &err) != OK)
		fail_msg("journal_open: %s", error_text(&err));
	check_totals(store, run(store, 100, 0), 100);
	store_close(TAKE(store));
	char command[64];
	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_that_share_streams_never_accept_too_much_on_store_mem),
		cmocka_unit_test(nor_when_states_are_forgotten_all_the_time),
		cmocka_unit_test(nor_on_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
