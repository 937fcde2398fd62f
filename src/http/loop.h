/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/executor.h"

/* loop.h - an event loop (libuv) that one thread runs: sockets, timers, signals, and tasks that
 * other threads post to it.
 *
 * All calls but loop_stop() and posting to loop_executor() are the loop's own thread's (or made
 * before loop_run()). */

struct loop;
struct loop_timer;

/* SIGPIPE is ignored from here on, unless the process has a handler for it. */
enum status loop_new(struct loop **ret, struct error *err) NODISCARD;

/* After loop_run() has returned. Closes what is left. Takes NULL. */
void loop_free(struct loop *loop);
DEFINE_OWNED(loop, loop_free);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); /* any thread; the turn under way is finished */

/* Borrowed. Posting wakes the loop; posts between two turns cost one wake-up. */
struct executor *loop_executor(struct loop *loop);

/* Called at the end of each turn, before the loop would wait: the place for one write of all that
 * the turn has produced. True: the loop takes another turn at once instead of waiting. One a loop. */
typedef bool (*loop_turn_fn)(void *arg);
void loop_on_turn_end(struct loop *loop, loop_turn_fn fn, void *arg);

/* A timer that is the caller's until loop_timer_free(); fires once each time it is started. */
typedef void (*loop_timer_fn)(void *arg);
enum status loop_timer_new(struct loop *loop, loop_timer_fn fn, void *arg, struct loop_timer **ret,
			   struct error *err) NODISCARD;
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms); /* again: starts anew */
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* takes NULL */

/* Calls fn on the loop's thread when the process gets the signal. For the life of the loop. */
typedef void (*loop_signal_fn)(int signal_number, void *arg);
enum status loop_on_signal(struct loop *loop, int signal_number, loop_signal_fn fn, void *arg,
			   struct error *err) NODISCARD;

#endif
