/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"

/* thread.h - threads with a name and a stack that is large enough for guests.
 *
 * A guest's stack is the thread's own: every thread that may run one is made here, with
 * THREAD_STACK_BYTES, which is the guest's limit plus a good margin for the host. All signals but
 * those of a thread's own faults are blocked in threads made here; the main thread handles them. */

#define THREAD_STACK_BYTES ((size_t)8 << 20)

typedef void (*thread_fn)(void *arg);

struct thread {
	pthread_t native;
	char name[16];
	thread_fn run;
	void *arg;
};

/* `thread` is the caller's storage and must outlive the thread. `name` is cut to 15 bytes. */
enum status thread_start(struct thread *thread, const char *name, thread_fn run, void *arg,
			 struct error *err) NODISCARD;
void thread_join(struct thread *thread);

#endif
