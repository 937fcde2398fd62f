/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vfs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mutex.h"
#include "base/random.h"

#define SECTOR_BYTES     512u
#define PATH_BYTES       256
#define NAME_CHANGES_MAX 1024

struct node {
	uint8_t *now;  /* owned; what a reader sees */
	uint8_t *disk; /* owned; what is synced */
	bool *dirty;   /* owned; of each sector: written since it was synced */
	uint64_t size, disk_size, capacity;
	const void *lock; /* the open file that holds it */
};

struct name {
	char path[PATH_BYTES]; /* "" for none */
	struct node *node;
};

/* A name that was made, moved or removed, and not yet synced. */
struct name_change {
	char from[PATH_BYTES]; /* "" when it was made */
	char to[PATH_BYTES];   /* "" when it was removed */
	struct node *node;     /* of one that was made */
};

struct vfs_sim {
	struct vfs vfs;
	struct mutex mu; /* RANK_LIBRARY; guards everything below */
	struct name names[VFS_SIM_FILES_MAX];
	struct name disk_names[VFS_SIM_FILES_MAX];
	struct name_change changes[NAME_CHANGES_MAX];
	size_t change_count;
	struct node *nodes[VFS_SIM_FILES_MAX * 4]; /* all there ever were */
	size_t node_count;
	uint64_t calls;
	uint64_t crash_at, fail_at; /* in calls */
	enum status fail_status;
	bool crashed;
	bool killed; /* the process only, not the machine */
	uint64_t capacity;
	struct random_seeded random;
	char directory[PATH_BYTES];
};

struct sim_file {
	struct vfs_file file;
	struct node *node;
	unsigned flags;
};

static struct vfs_sim *sim_of(struct vfs *vfs)
{
	return (struct vfs_sim *)(void *)vfs;
}

static struct name *find(struct name *names, const char *path)
{
	for (size_t i = 0; i < VFS_SIM_FILES_MAX; i++) {
		if (path[0] != '\0' && strcmp(names[i].path, path) == 0)
			return &names[i];
	}
	return NULL;
}

static void set_name(struct name *names, const char *path, struct node *node)
{
	struct name *at = find(names, path);

	for (size_t i = 0; at == NULL && i < VFS_SIM_FILES_MAX; i++) {
		if (names[i].path[0] == '\0')
			at = &names[i];
	}
	CHECK(at != NULL);
	(void)snprintf(at->path, sizeof(at->path), "%s", path);
	at->node = node;
}

static void apply(struct name *names, const struct name_change *change)
{
	struct node *node = change->node;

	if (change->from[0] != '\0') {
		struct name *from = find(names, change->from);

		if (from == NULL)
			return;
		node = from->node;
		from->path[0] = '\0';
	}
	if (change->to[0] != '\0')
		set_name(names, change->to, node);
}

static void change_name(struct vfs_sim *sim, const char *from, const char *to, struct node *node)
{
	struct name_change *change;

	CHECK(sim->change_count < NAME_CHANGES_MAX);
	change = &sim->changes[sim->change_count++];
	(void)snprintf(change->from, sizeof(change->from), "%s", from);
	(void)snprintf(change->to, sizeof(change->to), "%s", to);
	change->node = node;
	apply(sim->names, change);
}

static struct node *new_node(struct vfs_sim *sim)
{
	struct node *node = calloc(1, sizeof(*node));

	CHECK(node != NULL && sim->node_count < VFS_SIM_FILES_MAX * 4);
	sim->nodes[sim->node_count++] = node;
	return node;
}

