/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/clients.h"
#include "store_journal/journal.h"
#include "store_mem/mem.h"
/* Whose thread this is: the simulator has one for all lanes and the pool. */
#include "runtime/internal.h"

uint64_t tally[TALLY_COUNT];

#define START_US      UINT64_C(1700000000000000)
#define DIRECTORY     "data"
#define SEGMENT_BYTES ((uint64_t)64 << 10)
#define ROUNDS_MAX    20000

uint64_t world_below(struct world *world, uint64_t bound)
{
	return random_below(&world->random.random, bound);
}

bool world_chance(struct world *world, unsigned percent)
{
	return world_below(world, 100) < percent;
}

/* ---- executors -------------------------------------------------------------------------------- */

static void post(struct executor *executor, struct task *task)
{
	struct world_executor *own = CONTAINER_OF(executor, struct world_executor, executor);
	struct task **at = &own->first;

	while (*at != NULL)
		at = &(*at)->next;
	task->next = NULL;
	*at = task;
	own->count++;
}

static void run_task(struct world_executor *own, size_t index)
{
	struct task **at = &own->first;

	CHECK(index < own->count);
	for (; index != 0; index--)
		at = &(*at)->next;
	struct task *task = *at;
	*at = task->next;
	own->count--;
	task->run(task);
}

void world_run_lane(struct world *world, unsigned lane)
{
	struct world_executor *own = &world->lanes[lane];

	world->on_lane = lane;
	lane_current = &world->runtime->lanes[lane];
	for (uint64_t n = 1 + world_below(world, 8); n != 0 && own->count != 0; n--)
		run_task(own, 0);
	world->on_lane = WORLD_LANES_MAX;
}

void world_run_pool(struct world *world)
{
	if (world->pool.count == 0)
		return;
	lane_current = NULL;
	/* It has several threads: they begin in order and end in any. */
	run_task(&world->pool,
		 (size_t)world_below(world, world->pool.count < 3 ? world->pool.count : 3));
}

void world_end_turn(struct world *world, unsigned lane)
{
	world->on_lane = lane;
	(void)runtime_turn(world->runtime, lane);
	world->on_lane = WORLD_LANES_MAX;
}

void world_settle(struct world *world)
{
	for (unsigned round = 0; runtime_requests(world->runtime) != 0; round++) {
		MUST(round < ROUNDS_MAX, "%" PRIu64 " requests are never answered",
		     runtime_requests(world->runtime));
		world_run_pool(world);
		for (unsigned i = 0; i < world->options.lane_count; i++) {
			world_run_lane(world, i);
			world_end_turn(world, i);
		}
	}
	/* What was posted besides: lanes that were woken. */
	for (unsigned i = 0; i < world->options.lane_count; i++)
		while (world->lanes[i].count != 0)
			world_run_lane(world, i);
	CHECK(world->pool.count == 0);
}

/* ---- the component ---------------------------------------------------------------------------- */

static enum status handle(void *arg, const struct component_call *call, struct span state,
			  const struct component_command *command, struct component_decision *ret,
			  struct error *err)
{
	struct world *world = arg;

	if (world->slow && world_chance(world, 30))
		clock_manual_advance_us(&world->clock, 20000);
	return native_account.handle(native_account.arg, call, state, command, ret, err);
}

static enum status apply(void *arg, const struct component_call *call, struct span state,
			 const struct component_event *events, size_t count, struct span *ret_state,
			 struct error *err)
{
	(void)arg;
	return native_account.apply(native_account.arg, call, state, events, count, ret_state, err);
}

void world_fail_component(struct world *world)
{
	static const int failures[] = { NATIVE_TRAP,     NATIVE_DEADLINE,  NATIVE_LIMIT,
					NATIVE_BAD_JSON, NATIVE_TOO_LARGE, NATIVE_CANNOT_FOLD };
	struct native_component *account = world->account;

	world_heal(world);
	atomic_store(&account->fail_count, 1 + world_below(world, 3));
	int failure = failures[world_below(world, ARRAY_COUNT(failures))];
	switch (world_below(world, 5)) {
	case 0:
		atomic_store(&account->fail_open, world_chance(world, 50) ? ERR_TRAP : ERR_BUSY);
		break;
	case 1:
	case 2:
		atomic_store(&account->fail_apply, failure);
		break;
	default:
		atomic_store(&account->fail_handle, failure);
		break;
	}
	world->failures_injected++;
}

bool world_is_failing(struct world *world)
{
	struct native_component *account = world->account;

	return atomic_load(&account->fail_open) != OK ||
	       atomic_load(&account->fail_handle) != NATIVE_FINE ||
	       atomic_load(&account->fail_apply) != NATIVE_FINE;
}

void world_heal(struct world *world)
{
	atomic_store(&world->account->fail_open, OK);
	atomic_store(&world->account->fail_handle, NATIVE_FINE);
	atomic_store(&world->account->fail_apply, NATIVE_FINE);
	atomic_store(&world->account->fail_count, 0);
}

/* ---- time and disk ---------------------------------------------------------------------------- */

void world_move_clock(struct world *world)
{
	uint64_t now_us = clock_wall_us(&world->clock.clock);

	if (world_chance(world, 80))
		clock_manual_advance_us(&world->clock, world_below(world, 5000));
	else if (world_chance(world, 50)) /* back, as when somebody sets it right */
		clock_manual_set_wall_us(&world->clock, now_us - world_below(world, 60000000));
	else
		clock_manual_set_wall_us(&world->clock, now_us + world_below(world, 60000000));
}

