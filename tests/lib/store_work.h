/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_STORE_WORK_H
#define LIB_STORE_WORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/random.h"
#include "store/store.h"

/* store_work.h - appends for tests of stores, and what is read back as text that can be compared. */

/* What the frames of an append are to be like. */
struct work_shape {
	const char *category; /* NULL: "account" */
	const char *key;
	size_t frame_count;    /* 0: 1 */
	size_t event_count;    /* of each frame */
	size_t data_bytes;     /* of each event's data, about; 0: little */
	const char *command;   /* id; NULL: none */
	const char *type;      /* of events; NULL: "opened" */
	uint64_t time_us;      /* 0: the head's */
	struct random *random; /* fills data, shuffles what is optional; NULL: plain frames */
};

/* An append and what became of it. */
struct work {
	struct append append;
	struct arena *arena;    /* owned; the frames */
	_Atomic unsigned calls; /* of done() */
	_Atomic int status;
	uint64_t order; /* of its done() among all */
};

/* Made to follow the head. Freed with work_free(), after done(). Never NULL. */
struct work *work_new(struct stream_head head, const struct work_shape *shape);
void work_free(struct work *work);
/* Flushes until its done() was called; so were those of all before it. */
void work_settle(struct store *store, struct work *work);
/* The head after it. */
struct stream_head work_head(const struct work *work);

/* One append, by the stream's head, flushed and done. */
enum status store_put(struct store *store, const struct work_shape *shape, struct error *err);

/* Flushes until nothing is pending. */
void store_settle(struct store *store);

/* Appends one line that has everything of the frame. */
struct buf;
void frame_describe(struct buf *buf, const struct frame *frame);
/* As a visitor; `arg` is a struct buf. */
bool describe_visit(const struct frame *frame, void *arg);

#endif
