/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.c - the operating system's files, and two helpers that work on any vfs. */
#include "base/vfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

#define PATH_MAX_BYTES 4096
#define FILE_MODE      0600
#define DIRECTORY_MODE 0700
#define PART_BYTES     ((size_t)65536) /* read at once of what a file has grown by */

struct system_file {
	struct vfs_file file; /* first */
	int fd;
	char *path; /* owned; for messages */
};

static struct system_file *system_file(struct vfs_file *file)
{
	CHECK(file->vfs == vfs_system());
	return CONTAINER_OF(file, struct system_file, file);
}

static int open_flags(unsigned flags)
{
	int result = O_CLOEXEC;

	if ((flags & VFS_READ) != 0 && (flags & VFS_WRITE) != 0)
		result |= O_RDWR;
	else
		result |= (flags & VFS_WRITE) != 0 ? O_WRONLY : O_RDONLY;
	if ((flags & VFS_CREATE) != 0)
		result |= O_CREAT;
	if ((flags & VFS_EXCLUSIVE) != 0)
		result |= O_EXCL;
	if ((flags & VFS_TRUNCATE) != 0)
		result |= O_TRUNC;
	if ((flags & VFS_DSYNC) != 0)
		result |= O_DSYNC;
	return result;
}

static enum status system_open(struct vfs *vfs, const char *path, unsigned flags,
			       struct vfs_file **ret, struct error *err)
{
	struct system_file *file = calloc(1, sizeof(*file));
	char *copy = strdup(path);

	if (file == NULL || copy == NULL) {
		free(file);
		free(copy);
		return ERROR(err, ERR_NOMEM, "opening '%s'", path);
	}
	do {
		file->fd = open(path, open_flags(flags), FILE_MODE);
	} while (file->fd < 0 && errno == EINTR);
	if (file->fd < 0) {
		int reason = errno;

		free(file);
		free(copy);
		return error_set_errno(err, reason, "opening '%s'", path);
	}
	file->file.vfs = vfs;
	file->path = copy;
	*ret = &file->file;
	return OK;
}

static void system_close(struct vfs_file *file)
{
	if (file == NULL)
		return;
	struct system_file *f = system_file(file);
	/* What matters was synced; close(2) has nothing to say that could still be acted on. */
	(void)close(f->fd);
	free(f->path);
	free(f);
}

