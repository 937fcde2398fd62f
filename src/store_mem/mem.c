/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - a log of encoded frames in memory.
 *
 *	streams   name -> frames of that stream, accepted ones included
 *	frames    all accepted frames in log order; the first `durable` of them are visible
 *	commands  stream and command id -> newest durable frame
 *
 * A frame is immutable from its append to the end of the store, so that a reader takes the lock
 * only to find the next one, and visits it without. */
#include "store_mem/mem.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mutex.h"
#include "store/engine.h"

#define MEM_MAGIC            0x6d656d31u
#define READ_ARENA_MAX_BYTES ((size_t)1 << 20)

struct mem_stream;

struct mem_frame {
	uint64_t sequence;
	struct mem_stream *stream;
	uint64_t last_version;
	size_t event_count;
	struct span command_id; /* in bytes */
	size_t size;
	char bytes[]; /* encoded */
};

struct mem_stream {
	struct map_node node;
	struct stream_head head;   /* accepted */
	struct mem_frame **frames; /* owned array; frames[number - 1]; accepted */
	size_t capacity;
	size_t durable; /* so many of them are visible */
	char name[];
};

struct mem_command {
	struct map_node node;
	struct mem_frame *frame;
	char key[]; /* stream, a NUL, id */
};

struct mem {
	struct store store; /* first: the contract's handle */
	uint32_t magic;
	struct store_options options;
	struct observers observers;
	_Atomic uint64_t durable; /* so many frames are visible; written under mu */

	struct mutex mu; /* RANK_STORE; guards the fields below */
	struct map streams;
	struct map commands;
	struct mem_frame **frames; /* owned array; frames[sequence - 1] */
	size_t count;              /* accepted */
	size_t capacity;
	struct append *pending_first;
	struct append **pending_last;
	uint64_t pending_bytes;
	uint64_t size_bytes;
	uint64_t event_count;
	uint64_t stream_count;
	bool flushing;
	bool full;
	bool fail_next;
	bool failed;
};

static struct mem *mem_of(struct store *store)
{
	struct mem *mem = (struct mem *)(void *)store;

	CHECK(mem->magic == MEM_MAGIC);
	return mem;
}

static bool grow(struct mem_frame ***array, size_t *capacity, size_t needed)
{
	size_t wanted = *capacity == 0 ? 4 : *capacity;
	struct mem_frame **grown;

	while (wanted < needed)
		wanted *= 2;
	if (wanted == *capacity)
		return true;
	grown = realloc(*array, wanted * sizeof(**array));
	if (grown == NULL)
		return false;
	*array = grown;
	*capacity = wanted;
	return true;
}

static struct mem_stream *find_stream_locked(const struct mem *mem, struct stream_name name)
{
	struct map_node *node;
	struct stream_key key;

	stream_key_init(&key, name);
	node = map_find(&mem->streams, span_of(key.bytes, key.size));
	return node == NULL ? NULL : CONTAINER_OF(node, struct mem_stream, node);
}

static struct mem_stream *get_stream_locked(struct mem *mem, struct stream_name name)
{
	struct mem_stream *stream = find_stream_locked(mem, name);
	struct stream_key key;

	if (stream != NULL)
		return stream;
	stream_key_init(&key, name);
	stream = calloc(1, sizeof(*stream) + key.size);
	if (stream == NULL)
		return NULL;
	memcpy(stream->name, key.bytes, key.size);
	if (map_add(&mem->streams, span_of(stream->name, key.size), &stream->node) != OK) {
		free(stream);
		return NULL;
	}
	return stream;
}

/* ---- append and flush ------------------------------------------------------------------------- */

/* The command's id as it stands in the encoded bytes, which outlive the caller's. */
static enum status find_command_id(struct mem_frame *frame, struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(READ_ARENA_MAX_BYTES);
	struct frame decoded;
	enum status s;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "reading back a frame");
	s = frame_decode(span_of(frame->bytes, frame->size), arena, &decoded, err);
	if (s != OK)
		return error_wrap(err, s, "reading back a frame");
	frame->command_id = decoded.command.id;
	return OK;
}

