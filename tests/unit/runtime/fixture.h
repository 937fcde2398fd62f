/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_FIXTURE_H
#define RUNTIME_FIXTURE_H

/* fixture.h - a runtime on store_mem, with an account made of C functions, a clock that stands
 * still, and lanes that run only when told: everything happens in an order that the test chooses. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "lib/native_component.h"
#include "runtime/command.h"
#include "runtime/direct_append.h"
#include "runtime/external.h"
#include "runtime/state.h"
#include "store_mem/mem.h"

#define LANES    2
#define START_US UINT64_C(1700000000000000)

struct manual_executor {
	struct executor executor;
	struct task *first;
	struct task *last;
};

struct fixture {
	struct clock_manual clock;
	struct random_seeded random;
	struct metrics *metrics;
	struct store *store;
	struct native_component *account;
	struct component *components[1];
	struct manual_executor lanes[LANES];
	struct executor *lane_executors[LANES];
	struct manual_executor pool;
	struct runtime_options options;
	struct runtime *runtime;
	unsigned fatal_count;
	struct sent *sent; /* all, for the teardown */
};

/* One request of any kind, and whether it has been answered. */
struct sent {
	struct sent *next;
	struct arena *arena;
	unsigned answers;
	union {
		struct work work;
		struct command_request command;
		struct state_request state;
		struct external_request external;
		struct direct_append_request append;
	};
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Throws the runtime away and makes a new one on the same store: a restart. */
void fixture_restart(struct fixture *f);

/* Appends a frame behind the runtime's back, as another writer would, and makes it durable. */
void fixture_append(struct fixture *f, const struct frame *frame);

/* A restart with a frame appended in between, as another version of the program may have done. */
void fixture_put_frame(struct fixture *f, const struct frame *frame);

/* Runs what was posted to lane, pool, and the ends of turns, until nothing is left. */
void fixture_settle(struct fixture *f);
/* What is posted now: to the pool, then to the lanes. True: there was something. */
bool fixture_run_round(struct fixture *f);
/* Only tasks; nothing becomes durable. */
void fixture_run_tasks(struct fixture *f);

struct sent *fixture_request(struct fixture *f, unsigned lane);

/* Submit on lane 0 and do not settle. */
struct sent *fixture_send(struct fixture *f, const char *key, const char *type, const char *data);
struct sent *fixture_send_id(struct fixture *f, const char *key, const char *id, const char *type,
			     const char *data);
struct sent *fixture_read(struct fixture *f, const char *key);

/* Send and settle; the answer must be acceptance. */
void fixture_accept(struct fixture *f, const char *key, const char *type, const char *data);

#define assert_span(span, text) fixture_assert_span((span), (text), __FILE__, __LINE__)
void fixture_assert_span(struct span span, const char *text, const char *file, int line);

#endif
