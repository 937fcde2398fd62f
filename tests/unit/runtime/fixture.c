/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static void post(struct executor *executor, struct task *task)
{
	struct manual_executor *manual = CONTAINER_OF(executor, struct manual_executor, executor);

	task->next = NULL;
	if (manual->first == NULL)
		manual->first = task;
	else
		manual->last->next = task;
	manual->last = task;
}

static bool run_tasks(struct manual_executor *manual)
{
	struct task *task = manual->first;

	manual->first = NULL;
	manual->last = NULL;
	if (task == NULL)
		return false;
	while (task != NULL) {
		struct task *next = task->next;

		task->run(task);
		task = next;
	}
	return true;
}

bool fixture_run_round(struct fixture *f)
{
	bool ran = run_tasks(&f->pool);

	for (unsigned i = 0; i < LANES; i++)
		ran = run_tasks(&f->lanes[i]) || ran;
	return ran;
}

void fixture_run_tasks(struct fixture *f)
{
	while (fixture_run_round(f))
		;
}

void fixture_settle(struct fixture *f)
{
	bool more;

	do {
		fixture_run_tasks(f);
		more = false;
		for (unsigned i = 0; i < LANES; i++)
			more = runtime_turn(f->runtime, i) || more;
		more = more || f->pool.first != NULL;
		for (unsigned i = 0; i < LANES; i++)
			more = more || f->lanes[i].first != NULL;
	} while (more);
}

static void note_fatal(void *arg, const char *message)
{
	struct fixture *f = arg;

	(void)message;
	f->fatal_count++;
}

static void start(struct fixture *f)
{
	struct error err = { 0 };

	f->options.store = f->store;
	if (runtime_new(&f->options, &f->runtime, &err) != OK)
		fail_msg("runtime_new: %s", error_text(&err));
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };

	CHECK(f != NULL);
	clock_manual_init(&f->clock, START_US);
	random_seeded_init(&f->random, 1);
	CHECK(metrics_new(&f->metrics, &err) == OK);
	const struct store_options store_options = { .fatal = note_fatal, .fatal_arg = f };
	CHECK(mem_open(&store_options, &f->random.random, START_US, &f->store, &err) == OK);
	f->account = native_component_new("account", "1", &native_account);
	f->components[0] = &f->account->component;
	f->pool.executor.post = post;
	for (unsigned i = 0; i < LANES; i++) {
		f->lanes[i].executor.post = post;
		f->lane_executors[i] = &f->lanes[i].executor;
	}
	f->options = (struct runtime_options){
		.clock = &f->clock.clock,
		.random = &f->random.random,
		.metrics = f->metrics,
		.application = SPAN("bank"),
		.components = f->components,
		.component_count = 1,
		.lanes = f->lane_executors,
		.lane_count = LANES,
		.pool = &f->pool.executor,
		.recheck_one_in = 1,
	};
	start(f);
	*state = f;
	return 0;
}

void fixture_restart(struct fixture *f)
{
	fixture_settle(f);
	runtime_free(f->runtime);
	start(f);
}

static void ignore_done(struct append *append, enum status status)
{
	(void)append;
	assert_int_equal(status, OK);
}

void fixture_append(struct fixture *f, const struct frame *frame)
{
	struct error err = { 0 };
	struct append append = { .frames = frame,
				 .frame_count = 1,
				 .expected_number = frame->number - 1,
				 .done = ignore_done };

	if (store_append(f->store, &append, &err) != OK)
		fail_msg("store_append: %s", error_text(&err));
	while (store_flush(f->store))
		;
}

void fixture_put_frame(struct fixture *f, const struct frame *frame)
{
	fixture_settle(f);
	runtime_free(f->runtime);
	fixture_append(f, frame);
	start(f);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_settle(f);
	runtime_free(f->runtime);
	store_close(f->store);
	/* Every instance that was opened has been closed. */
	assert_int_equal(atomic_load(&f->account->open_now), 0);
	native_component_free(f->account);
	metrics_free(f->metrics);
	random_seeded_fini(&f->random);
	clock_manual_fini(&f->clock);
	while (f->sent != NULL) {
		struct sent *next = f->sent->next;

		/* Every request is answered exactly once. */
		assert_int_equal(f->sent->answers, 1);
		arena_free(f->sent->arena);
		free(f->sent);
		f->sent = next;
	}
	free(f);
	return 0;
}

static void answer(struct work *work)
{
	CONTAINER_OF(work, struct sent, work)->answers++;
}

struct sent *fixture_request(struct fixture *f, unsigned lane)
{
	struct sent *sent = calloc(1, sizeof(*sent));

	CHECK(sent != NULL);
	sent->arena = arena_new((size_t)64 << 20);
	CHECK(sent->arena != NULL);
	sent->work.lane = lane;
	sent->work.arena = sent->arena;
	sent->work.answer = answer;
	sent->next = f->sent;
	f->sent = sent;
	return sent;
}

struct sent *fixture_send_id(struct fixture *f, const char *key, const char *id, const char *type,
			     const char *data)
{
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream = (struct stream_name){ SPAN("account"), span_from_string(key) };
	sent->command.id = span_from_string(id);
	sent->command.type = span_from_string(type);
	sent->command.data = span_from_string(data);
	command_submit(f->runtime, &sent->command);
	return sent;
}

struct sent *fixture_send(struct fixture *f, const char *key, const char *type, const char *data)
{
	return fixture_send_id(f, key, "", type, data);
}

struct sent *fixture_read(struct fixture *f, const char *key)
{
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream = (struct stream_name){ SPAN("account"), span_from_string(key) };
	state_submit(f->runtime, &sent->state);
	return sent;
}

void fixture_accept(struct fixture *f, const char *key, const char *type, const char *data)
{
	struct sent *sent = fixture_send(f, key, type, data);

	fixture_settle(f);
	if (sent->work.failure != FAILURE_NONE)
		fail_msg("%s %s: %s: %s", key, type, failure_word(sent->work.failure),
			 error_text(&sent->work.err));
	assert_false(sent->command.rejected);
}

void fixture_assert_span(struct span span, const char *text, const char *file, int line)
{
	if (span_equal_string(span, text))
		return;
	print_error("'%.*s' is not '%s'\n", SPAN_ARG(span), text);
	_fail(file, line);
}