static enum status encode(const struct frame *frame, struct mem_frame **ret, struct error *err)
{
	OWNED(buf) struct buf buf = { 0 };
	struct mem_frame *made;
	enum status s = frame_encode(frame, &buf, err);

	if (s != OK)
		return s;
	made = calloc(1, sizeof(*made) + buf.size);
	if (made == NULL)
		return ERROR(err, ERR_NOMEM, "a frame of %zu bytes", buf.size);
	memcpy(made->bytes, buf.data, buf.size);
	made->size = buf.size;
	made->event_count = frame->event_count;
	made->last_version = frame_last_version(frame);
	s = find_command_id(made, err);
	if (s != OK) {
		free(made);
		return s;
	}
	*ret = made;
	return OK;
}

static enum status accept_locked(struct mem *mem, struct append *append, struct mem_frame **frames,
				 uint64_t size_bytes, struct error *err)
{
	uint64_t pending_max = mem->options.pending_max_bytes != 0 ? mem->options.pending_max_bytes
								   : PENDING_MAX_BYTES_DEFAULT;
	struct stream_head head = { 0 };
	struct mem_stream *stream;
	enum status s;

	if (mem->failed)
		return ERROR(err, ERR_CLOSED, "the store has failed");
	if (mem->full)
		return ERROR(err, ERR_FULL, "the store is full");
	stream = find_stream_locked(mem, append->frames[0].stream);
	if (stream != NULL)
		head = stream->head;
	s = append_check(append, head, &head, err);
	if (s != OK)
		return s;
	if (mem->pending_bytes != 0 && mem->pending_bytes + size_bytes > pending_max)
		return ERROR(err, ERR_BUSY, "%" PRIu64 " bytes are waiting to be stored",
			     mem->pending_bytes);
	stream = get_stream_locked(mem, append->frames[0].stream);
	if (stream == NULL ||
	    !grow(&mem->frames, &mem->capacity, mem->count + append->frame_count) ||
	    !grow(&stream->frames, &stream->capacity,
		  (size_t)stream->head.number + append->frame_count))
		return ERROR(err, ERR_NOMEM, "storing %zu frames", append->frame_count);

	append->first_sequence = mem->count + 1;
	for (size_t i = 0; i < append->frame_count; i++) {
		CHECK_DEBUG(frames[i] != NULL);
		frames[i]->sequence = mem->count + 1;
		frames[i]->stream = stream;
		stream->frames[stream->head.number + i] = frames[i];
		mem->frames[mem->count++] = frames[i];
	}
	stream->head = head;
	mem->pending_bytes += size_bytes;
	append->next = NULL;
	*mem->pending_last = append;
	mem->pending_last = &append->next;
	return OK;
}

static enum status mem_append(struct store *store, struct append *append, struct error *err)
{
	struct mem *mem = mem_of(store);
	struct mem_frame **frames;
	struct stream_head head = { 0 };
	uint64_t size_bytes = 0;
	size_t made = 0;
	enum status s;

	if (append->frame_count == 0)
		return append_check(append, head, &head, err);
	frames = calloc(append->frame_count, sizeof(*frames));
	if (frames == NULL)
		return ERROR(err, ERR_NOMEM, "%zu frames", append->frame_count);
	/* A conflict is told before a limit: the frames may have been made for another head. */
	mutex_lock(&mem->mu);
	if (!mem->failed && !mem->full) {
		const struct mem_stream *stream = find_stream_locked(mem, append->frames[0].stream);

		if (stream != NULL)
			head = stream->head;
		s = append_check(append, head, &head, err);
	} else {
		s = OK; /* accept_locked() says it */
	}
	mutex_unlock(&mem->mu);
	for (; s == OK && made < append->frame_count; made++) {
		s = encode(&append->frames[made], &frames[made], err);
		if (s != OK)
			break;
		size_bytes += frames[made]->size + APPEND_FRAME_OVERHEAD_BYTES;
	}
	if (s == OK && size_bytes > APPEND_MAX_BYTES)
		s = ERROR(err, ERR_LIMIT, "the frames of one append have at most %u bytes",
			  APPEND_MAX_BYTES);
	if (s == OK) {
		mutex_lock(&mem->mu);
		s = accept_locked(mem, append, frames, size_bytes, err);
		mutex_unlock(&mem->mu);
	}
	if (s != OK) {
		for (size_t i = 0; i < made; i++)
			free(frames[i]);
	}
	free(frames);
	return s;
}