static void grow(struct node *node, uint64_t size)
{
	uint64_t capacity = (size + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;

	if (capacity <= node->capacity)
		return;
	node->now = realloc(node->now, (size_t)capacity);
	node->disk = realloc(node->disk, (size_t)capacity);
	node->dirty = realloc(node->dirty, (size_t)(capacity / SECTOR_BYTES) * sizeof(bool));
	CHECK(node->now != NULL && node->disk != NULL && node->dirty != NULL);
	memset(node->now + node->capacity, 0, (size_t)(capacity - node->capacity));
	memset(node->disk + node->capacity, 0, (size_t)(capacity - node->capacity));
	memset(node->dirty + node->capacity / SECTOR_BYTES, 0,
	       (size_t)((capacity - node->capacity) / SECTOR_BYTES) * sizeof(bool));
	node->capacity = capacity;
}

static void sync_sectors(struct node *node, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last && i * SECTOR_BYTES < node->capacity; i++) {
		if (node->dirty[i])
			memcpy(node->disk + i * SECTOR_BYTES, node->now + i * SECTOR_BYTES,
			       SECTOR_BYTES);
		node->dirty[i] = false;
	}
}

static void sync_node(struct node *node)
{
	sync_sectors(node, 0, UINT64_MAX - 1);
	node->disk_size = node->size;
}

/* Counts a call that changes something. OK, or what becomes of it. */
static enum status change(struct vfs_sim *sim, struct error *err)
{
	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	sim->calls++;
	if (sim->crash_at != 0 && sim->calls == sim->crash_at) {
		sim->crashed = true;
		return ERROR(err, ERR_IO, "the machine crashes");
	}
	if (sim->fail_at != 0 && sim->calls == sim->fail_at) {
		sim->fail_at = 0;
		return ERROR(err, sim->fail_status, "this call fails on purpose");
	}
	return OK;
}

/* ---- operations ------------------------------------------------------------------------------- */

static enum status sim_open(struct vfs *vfs, const char *path, unsigned flags,
			    struct vfs_file **ret, struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	struct sim_file *file;
	struct name *name;
	MUTEX_GUARD(&sim->mu);

	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	name = find(sim->names, path);
	if (name == NULL) {
		enum status s;

		if ((flags & VFS_CREATE) == 0)
			return ERROR(err, ERR_NOT_FOUND, "'%s': no such file", path);
		s = change(sim, err);
		if (s != OK)
			return s;
		change_name(sim, "", path, new_node(sim));
		name = find(sim->names, path);
	} else if ((flags & VFS_EXCLUSIVE) != 0) {
		return ERROR(err, ERR_EXISTS, "'%s' is there", path);
	}
	file = calloc(1, sizeof(*file));
	CHECK(file != NULL);
	file->file.vfs = vfs;
	file->node = name->node;
	file->flags = flags;
	if ((flags & VFS_TRUNCATE) != 0)
		name->node->size = 0;
	*ret = &file->file;
	return OK;
}

static struct sim_file *file_of(struct vfs_file *file)
{
	return (struct sim_file *)(void *)file;
}

static void sim_close(struct vfs_file *file)
{
	struct vfs_sim *sim;

	if (file == NULL)
		return;
	sim = sim_of(file->vfs);
	mutex_lock(&sim->mu);
	if (file_of(file)->node->lock == file)
		file_of(file)->node->lock = NULL;
	mutex_unlock(&sim->mu);
	free(file_of(file));
}

static enum status sim_pread(struct vfs_file *file, void *data, size_t size, uint64_t offset,
			     size_t *ret_size, struct error *err)
{
	struct vfs_sim *sim = sim_of(file->vfs);
	const struct node *node = file_of(file)->node;
	MUTEX_GUARD(&sim->mu);

	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	if (offset >= node->size)
		size = 0;
	else if (size > node->size - offset)
		size = (size_t)(node->size - offset);
	if (size != 0)
		memcpy(data, node->now + offset, size);
	*ret_size = size;
	return OK;
}

static uint64_t used_bytes(const struct vfs_sim *sim)
{
	uint64_t used = 0;

	for (size_t i = 0; i < VFS_SIM_FILES_MAX; i++) {
		if (sim->names[i].path[0] != '\0')
			used += sim->names[i].node->size;
	}
	return used;
}

