/* SPDX-License-Identifier: Apache-2.0 */
#include "store_journal/format.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/endian.h"
#include "model/frame.h"

/* 16 bytes, no NUL. A reader of any version finds the version behind them. */
static const char segment_magic[] = "concordance-log\n";

/* No byte of these magics can begin a character of UTF-8, which is all that clients can store. */
#define COMMIT_MAGIC 0xff54a3c1u
#define FRAME_MAGIC  0xfe46a3c1u

/* Segment header. */
enum {
	SEGMENT_VERSION_AT = 16,
	SEGMENT_BLOCK_AT = 20,
	SEGMENT_NUMBER_AT = 24,
	SEGMENT_BYTES_AT = 32,
	SEGMENT_LOG_ID_AT = 40,
	SEGMENT_SEED_AT = 56,
	SEGMENT_CREATED_AT = 64,
	SEGMENT_CHECKSUM_AT = BLOCK_BYTES - 8,
};

/* Commit header. */
enum {
	COMMIT_MAGIC_AT = 0,
	COMMIT_SIZE_AT = 4,
	COMMIT_CHECKSUM_AT = 8,
	COMMIT_EPOCH_AT = 16,
	COMMIT_KIND_AT = 20,
	COMMIT_FLAGS_AT = 22,
	COMMIT_SEQUENCE_AT = 24,
	COMMIT_COUNT_AT = 32,
	COMMIT_RESERVED_AT = 36,
	COMMIT_DURABLE_AT = 40,
	COMMIT_OFFSET_AT = 48,
	COMMIT_TIME_AT = 56,
	COMMIT_PREVIOUS_AT = 64,
};

/* Frame header. */
enum {
	FRAME_SIZE_AT = 0,
	FRAME_EPOCH_AT = 4,
	FRAME_SEQUENCE_AT = 8,
	FRAME_ENCODING_AT = 16,
	FRAME_FLAGS_AT = 17,
	FRAME_KEY_AT = 18,
	FRAME_MAGIC_AT = 20,
	FRAME_CHECKSUM_AT = 24,
};

_Static_assert(sizeof(segment_magic) == 17, "the magic has 16 bytes");
_Static_assert(FRAME_MAX_BYTES + FRAME_HEADER_BYTES == FRAME_STORED_MAX_BYTES, "one limit");
_Static_assert(FRAME_STORED_MAX_BYTES % 8 == 0, "the largest frame needs no padding");

/* ---- segment ---------------------------------------------------------------------------------- */

void segment_header_encode(const struct segment_header *header, uint8_t block[static BLOCK_BYTES])
{
	memset(block, 0, BLOCK_BYTES);
	memcpy(block, segment_magic, 16);
	put_le32(block + SEGMENT_VERSION_AT, JOURNAL_FORMAT_VERSION);
	put_le32(block + SEGMENT_BLOCK_AT, BLOCK_BYTES);
	put_le64(block + SEGMENT_NUMBER_AT, header->number);
	put_le64(block + SEGMENT_BYTES_AT, header->segment_bytes);
	memcpy(block + SEGMENT_LOG_ID_AT, header->log_id.bytes, sizeof(header->log_id.bytes));
	put_le64(block + SEGMENT_SEED_AT, header->seed);
	put_le64(block + SEGMENT_CREATED_AT, header->created_us);
	put_le64(block + SEGMENT_CHECKSUM_AT, digest_xxh3(span_of(block, SEGMENT_CHECKSUM_AT)));
}

enum status segment_header_decode(const uint8_t block[static BLOCK_BYTES],
				  struct segment_header *ret, struct error *err)
{
	struct segment_header header;
	uint32_t version = get_le32(block + SEGMENT_VERSION_AT);

	if (memcmp(block, segment_magic, 16) != 0)
		return ERROR(err, ERR_CORRUPT, "it does not begin as a segment of a journal does");
	if (get_le64(block + SEGMENT_CHECKSUM_AT) !=
	    digest_xxh3(span_of(block, SEGMENT_CHECKSUM_AT))) {
		/* A later version may keep its checksum elsewhere. */
		if (version != JOURNAL_FORMAT_VERSION && version != 0 && version < 0x10000)
			return ERROR(err, ERR_UNSUPPORTED,
				     "it is in format %" PRIu32
				     ", and this program knows format %u",
				     version, JOURNAL_FORMAT_VERSION);
		return ERROR(err, ERR_CORRUPT, "the checksum of its header is wrong");
	}
	if (version != JOURNAL_FORMAT_VERSION)
		return ERROR(err, ERR_UNSUPPORTED,
			     "it is in format %" PRIu32 ", and this program knows format %u",
			     version, JOURNAL_FORMAT_VERSION);
	if (get_le32(block + SEGMENT_BLOCK_AT) != BLOCK_BYTES)
		return ERROR(err, ERR_UNSUPPORTED,
			     "its blocks have %" PRIu32
			     " bytes, and this program knows blocks of %u",
			     get_le32(block + SEGMENT_BLOCK_AT), BLOCK_BYTES);
	header.number = get_le64(block + SEGMENT_NUMBER_AT);
	header.segment_bytes = get_le64(block + SEGMENT_BYTES_AT);
	memcpy(header.log_id.bytes, block + SEGMENT_LOG_ID_AT, sizeof(header.log_id.bytes));
	header.seed = get_le64(block + SEGMENT_SEED_AT);
	header.created_us = get_le64(block + SEGMENT_CREATED_AT);
	*ret = header;
	return OK;
}