/* Its newest frame with that id. Memory that runs out here loses a frame that is accepted, which is
 * what a failed write is. */
static bool remember_command_locked(struct mem *mem, struct mem_frame *frame)
{
	struct span name = frame->stream->node.key;
	size_t size = name.size + 1 + frame->command_id.size;
	struct mem_command *command;
	struct map_node *node;

	if (frame->command_id.size == 0)
		return true;
	command = calloc(1, sizeof(*command) + size);
	if (command == NULL)
		return false;
	memcpy(command->key, name.data, name.size);
	memcpy(command->key + name.size + 1, frame->command_id.data, frame->command_id.size);
	command->frame = frame;
	node = map_find(&mem->commands, span_of(command->key, size));
	if (node != NULL) {
		CONTAINER_OF(node, struct mem_command, node)->frame = frame;
		free(command);
		return true;
	}
	if (map_add(&mem->commands, span_of(command->key, size), &command->node) != OK) {
		free(command);
		return false;
	}
	return true;
}

static bool publish_locked(struct mem *mem, uint64_t end)
{
	for (uint64_t i = atomic_load(&mem->durable); i < end; i++) {
		struct mem_frame *frame = mem->frames[i];

		if (!remember_command_locked(mem, frame))
			return false;
		mem->stream_count += frame->stream->durable == 0;
		frame->stream->durable++;
		mem->event_count += frame->event_count;
		mem->size_bytes += frame->size;
	}
	atomic_store(&mem->durable, end);
	return true;
}

static bool mem_flush(struct store *store)
{
	struct mem *mem = mem_of(store);
	struct append *first;
	enum status s;
	uint64_t end;
	bool more;

	mutex_lock(&mem->mu);
	if (mem->flushing || mem->pending_first == NULL) {
		mutex_unlock(&mem->mu);
		return false;
	}
	mem->flushing = true;
	first = mem->pending_first;
	mem->pending_first = NULL;
	mem->pending_last = &mem->pending_first;
	mem->pending_bytes = 0;
	end = mem->count;
	if (mem->failed)
		s = ERR_CLOSED;
	else
		s = !mem->fail_next && publish_locked(mem, end) ? OK : ERR_IO;
	mem->failed = s != OK;
	mutex_unlock(&mem->mu);

	if (s == ERR_IO)
		store_fail(&mem->options, "storing frames in memory failed");
	while (first != NULL) {
		struct append *append = first;

		first = append->next; /* after done() it is the caller's again */
		append->done(append, s);
	}
	if (s == OK)
		observers_notify(&mem->observers, end);

	mutex_lock(&mem->mu);
	mem->flushing = false;
	more = mem->pending_first != NULL;
	mutex_unlock(&mem->mu);
	return more;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static enum status decode(const struct mem_frame *frame, struct arena *arena, struct frame *ret,
			  struct error *err)
{
	enum status s;

	arena_clear(arena);
	s = frame_decode(span_of(frame->bytes, frame->size), arena, ret, err);
	if (s != OK)
		return error_wrap(err, s, "frame %" PRIu64, frame->sequence);
	ret->sequence = frame->sequence;
	return OK;
}

/* The index into stream->frames to begin at, or SIZE_MAX for none. */
static size_t find_start_locked(const struct mem_stream *stream, uint64_t version,
				enum direction direction)
{
	if (direction == FORWARD) {
		for (size_t i = 0; i < stream->durable; i++) {
			const struct mem_frame *frame = stream->frames[i];

			if (version == 0 ||
			    (frame->event_count != 0 && frame->last_version >= version))
				return i;
		}
		return SIZE_MAX;
	}
	for (size_t i = stream->durable; i > 0; i--) {
		const struct mem_frame *frame = stream->frames[i - 1];

		if (version == UINT64_MAX ||
		    (frame->event_count != 0 &&
		     frame->last_version - frame->event_count + 1 <= version))
			return i - 1;
	}
	return SIZE_MAX;
}

static enum status mem_read_stream(struct store *store, struct stream_name name,
				   uint64_t from_version, const struct read_options *options,
				   frame_visit_fn visit, void *arg, struct error *err)
{
	struct mem *mem = mem_of(store);
	OWNED(arena) struct arena *arena = arena_new(READ_ARENA_MAX_BYTES);
	const struct mem_stream *stream;
	size_t at = SIZE_MAX;
	uint64_t looked_at = 0;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "reading a stream");
	mutex_lock(&mem->mu);
	stream = find_stream_locked(mem, name);
	if (stream != NULL)
		at = find_start_locked(stream, from_version, options->direction);
	mutex_unlock(&mem->mu);

	while (at != SIZE_MAX) {
		const struct mem_frame *found = NULL;
		struct frame frame;
		enum status s;

		mutex_lock(&mem->mu);
		if (at < stream->durable)
			found = stream->frames[at];
		mutex_unlock(&mem->mu);
		if (found == NULL)
			break;
		s = decode(found, arena, &frame, err);
		if (s != OK)
			return s;
		if ((!options->with_events_only || frame.event_count != 0) && !visit(&frame, arg))
			break;
		if (++looked_at == options->frames_max)
			break;
		if (options->direction == FORWARD)
			at++;
		else
			at = at == 0 ? SIZE_MAX : at - 1;
	}
	return OK;
}

