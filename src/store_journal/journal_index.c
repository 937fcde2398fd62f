/* SPDX-License-Identifier: Apache-2.0 */
#include "store_journal/journal_index.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "digest/digest.h"
#include "model/position.h"

#define RUN                64u
#define RUN_FRAMES         (RUN - 1)
#define CHUNKS_MAX         ((SEQUENCE_MAX + 1) / LOCATION_CHUNK) /* 8 MiB of pointers, touched as needed */
#define LOCATION_SIZE_BITS 17
#define TAG_BITS           28
#define COMMANDS_MIN       16u

_Static_assert(TAG_BITS + SEQUENCE_BITS == 64, "a command is one word");
_Static_assert(FRAME_EVENTS_MAX < 1u << POSITION_INDEX_BITS, "a count of events fits an entry");

enum status index_init(struct journal_index *index, struct error *err)
{
	*index = (struct journal_index){ 0 };
	index->chunks = calloc(CHUNKS_MAX, sizeof(*index->chunks));
	if (index->chunks == NULL)
		return ERROR(err, ERR_NOMEM, "the index of a journal");
	for (unsigned i = 0; i < INDEX_STRIPES; i++) {
		struct index_stripe *stripe = &index->stripes[i];

		mutex_init(&stripe->mu, RANK_STORE_STREAM);
		map_init(&stripe->streams);
		/* One seed for all, so that one hash finds stripe and stream. */
		stripe->streams.seed = index->stripes[0].streams.seed;
	}
	return OK;
}

void index_fini(struct journal_index *index)
{
	if (index->chunks == NULL)
		return;
	for (unsigned i = 0; i < INDEX_STRIPES; i++) {
		struct index_stripe *stripe = &index->stripes[i];
		struct map_node *node = map_next(&stripe->streams, NULL);

		while (node != NULL) {
			struct index_stream *stream = CONTAINER_OF(node, struct index_stream, node);

			node = map_next(&stripe->streams, node);
			free(stream->runs);
			free(stream);
		}
		map_fini(&stripe->streams);
		buf_fini(&stripe->encoded);
		free(stripe->commands);
		mutex_fini(&stripe->mu);
	}
	for (uint64_t i = 0; i < CHUNKS_MAX && index->chunks[i] != NULL; i++)
		free(index->chunks[i]);
	free(index->chunks);
	index->chunks = NULL;
}

/* ---- streams ---------------------------------------------------------------------------------- */

uint64_t index_hash(const struct journal_index *index, const struct stream_key *key)
{
	return map_hash(&index->stripes[0].streams, span_of(key->bytes, key->size));
}

struct index_stripe *index_stripe(struct journal_index *index, uint64_t hash)
{
	/* The map takes its bucket from the low bits. */
	return &index->stripes[hash >> 58 & (INDEX_STRIPES - 1)];
}

struct index_stream *index_find_locked(struct index_stripe *stripe, const struct stream_key *key,
				       uint64_t hash)
{
	struct map_node *node;

	CHECK_DEBUG(MUTEX_IS_HELD(&stripe->mu));
	node = map_find_hashed(&stripe->streams, span_of(key->bytes, key->size), hash);
	return node == NULL ? NULL : CONTAINER_OF(node, struct index_stream, node);
}

struct index_stream *index_get_locked(struct journal_index *index, struct index_stripe *stripe,
				      const struct stream_key *key, uint64_t hash)
{
	struct index_stream *stream = index_find_locked(stripe, key, hash);

	if (stream != NULL)
		return stream;
	stream = calloc(1, sizeof(*stream) + key->size);
	if (stream == NULL)
		return NULL;
	memcpy(stream->name, key->bytes, key->size);
	if (map_add(&stripe->streams, span_of(stream->name, key->size), &stream->node) != OK) {
		free(stream);
		return NULL;
	}
	atomic_fetch_add_explicit(&index->memory_bytes, sizeof(*stream) + key->size + 24,
				  memory_order_relaxed);
	return stream;
}

void index_drop_locked(struct journal_index *index, struct index_stripe *stripe,
		       struct index_stream *stream)
{
	CHECK_DEBUG(MUTEX_IS_HELD(&stripe->mu));
	CHECK(stream->head.number == 0 && stream->durable_count == 0);
	atomic_fetch_sub_explicit(&index->memory_bytes,
				  sizeof(*stream) + stream->node.key.size + 24,
				  memory_order_relaxed);
	map_remove(&stripe->streams, &stream->node);
	free(stream->runs);
	free(stream);
}

