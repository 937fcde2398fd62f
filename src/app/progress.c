/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - a vfs in front of another. Everything is passed on; only reading is counted. */
#include "app/progress.h"

#include <stdlib.h>

#include "base/buf.h"

struct counted_file {
	struct vfs_file file;
	struct vfs_file *inner; /* owned */
};

static struct progress *progress_of(struct vfs *vfs)
{
	return CONTAINER_OF(vfs, struct progress, vfs);
}

static struct vfs_file *inner_of(struct vfs_file *file)
{
	return CONTAINER_OF(file, struct counted_file, file)->inner;
}

static void show(struct progress *progress)
{
	uint64_t now_ns = clock_monotonic_ns(progress->clock);
	uint64_t total = progress->total_bytes;
	/* A file may be read twice. */
	uint64_t read = progress->read_bytes < total ? progress->read_bytes : total;

	if (progress->out == NULL || total == 0 || now_ns < progress->next_ns)
		return;
	(void)fprintf(progress->out, "\r%s: %llu of %llu MiB, %llu %%\033[K", progress->what,
		      (unsigned long long)(read >> 20), (unsigned long long)(total >> 20),
		      (unsigned long long)(read / (total / 100 + 1)));
	(void)fflush(progress->out); /* nothing depends on it */
	progress->shown = true;
	progress->next_ns = now_ns + PROGRESS_RENEW_MS * UINT64_C(1000000);
}

/* ---- the vfs ------------------------------------------------------------------------------------- */

static enum status file_open(struct vfs *vfs, const char *path, unsigned flags,
			     struct vfs_file **ret, struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;
	struct counted_file *counted = calloc(1, sizeof(*counted));
	enum status s;

	if (counted == NULL)
		return ERROR(err, ERR_NOMEM, "opening '%s'", path);
	counted->file.vfs = vfs;
	s = inner->ops->open(inner, path, flags, &counted->inner, err);
	if (s != OK) {
		free(counted);
		return s;
	}
	*ret = &counted->file;
	return OK;
}

static void file_close(struct vfs_file *file)
{
	if (file == NULL)
		return;
	vfs_close(inner_of(file));
	free(CONTAINER_OF(file, struct counted_file, file));
}

static enum status file_pread(struct vfs_file *file, void *data, size_t size, uint64_t offset,
			      size_t *ret_size, struct error *err)
{
	struct progress *progress = progress_of(file->vfs);
	struct vfs_file *inner = inner_of(file);
	enum status s = inner->vfs->ops->pread(inner, data, size, offset, ret_size, err);

	if (s == OK) {
		progress->read_bytes += *ret_size;
		show(progress);
	}
	return s;
}

static enum status file_pwrite(struct vfs_file *file, const void *data, size_t size,
			       uint64_t offset, struct error *err)
{
	struct vfs_file *inner = inner_of(file);

	return inner->vfs->ops->pwrite(inner, data, size, offset, err);
}

static enum status file_sync(struct vfs_file *file, struct error *err)
{
	struct vfs_file *inner = inner_of(file);

	return inner->vfs->ops->sync(inner, err);
}

static enum status file_size(struct vfs_file *file, uint64_t *ret, struct error *err)
{
	struct vfs_file *inner = inner_of(file);

	return inner->vfs->ops->size(inner, ret, err);
}

static enum status file_truncate(struct vfs_file *file, uint64_t size, struct error *err)
{
	struct vfs_file *inner = inner_of(file);

	return inner->vfs->ops->truncate(inner, size, err);
}

static enum status file_lock(struct vfs_file *file, struct error *err)
{
	struct vfs_file *inner = inner_of(file);

	return inner->vfs->ops->lock(inner, err);
}

static enum status path_rename(struct vfs *vfs, const char *from, const char *to, struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;

	return inner->ops->rename(inner, from, to, err);
}

static enum status path_remove(struct vfs *vfs, const char *path, struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;

	return inner->ops->remove(inner, path, err);
}

static enum status path_make_directory(struct vfs *vfs, const char *path, struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;

	return inner->ops->make_directory(inner, path, err);
}

static enum status path_sync_directory(struct vfs *vfs, const char *path, struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;

	return inner->ops->sync_directory(inner, path, err);
}

static enum status path_list(struct vfs *vfs, const char *path, vfs_list_fn each, void *arg,
			     struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;

	return inner->ops->list(inner, path, each, arg, err);
}

static enum status path_free_space(struct vfs *vfs, const char *path, uint64_t *ret_bytes,
				   struct error *err)
{
	struct vfs *inner = progress_of(vfs)->inner;

	return inner->ops->free_space(inner, path, ret_bytes, err);
}

static const struct vfs_ops ops = {
	.open = file_open,
	.close = file_close,
	.pread = file_pread,
	.pwrite = file_pwrite,
	.sync = file_sync,
	.size = file_size,
	.truncate = file_truncate,
	.lock = file_lock,
	.rename = path_rename,
	.remove = path_remove,
	.make_directory = path_make_directory,
	.sync_directory = path_sync_directory,
	.list = path_list,
	.free_space = path_free_space,
};

/* ---- the beginning and the end ------------------------------------------------------------------- */

struct sum {
	struct vfs *vfs;
	const char *directory;
	const char *prefix;
	uint64_t bytes;
};

static enum status sum_up(const char *name, void *arg, struct error *err)
{
	struct sum *sum = arg;
	OWNED(vfs_file) struct vfs_file *file = NULL;
	OWNED(buf) struct buf path = { 0 };
	uint64_t bytes = 0;
	enum status s;

	if (strncmp(name, sum->prefix, strlen(sum->prefix)) != 0)
		return OK;
	buf_append_format(&path, "%s/%s", sum->directory, name);
	buf_append_byte(&path, '\0');
	if (buf_status(&path) != OK)
		return ERROR(err, ERR_NOMEM, "the name of a file");
	s = sum->vfs->ops->open(sum->vfs, path.data, VFS_READ, &file, err);
	if (s == OK)
		s = sum->vfs->ops->size(file, &bytes, err);
	if (s == OK)
		sum->bytes += bytes;
	return s;
}

void progress_begin(struct progress *progress, struct vfs *inner, struct clock *clock, FILE *out,
		    const char *what, const char *directory, const char *prefix)
{
	struct sum sum = { .vfs = inner, .directory = directory, .prefix = prefix };

	*progress = (struct progress){
		.vfs.ops = &ops, .inner = inner, .clock = clock, .out = out, .what = what
	};
	progress->next_ns = clock_monotonic_ns(clock) + PROGRESS_QUIET_MS * UINT64_C(1000000);
	if (out != NULL && inner->ops->list(inner, directory, sum_up, &sum, NULL) == OK)
		progress->total_bytes = sum.bytes;
}

void progress_end(struct progress *progress)
{
	if (!progress->shown)
		return;
	(void)fputs("\r\033[K", progress->out);
	(void)fflush(progress->out); /* nothing depends on it */
	progress->shown = false;
}
