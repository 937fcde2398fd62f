/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.c - room ahead: the next segment is zeroed and synced before it is needed.
 *
 * A write into zeroed, synced blocks changes no metadata of the file system, which makes it twice
 * as fast as one that grows the file; and it can't meet a full disk. The full disk is met here,
 * while the segment before still has room, and turns the journal read-only until there is space:
 * it is looked for once a second.
 *
 * Also a prepared segment that an earlier process left behind is used: whatever is in it has an
 * older epoch. */
#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "store_journal/internal.h"

#define RETRY_MS    1000
#define SPARE_BYTES ((uint64_t)1 << 20) /* for the file system's own needs */

static void set_mode(struct journal *journal, enum store_mode mode)
{
	bool changed;

	mutex_lock(&journal->mu);
	/* A failure is final. */
	changed =
		atomic_load(&journal->mode) != STORE_FAILED && atomic_load(&journal->mode) != mode;
	if (changed)
		atomic_store(&journal->mode, mode);
	mutex_unlock(&journal->mu);
	if (!changed)
		return;
	if (journal->metrics.mode != NULL)
		gauge_set(journal->metrics.mode, (int64_t)mode);
	if (mode == STORE_READ_ONLY_FULL)
		log_event(LOG_ERROR, "journal_disk_full",
			  LOG_STRING("directory", journal->segments.directory),
			  LOG_NUMBER("needed_bytes", journal->segments.segment_bytes),
			  LOG_STRING("now", "read-only until there is space"));
	else
		log_event(LOG_INFO, "journal_disk_has_space",
			  LOG_STRING("directory", journal->segments.directory));
}

/* Whether it is worth trying: what fills a full disk to the last byte once a second, only to find
 * out, takes the space from others. Quotas don't show here; for them the attempt decides. */
static enum status has_space(struct journal *journal, bool *ret, struct error *err)
{
	struct vfs *vfs = journal->segments.vfs;
	char path[SEGMENT_PATH_BYTES];
	OWNED(vfs_file) struct vfs_file *left = NULL;
	uint64_t free_bytes = 0, have = 0;
	enum status s = vfs->ops->free_space(vfs, journal->segments.directory, &free_bytes, err);

	if (s == OK)
		s = segment_path(&journal->segments, PREPARE_NAME, path, err);
	if (s != OK)
		return s;
	/* What an earlier attempt holds counts. */
	if (vfs->ops->open(vfs, path, VFS_READ, &left, NULL) == OK)
		(void)vfs->ops->size(left, &have, NULL);
	*ret = free_bytes + have >= journal->segments.segment_bytes + SPARE_BYTES;
	return OK;
}

static enum status make(struct journal *journal, uint64_t number, struct error *err)
{
	bool enough = false;
	enum status s = has_space(journal, &enough, err);

	if (s != OK)
		return s;
	if (!enough)
		return ERROR(err, ERR_FULL, "no space for another segment");
	s = segment_prepare(&journal->segments, number, clock_wall_us(journal->options.clock),
			    &journal->stopping, err);
	return s != OK ? s : segments_add(&journal->segments, number, err);
}

/* Makes segment `number`, or opens it when it is there already. */
static enum status make_or_open(struct journal *journal, uint64_t number, struct vfs_file **ret,
				struct error *err)
{
	struct segment_header header;
	uint64_t count;
	enum status s;

	mutex_lock(&journal->segments.mu);
	count = journal->segments.count;
	mutex_unlock(&journal->segments.mu);
	CHECK(number <= count + 1);
	if (number > count)
		s = make(journal, number, err);
	else
		s = segment_read_header(&journal->segments, number, &header, err);
	return s != OK ? s : segment_open_writer(&journal->segments, number, ret, err);
}

enum status prepare_next(struct journal *journal, struct error *err)
{
	struct vfs_file *file = NULL;
	uint64_t number;
	bool wanted;
	enum status s;

	mutex_lock(&journal->mu);
	wanted = journal->prepared == NULL && !journal->preparing &&
		 atomic_load(&journal->mode) != STORE_FAILED;
	journal->preparing = journal->preparing || wanted;
	/* The one behind the segment that `tail` is in; a tail at the very end is in the one before. */
	number = (journal->tail - 1) / journal->segments.segment_bytes + 2;
	mutex_unlock(&journal->mu);
	if (!wanted)
		return OK;

	s = make_or_open(journal, number, &file, err);
	mutex_lock(&journal->mu);
	journal->preparing = false;
	journal->prepared = file; /* NULL still, unless it went well */
	mutex_unlock(&journal->mu);
	if (s == ERR_FULL) {
		set_mode(journal, STORE_READ_ONLY_FULL);
		return OK;
	}
	if (s != OK)
		return s;
	if (journal->metrics.segments != NULL)
		gauge_set(journal->metrics.segments, (int64_t)number);
	set_mode(journal, STORE_READ_WRITE);
	return OK;
}

void prepare_run(void *arg)
{
	struct journal *journal = arg;

	mutex_lock(&journal->mu);
	while (!atomic_load(&journal->stopping)) {
		struct error err = { 0 };
		enum status s;

		if (journal->prepared != NULL || atomic_load(&journal->mode) == STORE_FAILED) {
			cond_wait(&journal->prepare_wanted, &journal->mu);
			continue;
		}
		mutex_unlock(&journal->mu);
		s = prepare_next(journal, &err);
		if (s != OK && s != ERR_CLOSED)
			journal_fail(journal, "preparing room in", &err);
		mutex_lock(&journal->mu);
		if (atomic_load(&journal->mode) == STORE_READ_ONLY_FULL &&
		    !atomic_load(&journal->stopping))
			(void)cond_wait_ms(&journal->prepare_wanted, &journal->mu, RETRY_MS);
	}
	mutex_unlock(&journal->mu);
}