static uint64_t run_of(uint64_t at)
{
	return at / RUN_FRAMES * RUN;
}

static uint64_t word_of(uint64_t at)
{
	return run_of(at) + 1 + at % RUN_FRAMES;
}

static unsigned word_event_count(uint64_t word)
{
	return position_index(word);
}

static bool stream_grow(struct journal_index *index, struct index_stream *stream, uint64_t words)
{
	uint64_t capacity = stream->capacity;
	uint64_t *grown;

	if (words <= capacity)
		return true;
	/* Small ones double; large ones by a quarter, which wastes less. */
	capacity = capacity < 4 ? 4 : capacity < 1024 ? capacity * 2 : capacity + capacity / 4;
	grown = realloc(stream->runs, (size_t)capacity * sizeof(*grown));
	if (grown == NULL)
		return false;
	atomic_fetch_add_explicit(&index->memory_bytes,
				  (capacity - stream->capacity) * sizeof(*grown),
				  memory_order_relaxed);
	stream->runs = grown;
	stream->capacity = capacity;
	return true;
}

uint64_t index_sequence_locked(const struct index_stream *stream, uint64_t at)
{
	CHECK_DEBUG(at < stream->durable_count);
	return position_sequence(stream->runs[word_of(at)]);
}

unsigned index_event_count_locked(const struct index_stream *stream, uint64_t at)
{
	CHECK_DEBUG(at < stream->durable_count);
	return word_event_count(stream->runs[word_of(at)]);
}

/* The first frame, in order, whose last version is at least `version` (from 1, <= durable_version):
 * the one that holds it. Halves runs, then walks one. */
static uint64_t find_holder(const struct index_stream *stream, uint64_t version)
{
	uint64_t low = 0, high = (stream->durable_count - 1) / RUN_FRAMES, at, seen;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;

		if (stream->runs[middle * RUN] < version)
			low = middle;
		else
			high = middle - 1;
	}
	seen = stream->runs[low * RUN];
	for (at = low * RUN_FRAMES; at < stream->durable_count; at++) {
		seen += word_event_count(stream->runs[word_of(at)]);
		if (seen >= version)
			return at;
	}
	return UINT64_MAX;
}

uint64_t index_find_version_locked(const struct index_stream *stream, uint64_t version,
				   enum direction direction)
{
	if (stream->durable_count == 0)
		return UINT64_MAX;
	if (direction == FORWARD) {
		if (version == 0)
			return 0;
		return version > stream->durable_version ? UINT64_MAX
							 : find_holder(stream, version);
	}
	if (version == UINT64_MAX)
		return stream->durable_count - 1;
	if (version > stream->durable_version)
		version = stream->durable_version;
	return version == 0 ? UINT64_MAX : find_holder(stream, version);
}

/* ---- commands --------------------------------------------------------------------------------- */

uint64_t index_command_hash(uint64_t stream_hash, struct span id)
{
	if (id.size == 0)
		return 0;
	return digest_xxh3_seeded(id, stream_hash) | 1; /* the tag is in the upper bits */
}

static uint64_t slot_of(uint64_t tag, uint64_t capacity)
{
	/* From the tag alone, so that a table can grow without its commands. */
	return tag * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (capacity - 1);
}

static void command_put(uint64_t *commands, uint64_t capacity, uint64_t word)
{
	uint64_t slot = slot_of(word >> SEQUENCE_BITS, capacity);

	while (commands[slot] != 0)
		slot = (slot + 1) & (capacity - 1);
	commands[slot] = word;
}

static bool commands_grow(struct journal_index *index, struct index_stripe *stripe)
{
	uint64_t capacity =
		stripe->command_capacity == 0 ? COMMANDS_MIN : stripe->command_capacity * 2;
	uint64_t *grown;

	if (stripe->command_count + 1 <= stripe->command_capacity / 4 * 3)
		return true;
	grown = calloc((size_t)capacity, sizeof(*grown));
	if (grown == NULL)
		return false;
	for (uint64_t i = 0; i < stripe->command_capacity; i++) {
		if (stripe->commands[i] != 0)
			command_put(grown, capacity, stripe->commands[i]);
	}
	atomic_fetch_add_explicit(&index->memory_bytes,
				  (capacity - stripe->command_capacity) * sizeof(*grown),
				  memory_order_relaxed);
	free(stripe->commands);
	stripe->commands = grown;
	stripe->command_capacity = capacity;
	return true;
}

