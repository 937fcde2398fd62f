/* SPDX-License-Identifier: Apache-2.0 */
#include "store_journal/segment.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

#define PREPARE_STEP_BYTES ((size_t)1 << 20)
#define READERS_OPEN_MAX   64

static const char name_prefix[] = "segment-";

enum status segments_init(struct segments *segments, struct vfs *vfs, const char *directory,
			  struct error *err)
{
	*segments = (struct segments){ .vfs = vfs, .directory = strdup(directory) };
	mutex_init(&segments->mu, RANK_STORE);
	if (segments->directory == NULL) {
		mutex_fini(&segments->mu);
		return ERROR(err, ERR_NOMEM, "opening a journal");
	}
	return OK;
}

void segments_fini(struct segments *segments)
{
	if (segments->directory == NULL)
		return;
	for (uint64_t i = 0; i < segments->count; i++)
		vfs_close(segments->readers[i].file);
	free(segments->readers);
	free(segments->directory);
	segments->directory = NULL;
	mutex_fini(&segments->mu);
}

void segment_name(uint64_t number, char name[static SEGMENT_NAME_BYTES])
{
	CHECK(number >= 1 && number <= SEGMENT_NUMBER_MAX);
	(void)snprintf(name, SEGMENT_NAME_BYTES, "%s%08" PRIu32, name_prefix, (uint32_t)number);
}

enum status segment_path(const struct segments *segments, const char *name,
			 char path[static SEGMENT_PATH_BYTES], struct error *err)
{
	int size = snprintf(path, SEGMENT_PATH_BYTES, "%s/%s", segments->directory, name);

	if (size < 0 || size >= SEGMENT_PATH_BYTES)
		return ERROR(err, ERR_LIMIT, "the path of a journal's directory is too long");
	return OK;
}

static enum status number_path(const struct segments *segments, uint64_t number,
			       char path[static SEGMENT_PATH_BYTES], struct error *err)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(number, name);
	return segment_path(segments, name, path, err);
}

void segment_place(const struct segments *segments, uint64_t log_offset,
		   char text[static SEGMENT_PLACE_BYTES])
{
	uint64_t number = log_offset / segments->segment_bytes + 1;

	(void)snprintf(text, SEGMENT_PLACE_BYTES, "%s%08" PRIu64 " at %" PRIu64, name_prefix,
		       number, log_offset % segments->segment_bytes);
}

/* ---- listing ---------------------------------------------------------------------------------- */

struct listing {
	uint64_t count;
	uint64_t highest;
	char foreign[64]; /* the first name that is not a journal's */
};

static bool parse_name(const char *name, uint64_t *ret)
{
	uint64_t number = 0;
	size_t prefix = sizeof(name_prefix) - 1;

	if (strncmp(name, name_prefix, prefix) != 0 || strlen(name) != prefix + 8)
		return false;
	for (const char *at = name + prefix; *at != '\0'; at++) {
		if (*at < '0' || *at > '9')
			return false;
		number = number * 10 + (uint64_t)(*at - '0');
	}
	*ret = number;
	return number != 0;
}

static enum status list_name(const char *name, void *arg, struct error *err)
{
	struct listing *listing = arg;
	uint64_t number;

	(void)err; /* it can't fail */
	if (parse_name(name, &number)) {
		listing->count++;
		if (number > listing->highest)
			listing->highest = number;
	} else if (strcmp(name, LOCK_NAME) != 0 && strcmp(name, PREPARE_NAME) != 0 &&
		   listing->foreign[0] == '\0') {
		(void)snprintf(listing->foreign, sizeof(listing->foreign), "%s", name);
	}
	return OK;
}

enum status segments_list(struct segments *segments, uint64_t *ret_count, struct error *err)
{
	struct listing listing = { 0 };
	enum status s = segments->vfs->ops->list(segments->vfs, segments->directory, list_name,
						 &listing, err);

	if (s != OK)
		return s;
	if (listing.foreign[0] != '\0' && listing.count == 0)
		return ERROR(err, ERR_INVALID,
			     "'%s' holds '%s', which is no part of a journal: give the journal a "
			     "directory of its own",
			     segments->directory, listing.foreign);
	if (listing.foreign[0] != '\0')
		log_event(LOG_WARN, "journal_foreign_file",
			  LOG_STRING("directory", segments->directory),
			  LOG_STRING("name", listing.foreign));
	/* Names are distinct, so a gap shows in the count. */
	if (listing.count != listing.highest)
		return ERROR(err, ERR_CORRUPT,
			     "'%s' holds %" PRIu64 " segments, and the last is number %" PRIu64
			     ": at least one is missing; put it back from a backup",
			     segments->directory, listing.count, listing.highest);
	*ret_count = listing.count;
	return OK;
}