static enum status mem_read_all(struct store *store, uint64_t from_sequence,
				const struct read_options *options, frame_visit_fn visit, void *arg,
				uint64_t *ret_scanned, struct error *err)
{
	struct mem *mem = mem_of(store);
	OWNED(arena) struct arena *arena = arena_new(READ_ARENA_MAX_BYTES);
	uint64_t durable = atomic_load(&mem->durable);
	uint64_t at = from_sequence, looked_at = 0, scanned = 0;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "reading the log");
	if (options->direction == FORWARD && at == 0)
		at = 1;
	if (options->direction == BACKWARD && at > durable)
		at = durable;
	while (at >= 1 && at <= durable) {
		const struct mem_frame *found;
		struct frame frame;
		enum status s;

		mutex_lock(&mem->mu);
		found = mem->frames[at - 1];
		mutex_unlock(&mem->mu);
		s = decode(found, arena, &frame, err);
		if (s != OK)
			return s;
		scanned = at;
		if (read_options_want(options, &frame) && !visit(&frame, arg))
			break;
		if (++looked_at == options->frames_max)
			break;
		at = options->direction == FORWARD ? at + 1 : at - 1;
	}
	if (ret_scanned != NULL)
		*ret_scanned = scanned;
	return OK;
}

static enum status mem_find_command(struct store *store, struct stream_name name, struct span id,
				    frame_visit_fn visit, void *arg, struct error *err)
{
	struct mem *mem = mem_of(store);
	OWNED(arena) struct arena *arena = arena_new(READ_ARENA_MAX_BYTES);
	OWNED(buf) struct buf key = { 0 };
	const struct mem_frame *found = NULL;
	struct map_node *node;
	struct stream_key stream;
	struct frame frame;
	enum status s;

	stream_key_init(&stream, name);
	buf_append(&key, stream.bytes, stream.size);
	buf_append_byte(&key, '\0');
	buf_append_span(&key, id);
	if (arena == NULL || buf_status(&key) != OK)
		return ERROR(err, ERR_NOMEM, "looking for a command");
	mutex_lock(&mem->mu);
	node = map_find(&mem->commands, buf_span(&key));
	if (node != NULL)
		found = CONTAINER_OF(node, struct mem_command, node)->frame;
	mutex_unlock(&mem->mu);
	if (found == NULL || id.size == 0)
		return ERROR(err, ERR_NOT_FOUND, "no command '%.*s'", SPAN_ARG(id));
	s = decode(found, arena, &frame, err);
	if (s == OK)
		(void)visit(&frame, arg); /* one frame: there is nothing to stop */
	return s;
}