uint64_t index_find_command_locked(const struct index_stripe *stripe, uint64_t command_hash,
				   uint64_t below)
{
	uint64_t tag = command_hash >> SEQUENCE_BITS;
	uint64_t newest = 0, slot;

	CHECK_DEBUG(MUTEX_IS_HELD(&stripe->mu));
	if (command_hash == 0 || stripe->command_capacity == 0)
		return 0;
	slot = slot_of(tag, stripe->command_capacity);
	while (stripe->commands[slot] != 0) {
		uint64_t word = stripe->commands[slot];
		uint64_t sequence = word & SEQUENCE_MAX;

		if (word >> SEQUENCE_BITS == tag && sequence < below && sequence > newest)
			newest = sequence;
		slot = (slot + 1) & (stripe->command_capacity - 1);
	}
	return newest;
}

/* ---- publishing ------------------------------------------------------------------------------- */

enum status index_publish(struct journal_index *index, const struct index_entry *entry,
			  struct error *err)
{
	struct index_stream *stream = entry->stream;
	struct index_stripe *stripe = index_stripe(index, stream->node.hash);
	uint64_t at, run;
	MUTEX_GUARD(&stripe->mu);

	at = stream->durable_count;
	run = run_of(at);
	if (!stream_grow(index, stream, word_of(at) + 1) ||
	    (entry->command_hash != 0 && !commands_grow(index, stripe)))
		return ERROR(err, ERR_NOMEM, "the index of a journal");
	if (at % RUN_FRAMES == 0)
		stream->runs[run] = stream->durable_version;
	stream->runs[word_of(at)] = position_of(entry->sequence, entry->event_count);
	stream->durable_version += entry->event_count;
	stream->durable_count = at + 1;
	if (entry->command_hash != 0) {
		command_put(stripe->commands, stripe->command_capacity,
			    entry->command_hash >> SEQUENCE_BITS << SEQUENCE_BITS |
				    entry->sequence);
		stripe->command_count++;
	}
	atomic_fetch_add_explicit(&index->event_count, entry->event_count, memory_order_relaxed);
	if (at == 0)
		atomic_fetch_add_explicit(&index->stream_count, 1, memory_order_relaxed);
	return OK;
}

enum status index_set_location(struct journal_index *index, uint64_t sequence,
			       struct location location, struct error *err)
{
	uint64_t chunk = sequence / LOCATION_CHUNK;
	uint64_t *entries;

	CHECK(location.offset % 8 == 0 && location.size % 8 == 0);
	CHECK(location.size / 8 < 1u << LOCATION_SIZE_BITS);
	if (sequence > SEQUENCE_MAX)
		return ERROR(err, ERR_LIMIT, "the index takes at most %" PRIu64 " frames",
			     SEQUENCE_MAX);
	entries = atomic_load_explicit(&index->chunks[chunk], memory_order_relaxed);
	if (entries == NULL) {
		entries = malloc(LOCATION_CHUNK * sizeof(*entries));
		if (entries == NULL)
			return ERROR(err, ERR_NOMEM, "the index of a journal");
		atomic_fetch_add_explicit(&index->memory_bytes, LOCATION_CHUNK * sizeof(*entries),
					  memory_order_relaxed);
		atomic_store_explicit(&index->chunks[chunk], entries, memory_order_release);
	}
	entries[sequence % LOCATION_CHUNK] =
		location.offset / 8 << LOCATION_SIZE_BITS | location.size / 8;
	return OK;
}

struct location index_location(const struct journal_index *index, uint64_t sequence)
{
	/* The entry was written before `durable` was raised to it, which the caller has read. */
	const uint64_t *entries = atomic_load_explicit(&index->chunks[sequence / LOCATION_CHUNK],
						       memory_order_acquire);
	uint64_t word = entries[sequence % LOCATION_CHUNK];

	return (struct location){
		.offset = (word >> LOCATION_SIZE_BITS) * 8,
		.size = (uint32_t)(word & ((1u << LOCATION_SIZE_BITS) - 1)) * 8,
	};
}
