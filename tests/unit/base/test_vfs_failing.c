/* SPDX-License-Identifier: Apache-2.0 */
/* test_vfs_failing.c - reading and writing whole files that change meanwhile, fail and crash. */
#include "base/vfs.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "expect.h"
#include "lib/vfs_sim.h"

/* A file of `real` bytes that says it has `told`: so it looks when it grows after the question. */
struct growing {
	struct vfs vfs;
	struct vfs_file file;
	uint64_t told, real;
};

static enum status growing_open(struct vfs *vfs, const char *path, unsigned flags,
				struct vfs_file **ret, struct error *err)
{
	struct growing *growing = CONTAINER_OF(vfs, struct growing, vfs);

	(void)path;
	(void)flags;
	(void)err;
	growing->file.vfs = vfs;
	*ret = &growing->file;
	return OK;
}

static void growing_close(struct vfs_file *file)
{
	(void)file;
}

static enum status growing_size(struct vfs_file *file, uint64_t *ret, struct error *err)
{
	(void)err;
	*ret = CONTAINER_OF(file, struct growing, file)->told;
	return OK;
}

static enum status growing_pread(struct vfs_file *file, void *data, size_t size, uint64_t offset,
				 size_t *ret_size, struct error *err)
{
	uint64_t real = CONTAINER_OF(file, struct growing, file)->real;

	(void)err;
	if (offset >= real)
		size = 0;
	else if (size > real - offset)
		size = (size_t)(real - offset);
	for (size_t i = 0; i < size; i++)
		((char *)data)[i] = (char)((offset + i) % 251);
	*ret_size = size;
	return OK;
}

static void a_file_that_grows_or_shrinks_meanwhile_is_read_to_its_end(void **state)
{
	static const struct vfs_ops ops = { .open = growing_open,
					    .close = growing_close,
					    .size = growing_size,
					    .pread = growing_pread };
	static const uint64_t sizes[] = { 0, 1, 1000, 65535, 65536, 65537, 200000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		for (size_t j = 0; j < ARRAY_COUNT(sizes); j++) {
			struct growing growing = { .vfs.ops = &ops,
						   .told = sizes[i],
						   .real = sizes[j] };
			OWNED(buf) struct buf buf = { 0 };

			expect_status(OK, vfs_read_file(&growing.vfs, "f", 200000, &buf, NULL));
			assert_int_equal(buf.size, sizes[j]);
			for (size_t k = 0; k < buf.size; k++)
				assert_int_equal((unsigned char)buf.data[k], k % 251);
			if (sizes[j] == 0 || sizes[i] >= sizes[j])
				continue;
			expect_status(ERR_LIMIT, vfs_read_file(&growing.vfs, "f",
							       (size_t)sizes[j] - 1, &buf, NULL));
			assert_int_equal(buf.size, sizes[j]);
		}
	}
}

/* The folder that is synced is the one in which the name is. */
struct syncing {
	struct vfs vfs;
	struct vfs_file file;
	char synced[64];
};

static enum status syncing_open(struct vfs *vfs, const char *path, unsigned flags,
				struct vfs_file **ret, struct error *err)
{
	struct syncing *syncing = CONTAINER_OF(vfs, struct syncing, vfs);

	(void)path;
	(void)flags;
	(void)err;
	syncing->file.vfs = vfs;
	*ret = &syncing->file;
	return OK;
}
static enum status syncing_pwrite(struct vfs_file *file, const void *data, size_t size,
				  uint64_t offset, struct error *err)
{
	(void)file;
	(void)data;
	(void)size;
	(void)offset;
	(void)err;
	return OK;
}
static enum status syncing_sync(struct vfs_file *file, struct error *err)
{
	(void)file;
	(void)err;
	return OK;
}
static enum status syncing_rename(struct vfs *vfs, const char *from, const char *to,
				  struct error *err)
{
	(void)vfs;
	(void)err;
	assert_memory_equal(from, to, strlen(to)); /* beside it */
	return OK;
}
static enum status syncing_directory(struct vfs *vfs, const char *path, struct error *err)
{
	struct syncing *syncing = CONTAINER_OF(vfs, struct syncing, vfs);

	(void)err;
	(void)snprintf(syncing->synced, sizeof(syncing->synced), "%s", path);
	return OK;
}

