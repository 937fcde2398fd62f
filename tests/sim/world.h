/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "lib/native_component.h"
#include "lib/vfs_sim.h"
#include "runtime/runtime.h"
#include "sim/model.h"

/* world.h - one machine with one process on it, in which nothing happens by itself: tasks of lanes and
 * pool, ends of turns, time, failures and crashes are all drawn from one seed. */

#define WORLD_LANES_MAX 3

/* How often what has happened in all runs of this process: a simulator in which something never
 * happens would promise too much. */
#define TALLY_TABLE(X)                  \
	X(accepted)                     \
	X(accepted_without_events)      \
	X(rejected)                     \
	X(duplicate)                    \
	X(version_conflict)             \
	X(id_reused)                    \
	X(external)                     \
	X(appended)                     \
	X(read_now)                     \
	X(read_past)                    \
	X(read_nothing)                 \
	X(component_failed)             \
	X(busy)                         \
	X(disk_full)                    \
	X(told_of_a_dead_disk)          \
	X(answered_while_the_disk_died) \
	X(ended_in_order)               \
	X(disk_failed)                  \
	X(process_killed)               \
	X(machine_stopped)              \
	X(stopped_while_starting)       \
	X(stored_and_not_answered)

enum tally {
#define X(name) TALLY_##name,
	TALLY_TABLE(X)
#undef X
		TALLY_COUNT
};
extern uint64_t tally[TALLY_COUNT];

struct world_executor {
	struct executor executor;
	struct task *first;
	size_t count;
};

struct world {
	struct random_seeded random; /* what happens */
	struct random_seeded inner;  /* what the program draws */
	uint64_t trace;              /* of all answers: two runs of one seed have the same */

	/* Of the machine. */
	bool journal; /* else store_mem, which ends with its process */
	struct vfs_sim *vfs;
	struct clock_manual clock;
	bool was_full;

	/* Of the process. */
	struct native_component *account;
	struct component *components[1];
	struct metrics *metrics;
	struct store *store;
	struct runtime_options options;
	struct runtime *runtime;
	struct world_executor lanes[WORLD_LANES_MAX];
	struct executor *lane_executors[WORLD_LANES_MAX];
	struct world_executor pool;
	unsigned on_lane; /* whose thread this is; WORLD_LANES_MAX: another */
	bool dead;        /* the disk has failed: the process is on its way out */
	bool planned;     /* the disk will fail, or */
	bool killed;      /* the process end, or else the machine */
	bool slow;        /* the component sometimes is */
	uint64_t failures_injected;

	struct model model;
	struct clients *clients;
};

void world_init(struct world *world, bool journal, uint64_t seed);
void world_fini(struct world *world);

/* 0 .. bound-1 */
uint64_t world_below(struct world *world, uint64_t bound);
bool world_chance(struct world *world, unsigned percent);

void world_run_lane(struct world *world, unsigned lane); /* some of its tasks */
void world_run_pool(struct world *world);                /* one of the first of its tasks */
void world_end_turn(struct world *world, unsigned lane);
void world_move_clock(struct world *world);
void world_fail_component(struct world *world);
void world_plan_crash(struct world *world);
void world_fill_disk(struct world *world);

/* Until everything is answered; that it takes forever is a broken promise. */
void world_settle(struct world *world);
/* Ends the process, whatever state it is in, and starts the next one on what the disk has. */
void world_restart(struct world *world);

/* A component is told to fail, now. */
bool world_is_failing(struct world *world);
void world_heal(struct world *world);

#endif