/* Some sectors of a write that was cut off. */
static void write_part(struct vfs_sim *sim, struct node *node, const uint8_t *data, size_t size,
		       uint64_t offset)
{
	for (size_t at = 0; at < size; at += SECTOR_BYTES) {
		size_t bytes = size - at < SECTOR_BYTES ? size - at : SECTOR_BYTES;

		if (random_below(&sim->random.random, 2) == 0)
			memcpy(node->now + offset + at, data + at, bytes);
	}
}

static enum status sim_pwrite(struct vfs_file *file, const void *data, size_t size, uint64_t offset,
			      struct error *err)
{
	struct vfs_sim *sim = sim_of(file->vfs);
	struct node *node = file_of(file)->node;
	enum status s;
	MUTEX_GUARD(&sim->mu);

	if (size == 0)
		return OK;
	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	if (offset + size > node->size && sim->capacity != 0 &&
	    used_bytes(sim) + (offset + size - node->size) > sim->capacity)
		return ERROR(err, ERR_FULL, "no space left on device");
	grow(node, offset + size);
	for (uint64_t i = offset / SECTOR_BYTES; i <= (offset + size - 1) / SECTOR_BYTES; i++)
		node->dirty[i] = true;
	s = change(sim, err);
	if (s == OK || (sim->crashed && sim->killed))
		memcpy(node->now + offset, data, size);
	else
		write_part(sim, node, data, size, offset);
	if (offset + size > node->size)
		node->size = offset + size;
	if (s == OK && (file_of(file)->flags & VFS_DSYNC) != 0) {
		sync_sectors(node, offset / SECTOR_BYTES, (offset + size - 1) / SECTOR_BYTES);
		if (node->disk_size < node->size)
			node->disk_size = node->size;
	}
	return s;
}

static enum status sim_sync(struct vfs_file *file, struct error *err)
{
	struct vfs_sim *sim = sim_of(file->vfs);
	enum status s;
	MUTEX_GUARD(&sim->mu);

	s = change(sim, err);
	if (s == OK)
		sync_node(file_of(file)->node);
	return s;
}

static enum status sim_size(struct vfs_file *file, uint64_t *ret, struct error *err)
{
	struct vfs_sim *sim = sim_of(file->vfs);
	MUTEX_GUARD(&sim->mu);

	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	*ret = file_of(file)->node->size;
	return OK;
}

static enum status sim_truncate(struct vfs_file *file, uint64_t size, struct error *err)
{
	struct vfs_sim *sim = sim_of(file->vfs);
	struct node *node = file_of(file)->node;
	enum status s;
	MUTEX_GUARD(&sim->mu);

	s = change(sim, err);
	if (s != OK)
		return s;
	grow(node, size);
	if (size < node->size)
		memset(node->now + size, 0, (size_t)(node->capacity - size));
	node->size = size;
	return OK;
}

static enum status sim_lock(struct vfs_file *file, struct error *err)
{
	struct vfs_sim *sim = sim_of(file->vfs);
	struct node *node = file_of(file)->node;
	MUTEX_GUARD(&sim->mu);

	if (node->lock != NULL && node->lock != file)
		return ERROR(err, ERR_BUSY, "another open file holds the lock");
	node->lock = file;
	return OK;
}

static enum status sim_rename(struct vfs *vfs, const char *from, const char *to, struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	enum status s;
	MUTEX_GUARD(&sim->mu);

	s = change(sim, err);
	if (s == OK && find(sim->names, from) == NULL)
		s = ERROR(err, ERR_NOT_FOUND, "'%s': no such file", from);
	if (s == OK)
		change_name(sim, from, to, NULL);
	return s;
}

static enum status sim_remove(struct vfs *vfs, const char *path, struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	enum status s;
	MUTEX_GUARD(&sim->mu);

	s = change(sim, err);
	if (s == OK && find(sim->names, path) == NULL)
		s = ERROR(err, ERR_NOT_FOUND, "'%s': no such file", path);
	if (s == OK)
		change_name(sim, path, "", NULL);
	return s;
}