/* ---- commit ----------------------------------------------------------------------------------- */

uint64_t format_epoch_seed(const struct format *format, uint32_t epoch)
{
	uint8_t bytes[20];

	memcpy(bytes, format->log_id.bytes, 16);
	put_le32(bytes + 16, epoch);
	return digest_xxh3_seeded(span_of(bytes, sizeof(bytes)), format->seed);
}

static void frame_seal(uint64_t seed, uint32_t epoch, uint64_t sequence, uint8_t *bytes)
{
	uint32_t size = get_le32(bytes + FRAME_SIZE_AT);
	uint64_t head;

	put_le32(bytes + FRAME_EPOCH_AT, epoch);
	put_le64(bytes + FRAME_SEQUENCE_AT, sequence);
	/* The payload's digest is seeded with the header's, so that one number covers both. */
	head = digest_xxh3_seeded(span_of(bytes, FRAME_CHECKSUM_AT), seed);
	put_le64(bytes + FRAME_CHECKSUM_AT,
		 digest_xxh3_seeded(span_of(bytes + FRAME_HEADER_BYTES, size), head));
}

struct sha256 commit_link(const uint8_t *bytes, uint32_t size)
{
	return digest_sha256(
		span_of(bytes + COMMIT_EPOCH_AT, size - COMMIT_EPOCH_AT - COMMIT_LINK_BYTES));
}

void commit_seal(const struct format *format, const struct commit_header *header, uint8_t *bytes,
		 struct sha256 *ret_link)
{
	uint64_t seed = format_epoch_seed(format, header->epoch);
	uint8_t *link_at = bytes + header->size_bytes - COMMIT_LINK_BYTES;
	size_t at = COMMIT_HEADER_BYTES;
	struct sha256 link;

	CHECK(header->size_bytes >= COMMIT_MIN_BYTES);
	for (uint32_t i = 0; i < header->frame_count; i++) {
		CHECK(at + FRAME_HEADER_BYTES <= header->size_bytes - COMMIT_LINK_BYTES);
		frame_seal(seed, header->epoch, header->first_sequence + i, bytes + at);
		at += (size_t)frame_stored_bytes(get_le32(bytes + at + FRAME_SIZE_AT));
	}
	CHECK(at == header->size_bytes - COMMIT_LINK_BYTES);
	put_le32(bytes + COMMIT_MAGIC_AT, COMMIT_MAGIC);
	put_le32(bytes + COMMIT_SIZE_AT, header->size_bytes);
	put_le32(bytes + COMMIT_EPOCH_AT, header->epoch);
	put_le16(bytes + COMMIT_KIND_AT, header->kind);
	put_le16(bytes + COMMIT_FLAGS_AT, 0);
	put_le64(bytes + COMMIT_SEQUENCE_AT, header->first_sequence);
	put_le32(bytes + COMMIT_COUNT_AT, header->frame_count);
	put_le32(bytes + COMMIT_RESERVED_AT, 0);
	put_le64(bytes + COMMIT_DURABLE_AT, header->durable_offset);
	put_le64(bytes + COMMIT_OFFSET_AT, header->offset);
	put_le64(bytes + COMMIT_TIME_AT, header->time_us);
	memcpy(bytes + COMMIT_PREVIOUS_AT, header->previous.bytes, SHA256_BYTES);
	link = commit_link(bytes, header->size_bytes);
	memcpy(link_at, link.bytes, SHA256_BYTES);
	put_le64(bytes + COMMIT_CHECKSUM_AT,
		 digest_xxh3_seeded(
			 span_of(bytes + COMMIT_EPOCH_AT, header->size_bytes - COMMIT_EPOCH_AT),
			 seed));
	*ret_link = link;
}

bool commit_peek(const uint8_t *bytes, uint64_t offset, uint64_t size_max, uint32_t *ret_size)
{
	uint32_t size;

	if (get_le32(bytes + COMMIT_MAGIC_AT) != COMMIT_MAGIC)
		return false;
	if (get_le64(bytes + COMMIT_OFFSET_AT) != offset)
		return false;
	size = get_le32(bytes + COMMIT_SIZE_AT);
	if (size < COMMIT_MIN_BYTES || size > size_max)
		return false;
	*ret_size = size;
	return true;
}