static struct stream_head mem_head(struct store *store, struct stream_name name)
{
	struct mem *mem = mem_of(store);
	const struct mem_stream *stream;
	MUTEX_GUARD(&mem->mu);

	stream = find_stream_locked(mem, name);
	return stream == NULL ? (struct stream_head){ 0 } : stream->head;
}

static uint64_t mem_durable(struct store *store)
{
	return atomic_load(&mem_of(store)->durable);
}

static void mem_status(struct store *store, struct store_status *ret)
{
	struct mem *mem = mem_of(store);
	MUTEX_GUARD(&mem->mu);

	*ret = (struct store_status){
		.mode = mem->failed ? STORE_FAILED
			: mem->full ? STORE_READ_ONLY_FULL
				    : STORE_READ_WRITE,
		.durable_sequence = atomic_load(&mem->durable),
		.accepted_sequence = mem->count,
		.size_bytes = mem->size_bytes,
		.event_count = mem->event_count,
		.stream_count = mem->stream_count,
	};
}

static void mem_observe(struct store *store, struct store_observer *observer)
{
	observers_add(&mem_of(store)->observers, observer);
}

static void mem_unobserve(struct store *store, struct store_observer *observer)
{
	observers_remove(&mem_of(store)->observers, observer);
}

static void mem_close(struct store *store)
{
	struct mem *mem = mem_of(store);
	struct map_node *node, *next;

	while (mem_flush(store))
		;
	for (node = map_next(&mem->commands, NULL); node != NULL; node = next) {
		next = map_next(&mem->commands, node);
		free(CONTAINER_OF(node, struct mem_command, node));
	}
	for (node = map_next(&mem->streams, NULL); node != NULL; node = next) {
		struct mem_stream *stream = CONTAINER_OF(node, struct mem_stream, node);

		next = map_next(&mem->streams, node);
		free(stream->frames);
		free(stream);
	}
	for (size_t i = 0; i < mem->count; i++)
		free(mem->frames[i]);
	free(mem->frames);
	map_fini(&mem->commands);
	map_fini(&mem->streams);
	observers_fini(&mem->observers);
	mutex_fini(&mem->mu);
	mem->magic = 0;
	free(mem);
}

static const struct store_ops mem_ops = {
	.append = mem_append,
	.flush = mem_flush,
	.read_stream = mem_read_stream,
	.read_all = mem_read_all,
	.find_command = mem_find_command,
	.head = mem_head,
	.durable = mem_durable,
	.status = mem_status,
	.observe = mem_observe,
	.unobserve = mem_unobserve,
	.close = mem_close,
};

enum status mem_open(const struct store_options *options, struct random *random, uint64_t wall_us,
		     struct store **ret, struct error *err)
{
	struct mem *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		return ERROR(err, ERR_NOMEM, "a store in memory");
	mem->store.ops = &mem_ops;
	mem->store.log_id = uuid_v7(wall_us, random != NULL ? random : random_system());
	mem->magic = MEM_MAGIC;
	mem->options = *options;
	mem->pending_last = &mem->pending_first;
	mutex_init(&mem->mu, RANK_STORE);
	observers_init(&mem->observers);
	map_init(&mem->streams);
	map_init(&mem->commands);
	*ret = &mem->store;
	return OK;
}

void mem_set_full(struct store *store, bool full)
{
	struct mem *mem = mem_of(store);
	MUTEX_GUARD(&mem->mu);

	mem->full = full;
}

void mem_fail_next_flush(struct store *store)
{
	struct mem *mem = mem_of(store);
	MUTEX_GUARD(&mem->mu);

	mem->fail_next = true;
}