static enum status sim_make_directory(struct vfs *vfs, const char *path, struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	MUTEX_GUARD(&sim->mu);

	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	(void)snprintf(sim->directory, sizeof(sim->directory), "%s", path);
	return OK;
}

static enum status sim_sync_directory(struct vfs *vfs, const char *path, struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	enum status s;
	MUTEX_GUARD(&sim->mu);

	s = change(sim, err);
	if (s != OK || strcmp(path, sim->directory) != 0)
		return s;
	for (size_t i = 0; i < sim->change_count; i++)
		apply(sim->disk_names, &sim->changes[i]);
	sim->change_count = 0;
	return OK;
}

static enum status sim_list(struct vfs *vfs, const char *path, vfs_list_fn each, void *arg,
			    struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	size_t prefix = strlen(path);

	if (strcmp(sim->directory, path) != 0)
		return ERROR(err, ERR_NOT_FOUND, "'%s': no such directory", path);
	for (size_t i = 0; i < VFS_SIM_FILES_MAX; i++) {
		char name[PATH_BYTES];
		enum status s;

		mutex_lock(&sim->mu);
		(void)snprintf(name, sizeof(name), "%s", sim->names[i].path);
		mutex_unlock(&sim->mu);
		if (strncmp(name, path, prefix) != 0 || name[prefix] != '/')
			continue;
		s = each(name + prefix + 1, arg, err);
		if (s != OK)
			return s;
	}
	return OK;
}

static enum status sim_free_space(struct vfs *vfs, const char *path, uint64_t *ret_bytes,
				  struct error *err)
{
	struct vfs_sim *sim = sim_of(vfs);
	uint64_t used;
	MUTEX_GUARD(&sim->mu);

	(void)path;
	if (sim->crashed)
		return ERROR(err, ERR_IO, "the machine has crashed");
	used = used_bytes(sim);
	*ret_bytes = sim->capacity == 0     ? UINT64_MAX / 2
		     : used < sim->capacity ? sim->capacity - used
					    : 0;
	return OK;
}

static const struct vfs_ops sim_ops = {
	.open = sim_open,
	.close = sim_close,
	.pread = sim_pread,
	.pwrite = sim_pwrite,
	.sync = sim_sync,
	.size = sim_size,
	.truncate = sim_truncate,
	.lock = sim_lock,
	.rename = sim_rename,
	.remove = sim_remove,
	.make_directory = sim_make_directory,
	.sync_directory = sim_sync_directory,
	.list = sim_list,
	.free_space = sim_free_space,
};

/* ---- what tests call -------------------------------------------------------------------------- */

struct vfs_sim *vfs_sim_new(void)
{
	struct vfs_sim *sim = calloc(1, sizeof(*sim));

	CHECK(sim != NULL);
	sim->vfs.ops = &sim_ops;
	mutex_init(&sim->mu, RANK_LIBRARY);
	random_seeded_init(&sim->random, 1);
	return sim;
}

void vfs_sim_free(struct vfs_sim *sim)
{
	if (sim == NULL)
		return;
	for (size_t i = 0; i < sim->node_count; i++) {
		free(sim->nodes[i]->now);
		free(sim->nodes[i]->disk);
		free(sim->nodes[i]->dirty);
		free(sim->nodes[i]);
	}
	random_seeded_fini(&sim->random);
	mutex_fini(&sim->mu);
	free(sim);
}

struct vfs *vfs_sim_vfs(struct vfs_sim *sim)
{
	return &sim->vfs;
}

uint64_t vfs_sim_changes(struct vfs_sim *sim)
{
	MUTEX_GUARD(&sim->mu);

	return sim->calls;
}

void vfs_sim_crash_at(struct vfs_sim *sim, uint64_t nth)
{
	MUTEX_GUARD(&sim->mu);

	sim->crash_at = nth == 0 ? 0 : sim->calls + nth;
}