static void the_folder_that_has_the_name_is_synced(void **state)
{
	static const struct vfs_ops ops = { .open = syncing_open,
					    .close = growing_close,
					    .pwrite = syncing_pwrite,
					    .sync = syncing_sync,
					    .rename = syncing_rename,
					    .sync_directory = syncing_directory };
	static const char *const table[][2] = {
		{ "name", "." },
		{ "/name", "/" },
		{ "/a/name", "/a" },
		{ "a/b/name", "a/b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct syncing syncing = { .vfs.ops = &ops };

		expect_status(
			OK, vfs_write_file_atomically(&syncing.vfs, table[i][0], SPAN("x"), NULL));
		assert_string_equal(syncing.synced, table[i][1]);
	}
}

/* Making the temporary file, its bytes, its sync, the new name, the folder's sync. */
#define STEPS 5

static struct vfs_sim *sim_with_old_content(void)
{
	struct vfs_sim *sim = vfs_sim_new();

	expect_status(OK, vfs_sim_vfs(sim)->ops->make_directory(vfs_sim_vfs(sim), "d", NULL));
	vfs_sim_put(sim, "d/a", "old content", 11);
	return sim;
}

static void expect_content(struct vfs *vfs, const char *path, const char *text)
{
	OWNED(buf) struct buf buf = { 0 };
	struct error err = { 0 };

	if (vfs_read_file(vfs, path, 1 << 20, &buf, &err) != OK)
		fail_msg("%s", error_text(&err));
	expect_text(buf_span(&buf), text);
}

struct listed {
	unsigned a, others;
};

static enum status note(const char *name, void *arg, struct error *err)
{
	struct listed *listed = arg;

	(void)err;
	if (strcmp(name, "a") == 0)
		listed->a++;
	else
		listed->others++;
	return OK;
}

static void a_step_that_fails_leaves_the_old_content_and_no_temporary(void **state)
{
	(void)state;
	for (uint64_t step = 1; step <= STEPS; step++) {
		struct vfs_sim *sim = sim_with_old_content();
		struct vfs *vfs = vfs_sim_vfs(sim);
		struct listed listed = { 0 };
		struct error err = { 0 };

		vfs_sim_fail_at(sim, step, ERR_FULL);
		expect_status(ERR_FULL,
			      vfs_write_file_atomically(vfs, "d/a", SPAN("new content!"), &err));
		assert_string_equal(err.message, "this call fails on purpose");
		/* After the new name only its durability can still fail. */
		expect_content(vfs, "d/a", step < STEPS ? "old content" : "new content!");
		expect_status(OK, vfs->ops->list(vfs, "d", note, &listed, NULL));
		assert_int_equal(listed.a, 1);
		assert_int_equal(listed.others, 0);
		expect_status(OK, vfs_write_file_atomically(vfs, "d/a", SPAN("third"), &err));
		expect_content(vfs, "d/a", "third");
		vfs_sim_free(sim);
	}
}

static void a_crash_leaves_the_old_content_or_the_new_and_no_mixture(void **state)
{
	unsigned old = 0, new = 0;

	(void)state;
	for (uint64_t step = 1; step <= STEPS + 1; step++) {
		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct vfs_sim *sim = sim_with_old_content();
			struct vfs *vfs = vfs_sim_vfs(sim);
			OWNED(buf) struct buf buf = { 0 };

			vfs_sim_crash_at(sim, step);
			expect_status(
				step <= STEPS ? ERR_IO : OK,
				vfs_write_file_atomically(vfs, "d/a", SPAN("new content!"), NULL));
			vfs_sim_restart(sim, seed);
			expect_status(OK, vfs_read_file(vfs, "d/a", 100, &buf, NULL));
			if (span_equal_string(buf_span(&buf), "old content"))
				old++;
			else if (span_equal_string(buf_span(&buf), "new content!"))
				new ++;
			else
				fail_msg("crash at step %u, seed %u: '%.*s'", (unsigned)step,
					 (unsigned)seed, SPAN_ARG(buf_span(&buf)));
			if (step > STEPS && !span_equal_string(buf_span(&buf), "new content!"))
				fail_msg("seed %u: what was OK is lost", (unsigned)seed);
			vfs_sim_free(sim);
		}
	}
	assert_true(old >= 20 && new >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_grows_or_shrinks_meanwhile_is_read_to_its_end),
		cmocka_unit_test(the_folder_that_has_the_name_is_synced),
		cmocka_unit_test(a_step_that_fails_leaves_the_old_content_and_no_temporary),
		cmocka_unit_test(a_crash_leaves_the_old_content_or_the_new_and_no_mixture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