static enum status system_pread(struct vfs_file *file, void *data, size_t size, uint64_t offset,
				size_t *ret_size, struct error *err)
{
	struct system_file *f = system_file(file);
	size_t done = 0;

	while (done < size) {
		ssize_t got =
			pread(f->fd, (char *)data + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, errno, "reading '%s' at %llu", f->path,
					       (unsigned long long)offset);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*ret_size = done;
	return OK;
}

static enum status system_pwrite(struct vfs_file *file, const void *data, size_t size,
				 uint64_t offset, struct error *err)
{
	struct system_file *f = system_file(file);
	size_t done = 0;

	while (done < size) {
		ssize_t put = pwrite(f->fd, (const char *)data + done, size - done,
				     (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_set_errno(err, errno, "writing %zu bytes to '%s' at %llu",
					       size, f->path, (unsigned long long)offset);
		if (put == 0)
			return ERROR(err, ERR_IO, "writing %zu bytes to '%s' at %llu: none taken",
				     size, f->path, (unsigned long long)offset);
		done += (size_t)put;
	}
	return OK;
}

static enum status system_sync(struct vfs_file *file, struct error *err)
{
	struct system_file *f = system_file(file);

	/* Never tried again: after a failed sync the kernel may have dropped what it could not write. */
	if (fdatasync(f->fd) != 0)
		return error_set_errno(err, errno, "syncing '%s'", f->path);
	return OK;
}

static enum status system_size(struct vfs_file *file, uint64_t *ret, struct error *err)
{
	struct system_file *f = system_file(file);
	struct stat info;

	if (fstat(f->fd, &info) != 0)
		return error_set_errno(err, errno, "asking the size of '%s'", f->path);
	*ret = (uint64_t)info.st_size;
	return OK;
}

static enum status system_truncate(struct vfs_file *file, uint64_t size, struct error *err)
{
	struct system_file *f = system_file(file);
	int result;

	do {
		result = ftruncate(f->fd, (off_t)size);
	} while (result != 0 && errno == EINTR);
	if (result != 0)
		return error_set_errno(err, errno, "truncating '%s' to %llu", f->path,
				       (unsigned long long)size);
	return OK;
}

static enum status system_lock(struct vfs_file *file, struct error *err)
{
	struct system_file *f = system_file(file);
	int result;

	do {
		result = flock(f->fd, LOCK_EX | LOCK_NB);
	} while (result != 0 && errno == EINTR);
	if (result == 0)
		return OK;
	if (errno == EWOULDBLOCK)
		return ERROR(err, ERR_BUSY, "'%s' is locked by another process", f->path);
	return error_set_errno(err, errno, "locking '%s'", f->path);
}

static enum status system_rename(struct vfs *vfs, const char *from, const char *to,
				 struct error *err)
{
	(void)vfs;
	if (rename(from, to) != 0)
		return error_set_errno(err, errno, "renaming '%s' to '%s'", from, to);
	return OK;
}

static enum status system_remove(struct vfs *vfs, const char *path, struct error *err)
{
	(void)vfs;
	if (unlink(path) != 0)
		return error_set_errno(err, errno, "removing '%s'", path);
	return OK;
}

static enum status system_make_directory(struct vfs *vfs, const char *path, struct error *err)
{
	struct stat info;

	(void)vfs;
	if (mkdir(path, DIRECTORY_MODE) == 0)
		return OK;
	if (errno != EEXIST)
		return error_set_errno(err, errno, "making directory '%s'", path);
	if (stat(path, &info) != 0)
		return error_set_errno(err, errno, "looking at '%s'", path);
	if (!S_ISDIR(info.st_mode))
		return ERROR(err, ERR_EXISTS, "'%s' is there and is not a directory", path);
	return OK;
}

static enum status system_sync_directory(struct vfs *vfs, const char *path, struct error *err)
{
	enum status s = OK;

	(void)vfs;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, errno, "opening directory '%s'", path);
	if (fsync(fd) != 0)
		s = error_set_errno(err, errno, "syncing directory '%s'", path);
	(void)close(fd);
	return s;
}

static enum status system_list(struct vfs *vfs, const char *path, vfs_list_fn each, void *arg,
			       struct error *err)
{
	enum status s = OK;

	(void)vfs;
	DIR *directory = opendir(path);
	if (directory == NULL)
		return error_set_errno(err, errno, "listing '%s'", path);
	while (s == OK) {
		errno = 0;
		/* One DIR has one reader, so readdir() is safe (POSIX.1-2017, glibc). */
		struct dirent *entry = readdir(directory); /* NOLINT(concurrency-mt-unsafe) */
		if (entry == NULL) {
			if (errno != 0)
				s = error_set_errno(err, errno, "listing '%s'", path);
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			s = each(entry->d_name, arg, err);
	}
	(void)closedir(directory);
	return s;
}

static enum status system_free_space(struct vfs *vfs, const char *path, uint64_t *ret_bytes,
				     struct error *err)
{
	struct statvfs info;

	(void)vfs;
	if (statvfs(path, &info) != 0)
		return error_set_errno(err, errno, "asking for the free space of '%s'", path);
	*ret_bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_frsize;
	return OK;
}

struct vfs *vfs_system(void)
{
	static const struct vfs_ops ops = {
		.open = system_open,
		.close = system_close,
		.pread = system_pread,
		.pwrite = system_pwrite,
		.sync = system_sync,
		.size = system_size,
		.truncate = system_truncate,
		.lock = system_lock,
		.rename = system_rename,
		.remove = system_remove,
		.make_directory = system_make_directory,
		.sync_directory = system_sync_directory,
		.list = system_list,
		.free_space = system_free_space,
	};
	static struct vfs system = { .ops = &ops };

	return &system;
}

static enum status read_to_end(struct vfs_file *file, const char *path, size_t max_bytes,
			       struct buf *ret, struct error *err)
{
	const struct vfs_ops *ops = file->vfs->ops;
	uint64_t size = 0;
	size_t done = 0;
	size_t got = 0;
	char more;

	enum status s = ops->size(file, &size, err);
	if (s != OK)
		return s;
	if (size > max_bytes)
		return ERROR(err, ERR_LIMIT, "'%s' has %llu bytes, more than the %zu allowed", path,
			     (unsigned long long)size, max_bytes);
	/* Until nothing more comes: a file may grow meanwhile, and those of /proc say 0. */
	for (size_t part = (size_t)size;;) {
		if (buf_reserve(ret, part) != OK)
			return ERROR(err, buf_status(ret), "reading '%s', %zu bytes at %zu", path,
				     part, done);
		if (part != 0) {
			s = ops->pread(file, ret->data + ret->size, part, done, &got, err);
			if (s != OK)
				return s;
			ret->size += got;
			done += got;
		}
		s = ops->pread(file, &more, sizeof(more), done, &got, err);
		if (s != OK || got == 0)
			return s;
		if (done == max_bytes)
			return ERROR(err, ERR_LIMIT, "'%s' has more than the %zu bytes allowed",
				     path, max_bytes);
		part = max_bytes - done < PART_BYTES ? max_bytes - done : PART_BYTES;
	}
}

enum status vfs_read_file(struct vfs *vfs, const char *path, size_t max_bytes, struct buf *ret,
			  struct error *err)
{
	OWNED(vfs_file) struct vfs_file *file = NULL;
	size_t before = ret->size;

	enum status s = vfs->ops->open(vfs, path, VFS_READ, &file, err);
	if (s == OK)
		s = read_to_end(file, path, max_bytes, ret, err);
	if (s != OK)
		ret->size = before;
	return s;
}

static enum status write_and_sync(struct vfs *vfs, const char *path, struct span content,
				  struct error *err)
{
	OWNED(vfs_file) struct vfs_file *file = NULL;

	enum status s =
		vfs->ops->open(vfs, path, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, &file, err);
	if (s == OK)
		s = vfs->ops->pwrite(file, content.data, content.size, 0, err);
	if (s == OK)
		s = vfs->ops->sync(file, err);
	return s;
}

enum status vfs_write_file_atomically(struct vfs *vfs, const char *path, struct span content,
				      struct error *err)
{
	char temporary[PATH_MAX_BYTES];
	char directory[PATH_MAX_BYTES];
	const char *slash = strrchr(path, '/');
	size_t directory_size = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

	/* The process id and the number keep two writers of one file, in two processes or two threads,
	 * from writing into one temporary. */
	static _Atomic unsigned writers;
	unsigned writer = atomic_fetch_add_explicit(&writers, 1, memory_order_relaxed);
	int length =
		snprintf(temporary, sizeof(temporary), "%s.%d.%u.tmp", path, (int)getpid(), writer);
	if (length < 0 || (size_t)length >= sizeof(temporary))
		return ERROR(err, ERR_LIMIT, "the path is too long: '%.100s...'", path);
	(void)snprintf(directory, sizeof(directory), "%.*s",
		       directory_size == 0 ? 1 : (int)directory_size,
		       directory_size == 0 ? "." : path);
	enum status s = write_and_sync(vfs, temporary, content, err);
	if (s == OK)
		s = vfs->ops->rename(vfs, temporary, path, err);
	if (s != OK) {
		/* The error to tell is the one before it. */
		(void)vfs->ops->remove(vfs, temporary, NULL);
		return s;
	}
	return vfs->ops->sync_directory(vfs, directory, err);
}
