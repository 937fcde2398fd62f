/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - an event loop over libuv's.
 *
 * One turn of uv_run() is: timers, idle handles, prepare handles, then the wait for sockets with
 * their callbacks. The end of a turn is a prepare handle: everything that the last wait and the
 * timers brought has been handled by then, and the loop is about to wait.
 *
 *	wait + callbacks -> timers -> END OF TURN: tasks, turn-end function, members -> wait ...
 *
 * The order inside matters: the turn-end function makes the turn's work durable and answers
 * requests; the members (HTTP servers) then write those answers. So an answer goes out in the turn
 * that produced it. When anything asks for another turn, an idle handle is active during the wait,
 * which makes it a poll that does not block. It can be started from the prepare handle because
 * libuv computes the wait's timeout after it.
 *
 * Tasks come through a lock-free queue. Only a push that finds it empty wakes the loop, and a push
 * from the loop's own thread never does: that thread looks at the queue again before it waits. */
#include "http/loop.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/queue.h"
#include "http/internal.h"

#define LOOP_MAGIC 0x6c6f6f70u

struct loop {
	struct executor executor; /* handed out by loop_executor() */
	uint32_t magic;
	uv_loop_t native;
	uv_async_t wake; /* posted tasks and loop_stop() */
	uv_prepare_t turn_end;
	uv_idle_t again; /* active: the next wait only polls */
	struct list members;
	struct list timers;
	struct list signals;
	loop_turn_fn fn; /* may be NULL */
	void *arg;

	struct queue tasks;
	atomic_bool stopping;
};

struct loop_timer {
	struct list node; /* in loop->timers */
	struct loop *loop;
	uv_timer_t native;
	loop_timer_fn fn;
	void *arg;
};

struct loop_signal {
	struct list node; /* in loop->signals */
	uv_signal_t native;
	loop_signal_fn fn;
	void *arg;
};

/* The loop that this thread runs: its own posts need no wake-up. */
static _Thread_local struct loop *running_here;

enum status loop_error(struct error *err, int uv_error, const char *format, ...)
{
	char context[512];
	char text[128];
	enum status s = ERR_IO;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(context, sizeof(context), format, args); /* a cut text is good enough */
	va_end(args);
	(void)uv_strerror_r(uv_error, text, sizeof(text));
	if (uv_error == UV_ENOMEM)
		s = ERR_NOMEM;
	else if (uv_error == UV_EACCES || uv_error == UV_EPERM)
		s = ERR_DENIED;
	else if (uv_error == UV_EADDRINUSE)
		s = ERR_BUSY;
	else if (uv_error == UV_EADDRNOTAVAIL || uv_error == UV_EINVAL)
		s = ERR_INVALID;
	return ERROR(err, s, "%s: %s", context, text);
}

static bool has_tasks(struct loop *loop)
{
	return atomic_load_explicit(&loop->tasks.newest, memory_order_acquire) != NULL;
}

static void run_tasks(struct loop *loop)
{
	struct task *task = queue_take_all(&loop->tasks);

	while (task != NULL) {
		struct task *next = task->next; /* run() may free the task, or post it again */

		task->run(task);
		task = next;
	}
}

static void on_idle(uv_idle_t *handle)
{
	(void)handle; /* being active is all it is for */
}

static void end_turn(struct loop *loop)
{
	bool again = false;

	if (has_tasks(loop))
		run_tasks(loop);
	if (loop->fn != NULL)
		again = loop->fn(loop->arg);
	LIST_FOR_EACH(&loop->members, node)
	{
		struct loop_member *member = LIST_ENTRY(node, struct loop_member, node);

		if (member->turn_end(member))
			again = true;
	}
	if (again || has_tasks(loop))
		(void)uv_idle_start(&loop->again, on_idle); /* fails only without a callback */
	else
		(void)uv_idle_stop(&loop->again); /* cannot fail */
}

static void on_prepare(uv_prepare_t *handle)
{
	end_turn(handle->data);
}

static void on_wake(uv_async_t *handle)
{
	struct loop *loop = handle->data;

	run_tasks(loop);
	if (atomic_load(&loop->stopping))
		uv_stop(&loop->native);
}

static void post(struct executor *executor, struct task *task)
{
	struct loop *loop = CONTAINER_OF(executor, struct loop, executor);

	if (queue_push(&loop->tasks, task) && running_here != loop)
		(void)uv_async_send(&loop->wake); /* fails only on a closed handle */
}

/* Writing to a socket whose peer is gone is an error to handle, not a reason to die. A handler that
 * the process has set is left alone. */
static void ignore_broken_pipes(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) != 0 ||
	    action.sa_handler != SIG_DFL)
		return;
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL); /* fails only on an unknown signal */
}