void world_plan_crash(struct world *world)
{
	uint64_t nth = 1 + world_below(world, world_chance(world, 50) ? 3 : 30);

	if (!world->journal || world->dead || world->planned)
		return;
	world->planned = true;
	world->killed = world_chance(world, 30);
	if (world->killed)
		vfs_sim_kill_at(world->vfs, nth);
	else if (world_chance(world, 70))
		vfs_sim_crash_at(world->vfs, nth);
	else
		vfs_sim_fail_at(world->vfs, nth, ERR_IO);
}

void world_fill_disk(struct world *world)
{
	bool full = world_chance(world, 40);

	world->was_full = world->was_full || full;
	if (world->journal)
		vfs_sim_set_capacity(world->vfs, full ? SEGMENT_BYTES * 2 : 0);
	else
		mem_set_full(world->store, full);
}

/* ---- the process ------------------------------------------------------------------------------ */

static void note_fatal(void *arg, const char *message)
{
	struct world *world = arg;

	(void)message;
	world->dead = true;
}

static enum status open_store(struct world *world, struct error *err)
{
	const struct store_options base = { .fatal = note_fatal, .fatal_arg = world };
	const struct journal_options options = {
		.base = base,
		.vfs = vfs_sim_vfs(world->vfs),
		.clock = &world->clock.clock,
		.random = &world->inner.random,
		.segment_bytes = SEGMENT_BYTES,
		.create = true,
		.flusher = JOURNAL_FLUSH_INLINE,
		.without_threads = true,
	};

	if (world->journal)
		return journal_open(DIRECTORY, &options, &world->store, err);
	return mem_open(&base, &world->inner.random, START_US, &world->store, err);
}

static void start_runtime(struct world *world)
{
	struct error err = { 0 };

	CHECK(metrics_new(&world->metrics, &err) == OK);
	world->options.metrics = world->metrics;
	world->options.store = world->store;
	if (runtime_new(&world->options, &world->runtime, &err) != OK)
		broken("runtime_new: %s", error_text(&err));
}

static void end_runtime(struct world *world)
{
	world_settle(world);
	runtime_free(world->runtime);
	metrics_free(world->metrics);
	lane_current = NULL;
}

/* The disk as the next process finds it. */
static void come_back(struct world *world)
{
	if (!vfs_sim_has_crashed(world->vfs)) {
		tally[world->dead ? TALLY_disk_failed : TALLY_ended_in_order]++;
		vfs_sim_continue(world->vfs); /* what was planned and did not happen will not */
	} else if (world->killed) {
		tally[TALLY_process_killed]++;
		vfs_sim_continue(world->vfs);
	} else {
		tally[TALLY_machine_stopped]++;
		vfs_sim_restart(world->vfs, world_below(world, UINT64_MAX));
	}
	world->planned = false;
	world->killed = false;
	vfs_sim_fail_at(world->vfs, 0, OK);
	world->dead = false;
}

void world_restart(struct world *world)
{
	struct error err = { 0 };

	if (!world->dead)
		world_heal(world);
	end_runtime(world);
	if (!world->journal) {
		start_runtime(world);
		return;
	}
	store_close(world->store);
	world->store = NULL;
	come_back(world);
	vfs_sim_set_capacity(world->vfs, 0);
	if (world_chance(world, 20)) {
		/* It crashes again while it starts. */
		tally[TALLY_stopped_while_starting]++;
		vfs_sim_crash_at(world->vfs, 1 + world_below(world, 8));
		if (open_store(world, &err) == OK)
			store_close(world->store);
		come_back(world);
	}
	if (open_store(world, &err) != OK)
		broken("the journal cannot be opened again: %s", error_text(&err));
	model_compare(&world->model, world->store);
	clients_restarted(world);
	start_runtime(world);
}

void world_init(struct world *world, bool journal, uint64_t seed)
{
	const struct native_functions functions = { .handle = handle,
						    .apply = apply,
						    .arg = world };
	struct error err = { 0 };

	memset(world, 0, sizeof(*world));
	world->journal = journal;
	random_seeded_init(&world->random, seed);
	random_seeded_init(&world->inner, seed + 1);
	clock_manual_init(&world->clock, START_US);
	world->vfs = vfs_sim_new();
	world->account = native_component_new("account", "1", &functions);
	world->components[0] = &world->account->component;
	world->slow = world_chance(world, 40);
	world->on_lane = WORLD_LANES_MAX;
	world->pool.executor.post = post;
	for (unsigned i = 0; i < WORLD_LANES_MAX; i++) {
		world->lanes[i].executor.post = post;
		world->lane_executors[i] = &world->lanes[i].executor;
	}
	world->options = (struct runtime_options){
		.clock = &world->clock.clock,
		.random = &world->inner.random,
		.application = SPAN("bank"),
		.components = world->components,
		.component_count = 1,
		.lanes = world->lane_executors,
		.lane_count = 1 + (size_t)world_below(world, WORLD_LANES_MAX),
		.pool = &world->pool.executor,
		.external_accept_any = true,
		/* Nothing stays in memory, or a few streams, or all. */
		.cache_max_bytes = world_chance(world, 30)   ? 1
				   : world_chance(world, 30) ? 1500
							     : 0,
		.mailbox_max = world_chance(world, 20) ? 3 : 0,
		.recheck_one_in = 1 + world_below(world, 3),
	};
	model_init(&world->model);
	clients_init(world);
	if (open_store(world, &err) != OK)
		broken("open: %s", error_text(&err));
	start_runtime(world);
}

void world_fini(struct world *world)
{
	end_runtime(world);
	store_close(world->store);
	clients_fini(world);
	model_fini(&world->model);
	CHECK(atomic_load(&world->account->open_now) == 0);
	native_component_free(world->account);
	vfs_sim_free(world->vfs);
	clock_manual_fini(&world->clock);
	random_seeded_fini(&world->inner);
	random_seeded_fini(&world->random);
}
