/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stdbool.h>

#include "base/mutex.h"
#include "store/store.h"

/* engine.h - what engines behind store.h share, so that they cannot come to differ in it. */

#define PENDING_MAX_BYTES_DEFAULT ((uint64_t)64 << 20)

/* Whether the append follows the stream's head: its expected number, and then numbers, versions and
 * times of its frames. On OK, *ret_head is the head after it. ERR_CONFLICT, ERR_INVALID. */
enum status append_check(const struct append *append, struct stream_head head,
			 struct stream_head *ret_head, struct error *err) NODISCARD;

/* Whether a reader of the whole log wants the frame. */
bool read_options_want(const struct read_options *options, const struct frame *frame);

/* `category/key` as one run of bytes, which no two streams share: a category holds no `/`. */
struct stream_key {
	size_t size;
	char bytes[STREAM_NAME_MAX_BYTES];
};

/* The parts are CHECKed against model/name.h: whoever names a stream has validated them. */
void stream_key_init(struct stream_key *key, struct stream_name name);

/* Who is told when frames become durable. */
struct observers {
	struct mutex mu; /* RANK_STORE; guards the fields below */
	struct cond idle;
	struct store_observer *first;
	bool notifying; /* the list is being walked, without the lock */
};

void observers_init(struct observers *observers);
void observers_fini(struct observers *observers);
void observers_add(struct observers *observers, struct store_observer *observer);
/* Waits while the list is being walked. */
void observers_remove(struct observers *observers, struct store_observer *observer);
/* One thread at a time; no lock may be held. */
void observers_notify(struct observers *observers, uint64_t sequence);

/* Tells options->fatal, or aborts when there is none. */
void store_fail(const struct store_options *options, const char *message);

#endif