void vfs_sim_kill_at(struct vfs_sim *sim, uint64_t nth)
{
	MUTEX_GUARD(&sim->mu);

	sim->crash_at = sim->calls + nth;
	sim->killed = true;
}

void vfs_sim_continue(struct vfs_sim *sim)
{
	MUTEX_GUARD(&sim->mu);

	for (size_t n = 0; n < sim->node_count; n++)
		sim->nodes[n]->lock = NULL;
	sim->crashed = false;
	sim->killed = false;
	sim->crash_at = 0;
}

bool vfs_sim_has_crashed(struct vfs_sim *sim)
{
	MUTEX_GUARD(&sim->mu);

	return sim->crashed;
}

void vfs_sim_fail_at(struct vfs_sim *sim, uint64_t nth, enum status status)
{
	MUTEX_GUARD(&sim->mu);

	sim->fail_at = nth == 0 ? 0 : sim->calls + nth;
	sim->fail_status = status;
}

void vfs_sim_set_capacity(struct vfs_sim *sim, uint64_t bytes)
{
	MUTEX_GUARD(&sim->mu);

	sim->capacity = bytes;
}

void vfs_sim_restart(struct vfs_sim *sim, uint64_t seed)
{
	struct random *random = &sim->random.random;
	size_t kept;
	MUTEX_GUARD(&sim->mu);

	random_seeded_fini(&sim->random);
	random_seeded_init(&sim->random, seed);
	/* Names reach the disk in their order. */
	kept = (size_t)random_below(random, sim->change_count + 1);
	for (size_t i = 0; i < kept; i++)
		apply(sim->disk_names, &sim->changes[i]);
	sim->change_count = 0;
	memcpy(sim->names, sim->disk_names, sizeof(sim->names));
	for (size_t n = 0; n < sim->node_count; n++) {
		struct node *node = sim->nodes[n];
		/* All, none, or some of what was not synced: each is what disks do. */
		uint64_t how = random_below(random, 3);

		for (uint64_t i = 0; i < node->capacity / SECTOR_BYTES; i++) {
			if (node->dirty[i] &&
			    (how == 0 || (how == 1 && random_below(random, 2) == 0)))
				sync_sectors(node, i, i);
			node->dirty[i] = false;
		}
		if (node->size > node->disk_size && how == 2)
			node->size = node->disk_size;
		node->disk_size = node->size;
		if (node->capacity != 0)
			memcpy(node->now, node->disk, (size_t)node->capacity);
		node->lock = NULL;
	}
	sim->crashed = false;
	sim->killed = false;
	sim->crash_at = 0;
	sim->fail_at = 0;
}

uint8_t *vfs_sim_file(struct vfs_sim *sim, const char *path, uint64_t *ret_size)
{
	struct name *name;
	MUTEX_GUARD(&sim->mu);

	name = find(sim->names, path);
	if (name == NULL)
		return NULL;
	*ret_size = name->node->size;
	return name->node->now;
}

void vfs_sim_put(struct vfs_sim *sim, const char *path, const void *data, uint64_t size)
{
	struct name *name;
	MUTEX_GUARD(&sim->mu);

	name = find(sim->names, path);
	if (name == NULL) {
		struct node *node = new_node(sim);

		set_name(sim->names, path, node);
		set_name(sim->disk_names, path, node);
		name = find(sim->names, path);
	}
	CHECK(name != NULL);
	grow(name->node, size);
	if (size != 0)
		memcpy(name->node->now, data, (size_t)size);
	name->node->size = size;
	memset(name->node->dirty, 1, (size_t)(name->node->capacity / SECTOR_BYTES));
	sync_node(name->node);
}

void vfs_sim_remove(struct vfs_sim *sim, const char *path)
{
	struct name *name;
	MUTEX_GUARD(&sim->mu);

	name = find(sim->names, path);
	if (name != NULL)
		name->path[0] = '\0';
	name = find(sim->disk_names, path);
	if (name != NULL)
		name->path[0] = '\0';
}
