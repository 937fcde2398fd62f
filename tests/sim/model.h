/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"

/* model.h - what must be true: lists of events, one for each stream, and accounts folded from them
 * by addition. It is built from what the store says is durable, and once it has taken something in,
 * that must stay: after every crash the log is compared with it from the first frame on. */

#define MODEL_STREAMS_MAX 32
#define MODEL_FRAMES_MAX  8192

struct model_account {
	bool exists;
	int64_t balance;
	int64_t events;
};

struct model_event {
	const struct frame *frame;
	size_t index;
	struct model_account after;
};

struct model_stream {
	char text[STREAM_NAME_MAX_BYTES + 1];
	uint64_t number; /* of its last frame */
	struct model_event *events;
	size_t event_count; /* which is its version */
	size_t capacity;
};

struct model_frame {
	struct frame frame;
	struct span bytes;
	bool compared; /* seen again in the log that is read at present */
};

struct model {
	struct arena *arena;
	struct model_frame *frames[MODEL_FRAMES_MAX]; /* by sequence, from 1 */
	uint64_t sequence;                            /* of the last */
	struct model_stream streams[MODEL_STREAMS_MAX];
	size_t stream_count;
	/* Told of each frame that is new. */
	void (*taken_in)(const struct frame *frame, void *arg);
	void *arg;
};

/* A promise that was not kept: prints the seed, then fails the test. */
void broken(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;
void broken_names(const char *run); /* what is printed first */

#define MUST(fact, ...)                      \
	do {                                 \
		if (!(fact))                 \
			broken(__VA_ARGS__); \
	} while (0)

void model_init(struct model *model);
void model_fini(struct model *model);

/* Takes in what has become durable. False: the store cannot be read now. */
bool model_follow(struct model *model, struct store *store);
/* After the log was opened again: all that was taken in is there, unchanged and in its place. */
void model_compare(struct model *model, struct store *store);

struct model_stream *model_stream(struct model *model, struct stream_name name);
/* After version `version`; 0: nothing. */
struct model_account model_account(const struct model_stream *stream, uint64_t version);
/* As the aggregate writes it. */
void model_state(struct model_account account, char text[static 96]);
/* Events up to and at that time. */
uint64_t model_version_at(const struct model_stream *stream, uint64_t time_us);
/* What a command comes to: how many events, or a rejection's code in *ret_code. */
size_t model_decide(struct model_account account, struct span type, struct span data,
		    const char **ret_code);

/* The number behind `"<member>":` in a small JSON object that we made ourselves; 0: none. */
int64_t model_number(struct span data, const char *member);

#endif