enum status segment_read_header(struct segments *segments, uint64_t number,
				struct segment_header *ret, struct error *err)
{
	OWNED(vfs_file) struct vfs_file *file = NULL;
	char path[SEGMENT_PATH_BYTES];
	uint8_t block[BLOCK_BYTES];
	struct segment_header header;
	size_t size = 0;
	uint64_t file_size = 0;
	enum status s = number_path(segments, number, path, err);

	if (s == OK)
		s = segments->vfs->ops->open(segments->vfs, path, VFS_READ, &file, err);
	if (s == OK)
		s = segments->vfs->ops->pread(file, block, sizeof(block), 0, &size, err);
	if (s == OK)
		s = segments->vfs->ops->size(file, &file_size, err);
	if (s != OK)
		return s;
	if (size != sizeof(block))
		return ERROR(err, ERR_CORRUPT, "'%s' has only %zu bytes", path, size);
	s = segment_header_decode(block, &header, err);
	if (s != OK)
		return error_wrap(err, s, "'%s'", path);
	if (header.number != number)
		return ERROR(err, ERR_CORRUPT, "'%s' is segment %" PRIu64 " by its header", path,
			     header.number);
	if (header.segment_bytes % BLOCK_BYTES != 0 ||
	    header.segment_bytes < (uint64_t)4 * BLOCK_BYTES ||
	    header.segment_bytes > (uint64_t)4 << 30)
		return ERROR(err, ERR_CORRUPT,
			     "'%s' has segments of %" PRIu64 " bytes by its header", path,
			     header.segment_bytes);
	if (file_size != header.segment_bytes)
		return ERROR(err, ERR_CORRUPT, "'%s' has %" PRIu64 " bytes, not %" PRIu64, path,
			     file_size, header.segment_bytes);
	*ret = header;
	return OK;
}

/* ---- making one ------------------------------------------------------------------------------- */

static enum status fill(struct segments *segments, struct vfs_file *file, uint64_t number,
			uint64_t created_us, uint8_t *step, const _Atomic bool *stop,
			struct error *err)
{
	const struct vfs_ops *ops = segments->vfs->ops;
	const struct segment_header header = {
		.number = number,
		.segment_bytes = segments->segment_bytes,
		.log_id = segments->format.log_id,
		.seed = segments->format.seed,
		.created_us = created_us,
	};
	uint64_t size = 0;
	enum status s = ops->size(file, &size, err);

	if (s == OK && size > segments->segment_bytes)
		s = ops->truncate(file, segments->segment_bytes, err);
	for (uint64_t at = 0; s == OK && at < segments->segment_bytes; at += PREPARE_STEP_BYTES) {
		uint64_t left = segments->segment_bytes - at;

		if (stop != NULL && atomic_load(stop))
			return ERROR(err, ERR_CLOSED, "preparing a segment was called off");
		segment_header_encode(&header, step);
		if (at != 0)
			memset(step, 0, BLOCK_BYTES);
		s = ops->pwrite(file, step,
				left < PREPARE_STEP_BYTES ? (size_t)left : PREPARE_STEP_BYTES, at,
				err);
		/* Step by step, or one large sync would hold up the commits beside it. A new journal
		 * has none yet. */
		if (s == OK && (stop != NULL || left <= PREPARE_STEP_BYTES))
			s = ops->sync(file, err);
	}
	return s;
}

enum status segment_prepare(struct segments *segments, uint64_t number, uint64_t created_us,
			    const _Atomic bool *stop, struct error *err)
{
	struct vfs *vfs = segments->vfs;
	OWNED(vfs_file) struct vfs_file *file = NULL;
	char from[SEGMENT_PATH_BYTES], to[SEGMENT_PATH_BYTES];
	uint8_t *step;
	enum status s;

	if (number > SEGMENT_NUMBER_MAX)
		return ERROR(err, ERR_LIMIT, "a journal has at most %u segments",
			     SEGMENT_NUMBER_MAX);
	s = segment_path(segments, PREPARE_NAME, from, err);
	if (s == OK)
		s = number_path(segments, number, to, err);
	if (s == OK)
		s = vfs->ops->open(vfs, from, VFS_READ | VFS_WRITE | VFS_CREATE, &file, err);
	if (s != OK)
		return s;
	step = calloc(1, PREPARE_STEP_BYTES);
	if (step == NULL)
		return ERROR(err, ERR_NOMEM, "preparing a segment");
	s = fill(segments, file, number, created_us, step, stop, err);
	free(step);
	if (s == ERR_FULL) {
		/* Others need room too, and half a segment is of no use. That it was given back is
		 * not vital, and the first failure is what counts. */
		(void)vfs->ops->truncate(file, 0, NULL);
	}
	if (s != OK)
		return error_wrap(err, s, "preparing '%s'", to);
	s = vfs->ops->rename(vfs, from, to, err);
	if (s == OK)
		s = vfs->ops->sync_directory(vfs, segments->directory, err);
	if (s != OK)
		return error_wrap(err, s, "preparing '%s'", to);
	return OK;
}

