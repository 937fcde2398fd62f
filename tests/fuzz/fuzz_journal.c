/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_journal.c - hostile bytes in the files of a journal.
 *
 * The input is a list of patches to a small journal: u8 flags, u16 place, u8 size, bytes; 0 flags
 * end it. PATCH_SEAL makes the checksums of all commits right again afterwards, so that what is
 * behind them is reached too. Whatever comes of it: an answer that is expected, and a journal that,
 * if it opens, can be read, written and opened again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/endian.h"
#include "base/log.h"
#include "base/random.h"
#include "digest/digest.h"
#include "lib/store_work.h"
#include "lib/vfs_sim.h"
#include "store_journal/format.h"
#include "store_journal/journal.h"

#define DIRECTORY     "/journal"
#define SEGMENT_BYTES (64u << 10)

enum patch_flags { PATCH = 1, PATCH_SEAL = 2, PATCH_SECOND_SEGMENT = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[2] = { DIRECTORY "/segment-00000001",
				      DIRECTORY "/segment-00000002" };
static uint8_t snapshot[2][SEGMENT_BYTES];

static void ignore(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* The same journal in every run: its id and times are the test's. */
static enum status open_journal(struct vfs_sim *sim, struct store **ret)
{
	static struct random_seeded random;
	static struct clock_manual clock;
	const struct journal_options options = {
		.random = &random.random,
		.clock = &clock.clock,
		.base = { .fatal = ignore },
		.vfs = vfs_sim_vfs(sim),
		.segment_bytes = SEGMENT_BYTES,
		.create = true,
		.flusher = JOURNAL_FLUSH_INLINE,
		.without_threads = true,
	};

	if (random.random.fill == NULL) {
		random_seeded_init(&random, 1);
		clock_manual_init(&clock, 1000000);
	}
	return journal_open(DIRECTORY, &options, ret, NULL);
}

/* What every input starts from: two epochs, a few streams, a segment and a bit. */
static void make_snapshot(void)
{
	struct vfs_sim *sim = vfs_sim_new();
	struct store *store = NULL;

	for (unsigned round = 0; round < 2; round++) {
		CHECK(open_journal(sim, &store) == OK);
		for (unsigned i = 0; i < 8; i++)
			CHECK(store_put(store,
					&(struct work_shape){ .key = i % 3 == 0 ? "a" : "b",
							      .event_count = i % 4,
							      .frame_count = 1 + i % 2,
							      .command = "c" },
					NULL) == OK);
		store_close(store);
	}
	for (unsigned i = 0; i < 2; i++) {
		uint64_t size = 0;
		const uint8_t *bytes = vfs_sim_file(sim, paths[i], &size);

		CHECK(bytes != NULL && size == SEGMENT_BYTES);
		memcpy(snapshot[i], bytes, SEGMENT_BYTES);
	}
	vfs_sim_free(sim);
}

static void seal(uint8_t *bytes, uint64_t log_start)
{
	struct segment_header header;
	struct format format;

	put_le64(bytes + BLOCK_BYTES - 8, digest_xxh3(span_of(bytes, BLOCK_BYTES - 8)));
	if (segment_header_decode(bytes, &header, NULL) != OK)
		return;
	format = (struct format){ .log_id = header.log_id, .seed = header.seed };
	for (uint64_t at = BLOCK_BYTES; at < SEGMENT_BYTES; at += BLOCK_BYTES) {
		uint32_t commit;

		if (!commit_peek(bytes + at, log_start + at, SEGMENT_BYTES - at, &commit))
			continue;
		put_le64(bytes + at + 8,
			 digest_xxh3_seeded(span_of(bytes + at + 16, commit - 16),
					    format_epoch_seed(&format, get_le32(bytes + at + 16))));
	}
}

static void apply(uint8_t files[2][SEGMENT_BYTES], const uint8_t *data, size_t size)
{
	unsigned flags = 0;

	while (size >= 4 && data[0] != 0) {
		size_t bytes = data[3], at = get_le16(data + 1);
		uint8_t *file = files[(data[0] & PATCH_SECOND_SEGMENT) != 0];

		flags |= data[0];
		data += 4;
		size -= 4;
		if (bytes > size)
			bytes = size;
		if (bytes > SEGMENT_BYTES - at)
			bytes = SEGMENT_BYTES - at;
		memcpy(file + at, data, bytes);
		data += bytes;
		size -= bytes;
	}
	if ((flags & PATCH_SEAL) != 0) {
		seal(files[0], 0);
		seal(files[1], SEGMENT_BYTES);
	}
}

static void use(struct store *store)
{
	const struct read_options forward = { .direction = FORWARD };
	const struct read_options backward = { .direction = BACKWARD };
	struct buf text = { .max_bytes = 1 << 20 };

	/* A start does not check the frames' own checksums, so a read may find them wrong. */
	(void)store_read_all(store, 1, &forward, describe_visit, &text, NULL, NULL);
	(void)store_read_stream(store, (struct stream_name){ SPAN("account"), SPAN("a") },
				UINT64_MAX, &backward, describe_visit, &text, NULL);
	(void)store_find_command(store, (struct stream_name){ SPAN("account"), SPAN("b") },
				 SPAN("c"), describe_visit, &text, NULL);
	(void)store_put(store, &(struct work_shape){ .key = "a", .event_count = 1 }, NULL);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t files[2][SEGMENT_BYTES];
	static bool made;
	struct journal_report report;
	struct vfs_sim *sim;
	struct store *store = NULL;
	uint64_t durable;
	enum status s;

	if (!made) {
		log_set_level(LOG_ERROR);
		make_snapshot();
		made = true;
	}
	memcpy(files, snapshot, sizeof(files));
	apply(files, data, size);
	sim = vfs_sim_new();
	CHECK(vfs_sim_vfs(sim)->ops->make_directory(vfs_sim_vfs(sim), DIRECTORY, NULL) == OK);
	vfs_sim_put(sim, paths[0], files[0], SEGMENT_BYTES);
	vfs_sim_put(sim, paths[1], files[1], SEGMENT_BYTES);
	s = journal_verify(DIRECTORY, vfs_sim_vfs(sim), NULL, NULL, &report, NULL);
	CHECK(s == OK || s == ERR_CORRUPT || s == ERR_UNSUPPORTED);
	s = open_journal(sim, &store);
	CHECK(s == OK || s == ERR_CORRUPT || s == ERR_UNSUPPORTED || s == ERR_LIMIT);
	if (s == OK) {
		use(store);
		durable = store_durable(store);
		store_close(store);
		store = NULL;
		CHECK(open_journal(sim, &store) == OK);
		CHECK(store_durable(store) == durable);
		store_close(store);
	}
	vfs_sim_free(sim);
	return 0;
}