bool commit_check(const struct format *format, const uint8_t *bytes, uint32_t size,
		  struct commit_header *ret, struct sha256 *ret_link)
{
	struct commit_header header = {
		.size_bytes = size,
		.epoch = get_le32(bytes + COMMIT_EPOCH_AT),
		.kind = get_le16(bytes + COMMIT_KIND_AT),
		.first_sequence = get_le64(bytes + COMMIT_SEQUENCE_AT),
		.frame_count = get_le32(bytes + COMMIT_COUNT_AT),
		.durable_offset = get_le64(bytes + COMMIT_DURABLE_AT),
		.offset = get_le64(bytes + COMMIT_OFFSET_AT),
		.time_us = get_le64(bytes + COMMIT_TIME_AT),
	};

	if (get_le64(bytes + COMMIT_CHECKSUM_AT) !=
	    digest_xxh3_seeded(span_of(bytes + COMMIT_EPOCH_AT, size - COMMIT_EPOCH_AT),
			       format_epoch_seed(format, header.epoch)))
		return false;
	if (header.kind < COMMIT_FRAMES || header.kind > COMMIT_CLOSE)
		return false;
	memcpy(header.previous.bytes, bytes + COMMIT_PREVIOUS_AT, SHA256_BYTES);
	memcpy(ret_link->bytes, bytes + size - COMMIT_LINK_BYTES, SHA256_BYTES);
	*ret = header;
	return true;
}

/* ---- frame ------------------------------------------------------------------------------------ */

void frame_header_begin(uint8_t *bytes, uint32_t payload_size)
{
	memset(bytes, 0, FRAME_HEADER_BYTES);
	put_le32(bytes + FRAME_SIZE_AT, payload_size);
	bytes[FRAME_ENCODING_AT] = ENCODING_PLAIN;
	put_le32(bytes + FRAME_MAGIC_AT, FRAME_MAGIC);
}

uint64_t frame_stored_bytes(uint64_t payload_size)
{
	return round_up(FRAME_HEADER_BYTES + payload_size, 8);
}

bool frame_next(struct span commit, size_t *at, struct span *ret_stored)
{
	size_t end = commit.size - COMMIT_LINK_BYTES;
	uint32_t payload_size;
	uint64_t stored;

	if (*at > end || end - *at < FRAME_HEADER_BYTES)
		return false;
	payload_size = get_le32(commit.data + *at + FRAME_SIZE_AT);
	stored = frame_stored_bytes(payload_size);
	if (payload_size > FRAME_MAX_BYTES || stored > end - *at ||
	    get_le32(commit.data + *at + FRAME_MAGIC_AT) != FRAME_MAGIC)
		return false;
	*ret_stored = span_of(commit.data + *at, (size_t)stored);
	*at += (size_t)stored;
	return true;
}

uint32_t frame_payload_size(struct span stored)
{
	return get_le32(stored.data + FRAME_SIZE_AT);
}

enum status frame_check_encoding(struct span stored, struct error *err)
{
	uint8_t encoding = (uint8_t)stored.data[FRAME_ENCODING_AT];
	uint16_t key = get_le16(stored.data + FRAME_KEY_AT);

	if (encoding != ENCODING_PLAIN || key != 0)
		return ERROR(err, ERR_UNSUPPORTED,
			     "a frame's payload has encoding %u and key %u, and this program knows "
			     "encoding %u without a key",
			     encoding, key, ENCODING_PLAIN);
	return OK;
}

enum status frame_open(const struct format *format, struct span stored, uint64_t sequence,
		       struct span *ret_payload, struct error *err)
{
	uint32_t size;
	uint64_t head;
	enum status s;

	if (stored.size < FRAME_HEADER_BYTES)
		return ERROR(err, ERR_CORRUPT, "a frame's header is cut off");
	size = get_le32(stored.data + FRAME_SIZE_AT);
	if (size > FRAME_MAX_BYTES || frame_stored_bytes(size) != stored.size)
		return ERROR(err, ERR_CORRUPT, "a frame's size is not what was written");
	head = digest_xxh3_seeded(
		span_of(stored.data, FRAME_CHECKSUM_AT),
		format_epoch_seed(format, get_le32(stored.data + FRAME_EPOCH_AT)));
	if (get_le64(stored.data + FRAME_CHECKSUM_AT) !=
	    digest_xxh3_seeded(span_of(stored.data + FRAME_HEADER_BYTES, size), head))
		return ERROR(err, ERR_CORRUPT, "a frame's checksum is wrong");
	if (get_le64(stored.data + FRAME_SEQUENCE_AT) != sequence)
		return ERROR(err, ERR_CORRUPT, "frame %" PRIu64 " stands where %" PRIu64 " should",
			     get_le64(stored.data + FRAME_SEQUENCE_AT), sequence);
	s = frame_check_encoding(stored, err);
	if (s != OK)
		return s;
	*ret_payload = frame_payload(stored, size);
	return OK;
}
