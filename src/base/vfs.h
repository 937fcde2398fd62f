/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VFS_H
#define BASE_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

/* vfs.h - the seam through which files are reached, so that tests can fail them on purpose.
 *
 * Plain POSIX semantics, with EINTR and partial transfers dealt with, and errno turned into a
 * status (ERR_FULL for a full disk). Paths are NUL-terminated. Calls are thread-safe as far as
 * POSIX's are: pread and pwrite on one file from several threads are fine. */

struct vfs;
struct vfs_file;

enum vfs_flags {
	VFS_READ = 1,
	VFS_WRITE = 2,
	VFS_CREATE = 4,    /* make it when it is not there, mode 0600 */
	VFS_EXCLUSIVE = 8, /* with VFS_CREATE: ERR_EXISTS when it is there */
	VFS_TRUNCATE = 16,
	VFS_DSYNC = 32, /* a write returns when its data is on stable storage */
};

typedef enum status (*vfs_list_fn)(const char *name, void *arg, struct error *err);

struct vfs_ops {
	enum status (*open)(struct vfs *vfs, const char *path, unsigned flags,
			    struct vfs_file **ret, struct error *err);
	/* Takes NULL. Closing releases locks. */
	void (*close)(struct vfs_file *file);
	/* Reads up to `size` bytes; *ret_size is less only at the end of the file. */
	enum status (*pread)(struct vfs_file *file, void *data, size_t size, uint64_t offset,
			     size_t *ret_size, struct error *err);
	/* All bytes, or an error after which it is unknown what was written. */
	enum status (*pwrite)(struct vfs_file *file, const void *data, size_t size, uint64_t offset,
			      struct error *err);
	enum status (*sync)(struct vfs_file *file, struct error *err); /* fdatasync */
	enum status (*size)(struct vfs_file *file, uint64_t *ret, struct error *err);
	enum status (*truncate)(struct vfs_file *file, uint64_t size, struct error *err);
	/* An exclusive lock that ends with the process (flock). ERR_BUSY: another open file holds it. */
	enum status (*lock)(struct vfs_file *file, struct error *err);
	enum status (*rename)(struct vfs *vfs, const char *from, const char *to, struct error *err);
	enum status (*remove)(struct vfs *vfs, const char *path, struct error *err);
	/* Makes a directory, mode 0700; OK when it is there already. Not its parents. */
	enum status (*make_directory)(struct vfs *vfs, const char *path, struct error *err);
	/* Makes names in the directory durable (fsync on it). */
	enum status (*sync_directory)(struct vfs *vfs, const char *path, struct error *err);
	/* Calls `each` for every name but . and .., in no order; stops at the first error. */
	enum status (*list)(struct vfs *vfs, const char *path, vfs_list_fn each, void *arg,
			    struct error *err);
	enum status (*free_space)(struct vfs *vfs, const char *path, uint64_t *ret_bytes,
				  struct error *err);
};

struct vfs {
	const struct vfs_ops *ops;
};

struct vfs_file {
	struct vfs *vfs;
};

/* The operating system's files. Static; never freed. */
struct vfs *vfs_system(void);

static inline void vfs_close(struct vfs_file *file)
{
	if (file != NULL)
		file->vfs->ops->close(file);
}
DEFINE_OWNED(vfs_file, vfs_close);

/* Reads a whole file into `ret`, which is appended to. ERR_LIMIT when it is larger than `max_bytes`. */
struct buf;
enum status vfs_read_file(struct vfs *vfs, const char *path, size_t max_bytes, struct buf *ret,
			  struct error *err) NODISCARD;

/* Writes a whole file so that after a crash the old or the new content is there, never a mixture:
 * a temporary file beside it, synced, renamed over it, the directory synced. */
enum status vfs_write_file_atomically(struct vfs *vfs, const char *path, struct span content,
				      struct error *err) NODISCARD;

#endif
