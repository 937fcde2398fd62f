/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_SEGMENT_H
#define STORE_JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mutex.h"
#include "base/vfs.h"
#include "store_journal/format.h"

/* segment.h - the files of a journal: their names, making them, reading them.
 *
 * A segment appears under its name only when it is complete: zeroed to its full size, with its
 * header, and synced. Before that it is prepare.tmp, whose blocks are used again if the process
 * ended meanwhile. A log offset counts through all segments as if they were one file:
 * (number - 1) * segment_bytes + offset in the file. */

#define SEGMENT_NAME_BYTES 24 /* with the NUL */
#define SEGMENT_NUMBER_MAX 99999999u
#define SEGMENT_PATH_BYTES 4096
#define PREPARE_NAME       "prepare.tmp"
#define LOCK_NAME          "lock"

struct segment_reader {
	struct vfs_file *file; /* NULL: not open now */
	uint32_t users;
	uint64_t last_use;
};

struct segments {
	/* Set before the segments are used. */
	struct vfs *vfs;
	char *directory; /* owned */
	uint64_t segment_bytes;
	struct format format;

	struct mutex mu;                /* RANK_STORE; guards the fields below */
	struct segment_reader *readers; /* owned; of segment number i + 1 */
	uint64_t count;
	uint64_t capacity;
	uint64_t open_count;
	uint64_t use;
};

enum status segments_init(struct segments *segments, struct vfs *vfs, const char *directory,
			  struct error *err) NODISCARD;
void segments_fini(struct segments *segments);

void segment_name(uint64_t number, char name[static SEGMENT_NAME_BYTES]);
/* "directory/name". ERR_LIMIT: too long a path. */
enum status segment_path(const struct segments *segments, const char *name,
			 char path[static SEGMENT_PATH_BYTES], struct error *err) NODISCARD;

/* What the directory holds. ERR_NOT_FOUND: no such directory. ERR_INVALID: files that are not a
 * journal's, and no segment. ERR_CORRUPT: a segment is missing. *ret_count is 0 for an empty one. */
enum status segments_list(struct segments *segments, uint64_t *ret_count,
			  struct error *err) NODISCARD;

/* Reads and checks a segment's header, and that the file has its full size. The messages name the
 * file. */
enum status segment_read_header(struct segments *segments, uint64_t number,
				struct segment_header *ret, struct error *err) NODISCARD;

/* Makes segment `number` out of prepare.tmp, in steps of 1 MiB. *stop (may be NULL) is looked at
 * before each: ERR_CLOSED. On ERR_FULL the room that was taken is given back. */
enum status segment_prepare(struct segments *segments, uint64_t number, uint64_t created_us,
			    const _Atomic bool *stop, struct error *err) NODISCARD;

/* Opens it for commits: writes return when they are on stable storage. */
enum status segment_open_writer(struct segments *segments, uint64_t number, struct vfs_file **ret,
				struct error *err) NODISCARD;

/* There is one more segment, ready for readers. ERR_NOMEM. */
enum status segments_add(struct segments *segments, uint64_t number, struct error *err) NODISCARD;

/* Reads `size` bytes at a log offset; they lie in one segment. Any thread. ERR_CORRUPT: the file is
 * shorter. Files are opened as they are needed, and a limited number stays open. */
enum status segments_read(struct segments *segments, uint64_t log_offset, void *data, size_t size,
			  struct error *err) NODISCARD;

/* What a reader's message needs: "segment-00000001 at 4096". */
#define SEGMENT_PLACE_BYTES 64
void segment_place(const struct segments *segments, uint64_t log_offset,
		   char text[static SEGMENT_PLACE_BYTES]);

#endif