enum status loop_new(struct loop **ret, struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (loop == NULL)
		return ERROR(err, ERR_NOMEM, "an event loop");
	ignore_broken_pipes();
	r = uv_loop_init(&loop->native);
	if (r != 0) {
		free(loop);
		return loop_error(err, r, "making an event loop");
	}
	loop->magic = LOOP_MAGIC;
	loop->executor.post = post;
	list_init(&loop->members);
	list_init(&loop->timers);
	list_init(&loop->signals);
	queue_init(&loop->tasks);
	atomic_init(&loop->stopping, false);
	r = uv_async_init(&loop->native, &loop->wake, on_wake);
	if (r != 0) {
		CHECK(uv_loop_close(&loop->native) == 0);
		free(loop);
		return loop_error(err, r, "making an event loop");
	}
	/* These two cannot fail: they only link a struct. */
	CHECK(uv_prepare_init(&loop->native, &loop->turn_end) == 0);
	CHECK(uv_idle_init(&loop->native, &loop->again) == 0);
	loop->wake.data = loop;
	loop->turn_end.data = loop;
	loop->again.data = loop;
	CHECK(uv_prepare_start(&loop->turn_end, on_prepare) == 0);
	*ret = loop;
	return OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_signal_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_free(struct loop *loop)
{
	struct list *node;

	if (loop == NULL)
		return;
	CHECK(loop->magic == LOOP_MAGIC);
	CHECK(running_here != loop);
	LIST_FOR_EACH(&loop->members, member_node)
	{
		struct loop_member *member = LIST_ENTRY(member_node, struct loop_member, node);

		member->loop_ends(member);
	}
	while ((node = list_take_first(&loop->timers)) != NULL)
		uv_close((uv_handle_t *)&LIST_ENTRY(node, struct loop_timer, node)->native,
			 on_timer_closed);
	while ((node = list_take_first(&loop->signals)) != NULL)
		uv_close((uv_handle_t *)&LIST_ENTRY(node, struct loop_signal, node)->native,
			 on_signal_closed);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->turn_end, NULL);
	uv_close((uv_handle_t *)&loop->again, NULL);
	/* Only close callbacks are left; they end the run. */
	(void)uv_run(&loop->native, UV_RUN_DEFAULT);
	CHECK(uv_loop_close(&loop->native) == 0);
	loop->magic = 0;
	free(loop);
}

void loop_run(struct loop *loop)
{
	CHECK(loop->magic == LOOP_MAGIC);
	CHECK(running_here == NULL);
	running_here = loop;
	if (!atomic_load(&loop->stopping))
		(void)uv_run(&loop->native, UV_RUN_DEFAULT);
	/* uv_stop() ends uv_run() after the callbacks: what they produced still has its end. */
	end_turn(loop);
	atomic_store(&loop->stopping, false);
	running_here = NULL;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	(void)uv_async_send(&loop->wake); /* fails only on a closed handle */
}

struct executor *loop_executor(struct loop *loop)
{
	return &loop->executor;
}

void loop_on_turn_end(struct loop *loop, loop_turn_fn fn, void *arg)
{
	loop->fn = fn;
	loop->arg = arg;
}

void loop_add_member(struct loop *loop, struct loop_member *member)
{
	list_add_last(&loop->members, &member->node);
}

void loop_remove_member(struct loop *loop, struct loop_member *member)
{
	(void)loop;
	list_remove(&member->node);
}

uv_loop_t *loop_native(struct loop *loop)
{
	return &loop->native;
}

uint64_t loop_now_ms(struct loop *loop)
{
	return uv_now(&loop->native);
}

/* ---- timers and signals ---- */

static void on_timer(uv_timer_t *handle)
{
	struct loop_timer *timer = handle->data;

	timer->fn(timer->arg);
}

enum status loop_timer_new(struct loop *loop, loop_timer_fn fn, void *arg, struct loop_timer **ret,
			   struct error *err)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return ERROR(err, ERR_NOMEM, "a timer");
	CHECK(uv_timer_init(&loop->native, &timer->native) == 0); /* only links a struct */
	timer->native.data = timer;
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	list_add_last(&loop->timers, &timer->node);
	*ret = timer;
	return OK;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms)
{
	/* libuv counts from the beginning of the turn: a long turn would make the timer early. */
	uv_update_time(&timer->loop->native);
	CHECK(uv_timer_start(&timer->native, on_timer, delay_ms, /* repeat= */ 0) == 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	(void)uv_timer_stop(&timer->native); /* cannot fail */
}

void loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	list_remove(&timer->node);
	uv_close((uv_handle_t *)&timer->native, on_timer_closed);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
	struct loop_signal *signal = handle->data;

	signal->fn(signal_number, signal->arg);
}

enum status loop_on_signal(struct loop *loop, int signal_number, loop_signal_fn fn, void *arg,
			   struct error *err)
{
	struct loop_signal *signal = calloc(1, sizeof(*signal));
	int r;

	if (signal == NULL)
		return ERROR(err, ERR_NOMEM, "a signal handler");
	r = uv_signal_init(&loop->native, &signal->native);
	if (r != 0) {
		free(signal);
		return loop_error(err, r, "a handler for signal %d", signal_number);
	}
	signal->native.data = signal;
	signal->fn = fn;
	signal->arg = arg;
	r = uv_signal_start(&signal->native, on_signal, signal_number);
	if (r != 0) {
		uv_close((uv_handle_t *)&signal->native, on_signal_closed);
		return loop_error(err, r, "a handler for signal %d", signal_number);
	}
	list_add_last(&loop->signals, &signal->node);
	return OK;
}