enum status segment_open_writer(struct segments *segments, uint64_t number, struct vfs_file **ret,
				struct error *err)
{
	char path[SEGMENT_PATH_BYTES];
	enum status s = number_path(segments, number, path, err);

	if (s != OK)
		return s;
	return segments->vfs->ops->open(segments->vfs, path, VFS_READ | VFS_WRITE | VFS_DSYNC, ret,
					err);
}

/* ---- reading ---------------------------------------------------------------------------------- */

enum status segments_add(struct segments *segments, uint64_t number, struct error *err)
{
	MUTEX_GUARD(&segments->mu);

	CHECK(number == segments->count + 1);
	if (segments->count == segments->capacity) {
		uint64_t capacity = segments->capacity == 0 ? 16 : segments->capacity * 2;
		struct segment_reader *grown =
			realloc(segments->readers, (size_t)capacity * sizeof(*grown));

		if (grown == NULL)
			return ERROR(err, ERR_NOMEM, "the table of segments");
		segments->readers = grown;
		segments->capacity = capacity;
	}
	segments->readers[segments->count++] = (struct segment_reader){ 0 };
	return OK;
}

/* Closes the one that nobody reads and that was used longest ago. Called rarely: only when one was
 * opened. */
static struct vfs_file *evict_locked(struct segments *segments)
{
	struct segment_reader *oldest = NULL;
	struct vfs_file *file;

	CHECK_DEBUG(MUTEX_IS_HELD(&segments->mu));
	for (uint64_t i = 0; i < segments->count; i++) {
		struct segment_reader *reader = &segments->readers[i];

		if (reader->file != NULL && reader->users == 0 &&
		    (oldest == NULL || reader->last_use < oldest->last_use))
			oldest = reader;
	}
	if (oldest == NULL)
		return NULL;
	file = oldest->file;
	oldest->file = NULL;
	segments->open_count--;
	return file;
}

static enum status reader_get(struct segments *segments, uint64_t number, struct vfs_file **ret,
			      struct error *err)
{
	OWNED(vfs_file) struct vfs_file *opened = NULL;
	OWNED(vfs_file) struct vfs_file *evicted = NULL;
	char path[SEGMENT_PATH_BYTES];
	struct segment_reader *reader;
	bool is_open;
	enum status s = OK;

	mutex_lock(&segments->mu);
	CHECK(number >= 1 && number <= segments->count);
	reader = &segments->readers[number - 1];
	reader->users++;
	reader->last_use = ++segments->use;
	*ret = reader->file;
	is_open = reader->file != NULL;
	mutex_unlock(&segments->mu);
	if (is_open)
		return OK;

	/* Opened without the lock; another thread may do the same meanwhile. */
	s = number_path(segments, number, path, err);
	if (s == OK)
		s = segments->vfs->ops->open(segments->vfs, path, VFS_READ, &opened, err);
	mutex_lock(&segments->mu);
	reader = &segments->readers[number - 1]; /* the table may have moved */
	if (s != OK && reader->file == NULL) {
		reader->users--;
	} else if (reader->file == NULL) {
		reader->file = TAKE(opened);
		if (++segments->open_count > READERS_OPEN_MAX)
			evicted = evict_locked(segments);
	}
	*ret = reader->file;
	mutex_unlock(&segments->mu);
	(void)evicted; /* closed on the way out, when no lock is held */
	return *ret != NULL ? OK : s;
}

static void reader_put(struct segments *segments, uint64_t number)
{
	MUTEX_GUARD(&segments->mu);

	segments->readers[number - 1].users--;
}

enum status segments_read(struct segments *segments, uint64_t log_offset, void *data, size_t size,
			  struct error *err)
{
	uint64_t number = log_offset / segments->segment_bytes + 1;
	uint64_t offset = log_offset % segments->segment_bytes;
	struct vfs_file *file = NULL;
	size_t got = 0;
	enum status s;

	CHECK(size <= segments->segment_bytes - offset);
	s = reader_get(segments, number, &file, err);
	if (s != OK)
		return s;
	s = segments->vfs->ops->pread(file, data, size, offset, &got, err);
	reader_put(segments, number);
	if (s == OK && got != size) {
		char place[SEGMENT_PLACE_BYTES];

		segment_place(segments, log_offset, place);
		s = ERROR(err, ERR_CORRUPT, "'%s/%s' ends after %zu of %zu bytes",
			  segments->directory, place, got, size);
	}
	return s;
}
