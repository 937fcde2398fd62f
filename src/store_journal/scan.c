/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - walks the commits of a journal.
 *
 * The log is a chain: each commit carries the link of the one before it, its own place, and the
 * sequence of its first frame; and it stands in the next free block, or, when it did not fit into
 * the rest of a segment, in the first block of the next one. So at each place there is exactly one
 * commit that can follow. When there is none at X, it is one of three things:
 *
 *	the end          nothing that was written later claims more: the write at X never happened, or
 *	                 it was cut off, and nobody was told that it is stored
 *	the rest         of a segment: the commit that follows begins the next segment
 *	damage           a whole commit of this log, further on, says that the log was durable beyond X
 *	                 when it was written: what is missing was answered, and is lost
 *
 * To tell the end from damage, everything behind X is searched, block by block: at most the rest of
 * the last segment and the room prepared behind it. Rot in the last commit of all looks like a
 * write that was cut off. A process that ends in order writes one more commit (COMMIT_CLOSE), which
 * claims everything before it.
 *
 * Bytes that an unfinished write left behind are never taken for a continuation: they carry an older
 * epoch, and the links of what was cut. */
#include "store_journal/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "model/position.h"

#define WINDOW_BYTES ((uint64_t)1 << 20)

static uint64_t segment_end(const struct scan *scan, uint64_t log_offset)
{
	return (log_offset / scan->segments->segment_bytes + 1) * scan->segments->segment_bytes;
}

static uint64_t log_end(const struct scan *scan)
{
	return scan->segments->count * scan->segments->segment_bytes;
}

/* `size` bytes at a log offset, all in one segment; valid until the next call. */
static enum status look(struct scan *scan, uint64_t log_offset, uint64_t size, const uint8_t **ret,
			struct error *err)
{
	uint64_t want = size > WINDOW_BYTES ? size : WINDOW_BYTES;
	uint64_t left = segment_end(scan, log_offset) - log_offset;
	enum status s;

	CHECK(size <= left);
	if (log_offset >= scan->window_start &&
	    log_offset + size <= scan->window_start + scan->window_size) {
		*ret = scan->window + (log_offset - scan->window_start);
		return OK;
	}
	if (want > left)
		want = left;
	if (want > scan->window_capacity) {
		uint8_t *grown = malloc((size_t)want);

		if (grown == NULL)
			return ERROR(err, ERR_NOMEM, "reading a journal");
		free(scan->window);
		scan->window = grown;
		scan->window_capacity = want;
	}
	scan->window_size = 0;
	s = segments_read(scan->segments, log_offset, scan->window, (size_t)want, err);
	if (s != OK)
		return s;
	scan->window_start = log_offset;
	scan->window_size = want;
	*ret = scan->window;
	return OK;
}

/* Whether there is a whole commit of this log at the place, following or not. */
static enum status find_at(struct scan *scan, uint64_t log_offset, struct scanned *ret,
			   struct commit_header *header, bool *ret_found, struct error *err)
{
	uint64_t left = segment_end(scan, log_offset) - log_offset;
	const uint8_t *bytes = NULL;
	uint32_t size;
	enum status s;

	*ret_found = false;
	if (left < COMMIT_MIN_BYTES)
		return OK;
	s = look(scan, log_offset, COMMIT_HEADER_BYTES, &bytes, err);
	if (s != OK || !commit_peek(bytes, log_offset, left, &size))
		return s;
	s = look(scan, log_offset, size, &bytes, err);
	if (s != OK)
		return s;
	if (!commit_check(&scan->segments->format, bytes, size, header, &ret->link))
		return OK;
	ret->header = header;
	ret->bytes = span_of(bytes, size);
	*ret_found = true;
	return OK;
}

static bool follows(const struct scan *scan, const struct commit_header *header)
{
	return header->first_sequence == scan->next_sequence && header->epoch >= scan->epoch &&
	       header->durable_offset <= header->offset &&
	       sha256_equal(&header->previous, &scan->link);
}

/* The first commit behind `after` that says the log was durable beyond `claim`. */
static enum status find_claim(struct scan *scan, uint64_t after, uint64_t claim,
			      struct scanned *ret, struct commit_header *header, bool *ret_found,
			      struct error *err)
{
	enum status s;

	*ret_found = false;
	for (uint64_t at = after; at < log_end(scan); at += BLOCK_BYTES) {
		if (at % scan->segments->segment_bytes == 0)
			continue; /* a segment's header */
		s = find_at(scan, at, ret, header, ret_found, err);
		if (s != OK)
			return s;
		if (*ret_found && header->durable_offset > claim)
			return OK;
	}
	*ret_found = false;
	return OK;
}

/* Whether anything but zeros stands at the place: one block is enough, a commit fills its header. */
static enum status is_blank(struct scan *scan, uint64_t log_offset, bool *ret, struct error *err)
{
	const uint8_t *bytes;
	enum status s;

