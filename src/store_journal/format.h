/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_FORMAT_H
#define STORE_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"
#include "model/uuid.h"

/* format.h - the bytes of the journal (docs/formats.md), made and checked; no files here.
 *
 *	segment = header block, commits, unused rest
 *	commit  = commit header, frames, link; padded to a block
 *	frame   = frame header, encoded frame (model/frame.h); padded to 8 bytes
 *
 * A commit is one write, all or nothing: its checksum covers everything in it. A frame has a
 * checksum of its own, because readers fetch single frames. Every checksum is seeded with the log
 * and the epoch, which is a number that each process that writes takes anew: so bytes that an
 * earlier one left behind are never taken for a continuation. */

#define JOURNAL_FORMAT_VERSION 1u
#define BLOCK_BYTES            4096u
#define COMMIT_HEADER_BYTES    96u
#define COMMIT_LINK_BYTES      SHA256_BYTES
#define COMMIT_MIN_BYTES       (COMMIT_HEADER_BYTES + COMMIT_LINK_BYTES)
#define FRAME_HEADER_BYTES     32u
#define FRAME_STORED_MAX_BYTES \
	(FRAME_HEADER_BYTES + 1000000u) /* FRAME_MAX_BYTES is a multiple of 8 */
#define ENCODING_PLAIN 1u               /* the payload is an encoded frame as it is */

static inline uint64_t round_up(uint64_t size, uint64_t unit)
{
	return (size + unit - 1) / unit * unit;
}

struct segment_header {
	uint64_t number; /* 1, 2, 3 ... */
	uint64_t segment_bytes;
	struct uuid log_id;
	uint64_t seed; /* random, of the log: a client that knows the id can't forge a checksum */
	uint64_t created_us;
};

void segment_header_encode(const struct segment_header *header, uint8_t block[static BLOCK_BYTES]);

/* ERR_UNSUPPORTED: another version of the format. ERR_CORRUPT: anything else that is not a header. */
enum status segment_header_decode(const uint8_t block[static BLOCK_BYTES],
				  struct segment_header *ret, struct error *err) NODISCARD;

enum commit_kind {
	COMMIT_FRAMES = 1,
	COMMIT_OPEN = 2,  /* a process begins an epoch */
	COMMIT_CLOSE = 3, /* it ends in order */
};

struct commit_header {
	uint32_t size_bytes; /* header, frames, link; without the padding */
	uint32_t epoch;
	uint16_t kind;
	uint64_t first_sequence; /* of its first frame; without frames the next one's */
	uint32_t frame_count;
	uint64_t durable_offset; /* log offset: all before it was durable when this was written */
	uint64_t offset;         /* log offset of this commit */
	uint64_t time_us;
	struct sha256 previous; /* link of the commit before */
};

/* The log as checksums see it. */
struct format {
	struct uuid log_id;
	uint64_t seed;
};

uint64_t format_epoch_seed(const struct format *format, uint32_t epoch);

/* Completes a commit in place: `bytes` has room for header->size_bytes and holds frames, with their
 * sizes, from COMMIT_HEADER_BYTES on. Writes frame headers, header, link, checksum. */
void commit_seal(const struct format *format, const struct commit_header *header, uint8_t *bytes,
		 struct sha256 *ret_link);

/* Whether the bytes begin with what may be a commit at `offset` (its first COMMIT_HEADER_BYTES are
 * there), and how large it claims to be: at most `size_max`. Its checksum remains to be checked. */
bool commit_peek(const uint8_t *bytes, uint64_t offset, uint64_t size_max, uint32_t *ret_size);

/* Checks a whole commit (commit_peek() gave its size) and decodes its header. False: damaged. */
bool commit_check(const struct format *format, const uint8_t *bytes, uint32_t size,
		  struct commit_header *ret, struct sha256 *ret_link);

/* The link that the commit should end in. */
struct sha256 commit_link(const uint8_t *bytes, uint32_t size);

/* Writes the parts of a frame's header that are known before it has a place. */
void frame_header_begin(uint8_t *bytes, uint32_t payload_size);
/* What a frame takes: header, payload, padding. */
uint64_t frame_stored_bytes(uint64_t payload_size);

/* One frame out of a commit's bytes: at `at`, which is moved behind it. False: no frame fits there. */
bool frame_next(struct span commit, size_t *at, struct span *ret_stored);

/* Checks a stored frame that was fetched alone, with its sequence, and gives its payload. */
enum status frame_open(const struct format *format, struct span stored, uint64_t sequence,
		       struct span *ret_payload, struct error *err) NODISCARD;

/* The payload of a frame in a commit that was checked. */
static inline struct span frame_payload(struct span stored, uint32_t payload_size)
{
	return span_of(stored.data + FRAME_HEADER_BYTES, payload_size);
}
uint32_t frame_payload_size(struct span stored);
/* Whether this version can read the payload: encoding and key. */
enum status frame_check_encoding(struct span stored, struct error *err) NODISCARD;

#endif