	*ret = true;
	if (log_offset >= log_end(scan) || log_offset % scan->segments->segment_bytes == 0)
		return OK;
	s = look(scan, log_offset, BLOCK_BYTES, &bytes, err);
	if (s != OK)
		return s;
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		if (bytes[i] != 0)
			*ret = false;
	}
	return OK;
}

static enum status report_damage(struct scan *scan, uint64_t log_offset, uint64_t last_sequence,
				 const char *what, struct error *err)
{
	const struct journal_damage damage = {
		.segment = log_offset / scan->segments->segment_bytes + 1,
		.offset = log_offset % scan->segments->segment_bytes,
		.first_sequence = scan->next_sequence,
		.last_sequence = last_sequence,
		.what = what,
	};
	char place[SEGMENT_PLACE_BYTES], lost[128];

	if (scan->damage != NULL) {
		scan->damage(&damage, scan->arg);
		return OK;
	}
	segment_place(scan->segments, log_offset, place);
	if (damage.last_sequence < damage.first_sequence)
		(void)snprintf(lost, sizeof(lost), "no frames are lost");
	else
		(void)snprintf(lost, sizeof(lost),
			       "frames %" PRIu64 " to %" PRIu64 " (positions %" PRIu64
			       " to %" PRIu64 ") cannot be read",
			       damage.first_sequence, damage.last_sequence,
			       position_of(damage.first_sequence, 0),
			       position_end(damage.last_sequence));
	return ERROR(err, ERR_CORRUPT,
		     "'%s' is damaged in %s: %s; %s. Nothing was changed. Run `concordance verify "
		     "%s` for all of it, then restore a backup",
		     scan->segments->directory, place, what, lost, scan->segments->directory);
}

static enum status take(struct scan *scan, struct scanned *scanned, struct error *err)
{
	const struct commit_header *header = scanned->header;
	enum status s;

	scanned->after_damage = scan->after_damage;
	scan->after_damage = false;
	s = scan->commit(scanned, scan->arg, err);
	if (s != OK)
		return s;
	scan->tail = header->offset + round_up(header->size_bytes, BLOCK_BYTES);
	scan->next_sequence = header->first_sequence + header->frame_count;
	scan->epoch = header->epoch;
	scan->link = scanned->link;
	scan->closed = header->kind == COMMIT_CLOSE;
	return OK;
}

/* One commit further. *ret_more is false at the end of the log. */
static enum status step(struct scan *scan, bool *ret_more, struct error *err)
{
	uint64_t first_of_next = segment_end(scan, scan->tail) + BLOCK_BYTES;
	struct scanned scanned = { 0 };
	struct commit_header header;
	bool found = false, blank = true;
	uint64_t bad_at;
	enum status s = OK;

	/* A segment that is full to the last byte ends where the next one's header begins. */
	if (scan->tail % scan->segments->segment_bytes == 0) {
		first_of_next = scan->tail + BLOCK_BYTES;
	} else {
		s = find_at(scan, scan->tail, &scanned, &header, &found, err);
		if (s != OK)
			return s;
		*ret_more = true;
		if (found && follows(scan, &header))
			return take(scan, &scanned, err);
		if (found && header.epoch >= scan->epoch) {
			s = report_damage(scan, scan->tail, header.first_sequence - 1,
					  "a whole commit stands here that does not continue the "
					  "log before it",
					  err);
			scan->after_damage = true;
			return s == OK ? take(scan, &scanned, err) : s;
		}
	}
	if (first_of_next < log_end(scan)) {
		s = find_at(scan, first_of_next, &scanned, &header, &found, err);
		if (s != OK)
			return s;
		*ret_more = true;
		if (found && follows(scan, &header))
			return take(scan, &scanned, err);
	}
	bad_at = scan->tail;
	s = is_blank(scan, scan->tail, &blank, err);
	if (s == OK && blank && first_of_next < log_end(scan)) {
		bad_at = first_of_next;
		s = is_blank(scan, first_of_next, &blank, err);
		if (blank)
			bad_at = scan->tail;
	}
	if (s == OK)
		s = find_claim(scan, scan->tail, scan->tail, &scanned, &header, &found, err);
	if (s != OK)
		return s;
	if (!found) {
		/* Behind an end in order there is nothing that anybody could miss. */
		scan->unfinished = !blank && !scan->closed;
		*ret_more = false;
		return OK;
	}
	*ret_more = true;
	s = report_damage(scan, bad_at, header.first_sequence - 1,
			  "a commit that was stored is not what was written", err);
	if (s != OK)
		return s;
	scan->after_damage = true;
	return take(scan, &scanned, err);
}

enum status scan_run(struct scan *scan, struct error *err)
{
	bool more = true;
	enum status s = OK;

	scan->tail = BLOCK_BYTES;
	scan->next_sequence = 1;
	scan->epoch = 0;
	scan->link = (struct sha256){ 0 };
	scan->closed = false;
	scan->unfinished = false;
	scan->after_damage = false;
	scan->window = NULL;
	scan->window_capacity = 0;
	scan->window_size = 0;
	while (s == OK && more)
		s = step(scan, &more, err);
	free(scan->window);
	scan->window = NULL;
	return s;
}
