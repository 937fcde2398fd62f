/* SPDX-License-Identifier: Apache-2.0 */
/* test_vfs.c - the operating system's files in a folder of their own, and the two helpers on
 * them. test_vfs_failing.c has those that change meanwhile, fail and crash. */
#include "base/vfs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/thread.h"
#include "expect.h"

struct fixture {
	char folder[64];
	char path[2][96];
	struct vfs *vfs;
	const struct vfs_ops *ops;
	struct error err;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .vfs = vfs_system(), .folder = "/tmp/test-vfs-XXXXXX" };
	f.ops = f.vfs->ops;
	if (mkdtemp(f.folder) == NULL)
		return 1;
	(void)snprintf(f.path[0], sizeof(f.path[0]), "%s/a", f.folder);
	(void)snprintf(f.path[1], sizeof(f.path[1]), "%s/b", f.folder);
	*state = &f;
	return 0;
}

/* One level is all that tests make. */
static int tear_down(void **state)
{
	const struct fixture *f = *state;
	DIR *directory = opendir(f->folder);
	char path[512];

	for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->folder, entry->d_name);
		if (entry->d_name[0] != '.')
			(void)remove(path);
	}
	if (directory != NULL)
		(void)closedir(directory);
	return rmdir(f->folder);
}

static struct vfs_file *open_file(struct fixture *f, const char *path, unsigned flags)
{
	struct vfs_file *file = NULL;

	if (f->ops->open(f->vfs, path, flags, &file, &f->err) != OK)
		fail_msg("%s", error_text(&f->err));
	return file;
}

static void put(struct fixture *f, const char *path, const char *text)
{
	OWNED(vfs_file)
	struct vfs_file *file = open_file(f, path, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE);

	expect_status(OK, f->ops->pwrite(file, text, strlen(text), 0, &f->err));
}

static void expect_content(struct vfs *vfs, const char *path, const char *text)
{
	OWNED(buf) struct buf buf = { 0 };
	struct error err = { 0 };

	if (vfs_read_file(vfs, path, 1 << 20, &buf, &err) != OK)
		fail_msg("%s", error_text(&err));
	expect_text(buf_span(&buf), text);
}

static void expect_refused(struct fixture *f, enum status status, const char *path, unsigned flags)
{
	struct vfs_file *untouched = (struct vfs_file *)(void *)f;
	struct vfs_file *file = untouched;

	expect_status(status, f->ops->open(f->vfs, path, flags, &file, &f->err));
	assert_ptr_equal(file, untouched);
	assert_int_equal(f->err.status, status);
	assert_non_null(strstr(f->err.message, path));
}

static void a_file_is_made_only_when_asked_for_and_for_its_owner(void **state)
{
	struct fixture *f = *state;
	struct stat info;

	expect_refused(f, ERR_NOT_FOUND, f->path[0], VFS_READ);
	expect_refused(f, ERR_NOT_FOUND, f->path[0], VFS_READ | VFS_WRITE);
	vfs_close(open_file(f, f->path[0], VFS_WRITE | VFS_CREATE));
	assert_int_equal(stat(f->path[0], &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	vfs_close(open_file(f, f->path[0], VFS_READ));
	vfs_close(NULL);
}

static void exclusive_makes_and_never_finds(void **state)
{
	struct fixture *f = *state;

	vfs_close(open_file(f, f->path[0], VFS_WRITE | VFS_CREATE | VFS_EXCLUSIVE));
	expect_refused(f, ERR_EXISTS, f->path[0], VFS_WRITE | VFS_CREATE | VFS_EXCLUSIVE);
}

static void only_truncate_empties_what_is_there(void **state)
{
	struct fixture *f = *state;

	put(f, f->path[0], "content");
	vfs_close(open_file(f, f->path[0], VFS_WRITE | VFS_CREATE));
	expect_content(f->vfs, f->path[0], "content");
	vfs_close(open_file(f, f->path[0], VFS_WRITE | VFS_TRUNCATE));
	expect_content(f->vfs, f->path[0], "");
}

static void what_was_not_opened_for_it_does_not_do_it(void **state)
{
	struct fixture *f = *state;
	char bytes[4] = "abc";
	size_t got = 99;

	put(f, f->path[0], "content");
	OWNED(vfs_file) struct vfs_file *reads = open_file(f, f->path[0], VFS_READ);
	OWNED(vfs_file) struct vfs_file *writes = open_file(f, f->path[0], VFS_WRITE);
	expect_status(ERR_IO, f->ops->pwrite(reads, bytes, 3, 0, &f->err));
	assert_non_null(strstr(f->err.message, "writing 3 bytes to '"));
	expect_status(ERR_IO, f->ops->truncate(reads, 0, NULL));
	expect_status(ERR_IO, f->ops->pread(writes, bytes, 3, 0, &got, &f->err));
	assert_int_equal(got, 99);
	expect_content(f->vfs, f->path[0], "content");
}

static void bytes_are_read_where_they_were_written_and_less_only_at_the_end(void **state)
{
	struct fixture *f = *state;
	OWNED(vfs_file)
	struct vfs_file *file =
		open_file(f, f->path[0], VFS_READ | VFS_WRITE | VFS_CREATE | VFS_DSYNC);
	char bytes[16];
	size_t got = 99;

	expect_status(OK, f->ops->pwrite(file, "world", 5, 6, NULL));
	expect_status(OK, f->ops->pwrite(file, "hello", 5, 0, NULL));
	expect_status(OK, f->ops->pwrite(file, NULL, 0, 100, NULL)); /* does not grow it */
	expect_status(OK, f->ops->pread(file, bytes, 5, 0, &got, NULL));
	assert_int_equal(got, 5);
	expect_status(OK, f->ops->pread(file, bytes, sizeof(bytes), 0, &got, NULL));
	assert_int_equal(got, 11);
	assert_memory_equal(bytes, "hello\0world", 11);
	expect_status(OK, f->ops->pread(file, bytes, sizeof(bytes), 8, &got, NULL));
	assert_int_equal(got, 3);
	expect_status(OK, f->ops->pread(file, bytes, sizeof(bytes), 11, &got, NULL));
	assert_int_equal(got, 0);
	expect_status(OK, f->ops->pread(file, bytes, sizeof(bytes), 1000, &got, NULL));
	assert_int_equal(got, 0);
	expect_status(OK, f->ops->sync(file, NULL));
}

static void offsets_beyond_what_files_have_are_errors(void **state)
{
	struct fixture *f = *state;
	OWNED(vfs_file)
	struct vfs_file *file = open_file(f, f->path[0], VFS_READ | VFS_WRITE | VFS_CREATE);
	char byte = 0;
	size_t got = 99;

	expect_status(ERR_IO, f->ops->pread(file, &byte, 1, UINT64_MAX, &got, &f->err));
	assert_non_null(strstr(f->err.message, "18446744073709551615"));
	expect_status(ERR_IO, f->ops->pwrite(file, &byte, 1, UINT64_MAX, &f->err));
	expect_status(ERR_IO, f->ops->truncate(file, UINT64_MAX, &f->err));
	assert_int_equal(got, 99);
}

static void a_size_can_be_asked_for_and_set(void **state)
{
	struct fixture *f = *state;
	uint64_t size = 99;

	put(f, f->path[0], "content");
	OWNED(vfs_file) struct vfs_file *file = open_file(f, f->path[0], VFS_READ | VFS_WRITE);
	expect_status(OK, f->ops->size(file, &size, NULL));
	assert_int_equal(size, 7);
	expect_status(OK, f->ops->truncate(file, 3, NULL));
	expect_content(f->vfs, f->path[0], "con");
	expect_status(OK, f->ops->truncate(file, UINT64_C(5) << 30, NULL)); /* over 32 bits */
	expect_status(OK, f->ops->size(file, &size, NULL));
	assert_int_equal(size, UINT64_C(5) << 30);
	expect_status(OK, f->ops->truncate(file, 0, NULL));
}

static void a_locked_file_is_busy_for_every_other_open_until_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct vfs_file *first = open_file(f, f->path[0], VFS_READ | VFS_WRITE | VFS_CREATE);
	OWNED(vfs_file) struct vfs_file *second = open_file(f, f->path[0], VFS_READ | VFS_WRITE);

	expect_status(OK, f->ops->lock(first, NULL));
	expect_status(OK, f->ops->lock(first, NULL)); /* it has it already */
	expect_status(ERR_BUSY, f->ops->lock(second, &f->err));
	assert_non_null(strstr(f->err.message, f->path[0]));
	vfs_close(first);
	expect_status(OK, f->ops->lock(second, NULL));
}

static void a_lock_ends_with_its_process(void **state)
{
	struct fixture *f = *state;
	OWNED(vfs_file)
	struct vfs_file *file = open_file(f, f->path[0], VFS_READ | VFS_WRITE | VFS_CREATE);
	int held[2], may_end[2], result;
	char byte = 0;

	assert_return_code(pipe(held), 0);
	assert_return_code(pipe(may_end), 0);
	pid_t child = fork();
	assert_return_code(child, 0);
	if (child == 0) {
		struct vfs_file *own = NULL;
		enum status s = f->ops->open(f->vfs, f->path[0], VFS_READ | VFS_WRITE, &own, NULL);

		if (s == OK)
			s = f->ops->lock(own, NULL);
		/* Ends without closing the file; its own end of the pipe is closed, so that it does not
		 * outlive a parent that has failed. */
		(void)close(may_end[1]);
		if (write(held[1], "x", 1) != 1 || read(may_end[0], &byte, 1) != 1)
			_exit(1);
		_exit(s == OK ? 0 : 2);
	}
	assert_int_equal(read(held[0], &byte, 1), 1);
	expect_status(ERR_BUSY, f->ops->lock(file, NULL));
	assert_int_equal(write(may_end[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	expect_status(OK, f->ops->lock(file, NULL));
	for (size_t i = 0; i < 2; i++) {
		(void)close(held[i]);
		(void)close(may_end[i]);
	}
}

static void renaming_replaces_and_removing_removes(void **state)
{
	struct fixture *f = *state;

	put(f, f->path[0], "new");
	put(f, f->path[1], "old");
	expect_status(OK, f->ops->rename(f->vfs, f->path[0], f->path[1], NULL));
	expect_content(f->vfs, f->path[1], "new");
	expect_status(ERR_NOT_FOUND, f->ops->rename(f->vfs, f->path[0], f->path[1], &f->err));
	assert_non_null(strstr(f->err.message, f->path[0]));
	expect_status(OK, f->ops->remove(f->vfs, f->path[1], NULL));
	expect_status(ERR_NOT_FOUND, f->ops->remove(f->vfs, f->path[1], &f->err));
	assert_non_null(strstr(f->err.message, f->path[1]));
}

static void a_directory_is_made_once_and_found_afterwards(void **state)
{
	struct fixture *f = *state;
	char below[128];
	struct stat info;

	expect_status(OK, f->ops->make_directory(f->vfs, f->path[0], NULL));
	expect_status(OK, f->ops->make_directory(f->vfs, f->path[0], NULL));
	assert_int_equal(stat(f->path[0], &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	put(f, f->path[1], "file");
	expect_status(ERR_EXISTS, f->ops->make_directory(f->vfs, f->path[1], &f->err));
	(void)snprintf(below, sizeof(below), "%s/no/below", f->folder);
	expect_status(ERR_NOT_FOUND, f->ops->make_directory(f->vfs, below, &f->err));
}

static void a_directory_can_be_synced_and_a_file_is_none(void **state)
{
	struct fixture *f = *state;

	expect_status(OK, f->ops->sync_directory(f->vfs, f->folder, NULL));
	expect_status(ERR_NOT_FOUND, f->ops->sync_directory(f->vfs, f->path[0], &f->err));
	put(f, f->path[0], "file");
	expect_status(ERR_IO, f->ops->sync_directory(f->vfs, f->path[0], &f->err));
}

struct listed {
	unsigned a, b, others, stop_after;
};

static enum status note(const char *name, void *arg, struct error *err)
{
	struct listed *listed = arg;

	listed->a += strcmp(name, "a") == 0;
	listed->b += strcmp(name, "b") == 0;
	listed->others += strcmp(name, "a") != 0 && strcmp(name, "b") != 0;
	if (listed->a + listed->b == listed->stop_after)
		return ERROR(err, ERR_CORRUPT, "enough");
	return OK;
}

static void listing_tells_each_name_once_and_stops_at_an_error(void **state)
{
	struct fixture *f = *state;
	struct listed all = { 0 };
	struct listed one = { .stop_after = 1 };

	put(f, f->path[0], "");
	put(f, f->path[1], "");
	expect_status(OK, f->ops->list(f->vfs, f->folder, note, &all, NULL));
	assert_int_equal(all.a, 1);
	assert_int_equal(all.b, 1);
	assert_int_equal(all.others, 0);
	expect_status(ERR_CORRUPT, f->ops->list(f->vfs, f->folder, note, &one, &f->err));
	assert_int_equal(one.a + one.b, 1);
	assert_string_equal(f->err.message, "enough");
	expect_status(ERR_NOT_FOUND, f->ops->list(f->vfs, "/no/such", note, &one, &f->err));
}

static void free_space_is_that_of_the_disk_below(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = 99;

	expect_status(ERR_NOT_FOUND, f->ops->free_space(f->vfs, "/no/such", &bytes, &f->err));
	assert_int_equal(bytes, 99);
	expect_status(OK, f->ops->free_space(f->vfs, f->folder, &bytes, NULL));
	assert_true(bytes > 4096);
}

/* ---- vfs_read_file ------------------------------------------------------------------------------ */

static void a_whole_file_is_appended_up_to_the_limit(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf buf = { 0 };

	put(f, f->path[0], "content");
	buf_append_string(&buf, "before ");
	expect_status(OK, vfs_read_file(f->vfs, f->path[0], 7, &buf, NULL));
	expect_text(buf_span(&buf), "before content");
	expect_status(ERR_LIMIT, vfs_read_file(f->vfs, f->path[0], 6, &buf, &f->err));
	assert_non_null(strstr(f->err.message, "has 7 bytes, more than the 6 allowed"));
	expect_text(buf_span(&buf), "before content");
	put(f, f->path[0], "");
	expect_status(OK, vfs_read_file(f->vfs, f->path[0], 0, &buf, NULL));
	expect_text(buf_span(&buf), "before content");
}

static void what_cannot_be_read_leaves_the_buf(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf buf = { 0 };

	buf_append_string(&buf, "before");
	expect_status(ERR_NOT_FOUND, vfs_read_file(f->vfs, f->path[0], 10, &buf, &f->err));
	expect_status(ERR_IO, vfs_read_file(f->vfs, f->folder, 1 << 20, &buf, &f->err));
	expect_text(buf_span(&buf), "before");
}

static void a_buf_with_a_limit_of_its_own_keeps_it(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf buf = { .max_bytes = 4 };

	put(f, f->path[0], "content");
	expect_status(ERR_LIMIT, vfs_read_file(f->vfs, f->path[0], 10, &buf, &f->err));
	assert_int_equal(buf.size, 0);
}

static void a_file_that_says_it_is_empty_is_read_all_the_same(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf buf = { 0 };

	expect_status(OK, vfs_read_file(f->vfs, "/proc/self/status", 1 << 20, &buf, &f->err));
	assert_true(span_starts_with(buf_span(&buf), SPAN("Name:")));
	expect_status(ERR_LIMIT, vfs_read_file(f->vfs, "/proc/self/status", 5, &buf, &f->err));
}

/* ---- vfs_write_file_atomically ------------------------------------------------------------------ */

static void a_file_is_made_and_replaced_and_nothing_else_is_left(void **state)
{
	struct fixture *f = *state;
	struct listed listed = { 0 };

	expect_status(OK, vfs_write_file_atomically(f->vfs, f->path[0], SPAN("one"), NULL));
	expect_content(f->vfs, f->path[0], "one");
	expect_status(OK, vfs_write_file_atomically(f->vfs, f->path[0], SPAN_EMPTY, NULL));
	expect_content(f->vfs, f->path[0], "");
	expect_status(OK, f->ops->list(f->vfs, f->folder, note, &listed, NULL));
	assert_int_equal(listed.a, 1);
	assert_int_equal(listed.others, 0);
}

#define ROUNDS 50

struct writer {
	struct thread thread;
	struct fixture *f;
	char content[8192]; /* of one letter */
	enum status status; /* the first failure */
};

static void write_often(void *arg)
{
	struct writer *writer = arg;
	struct span content = span_of(writer->content, sizeof(writer->content));

	for (unsigned i = 0; i < ROUNDS && writer->status == OK; i++)
		writer->status = vfs_write_file_atomically(writer->f->vfs, writer->f->path[0],
							   content, NULL);
}

static void of_two_threads_that_write_one_file_each_writes_all_of_it(void **state)
{
	struct fixture *f = *state;
	static struct writer writers[2];
	struct listed listed = { 0 };
	OWNED(buf) struct buf buf = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(writers); i++) {
		writers[i].f = f;
		writers[i].status = OK;
		memset(writers[i].content, 'a' + (int)i, sizeof(writers[i].content));
		expect_status(OK, thread_start(&writers[i].thread, "write", write_often,
					       &writers[i], NULL));
	}
	for (size_t i = 0; i < ARRAY_COUNT(writers); i++)
		thread_join(&writers[i].thread);
	for (size_t i = 0; i < ARRAY_COUNT(writers); i++)
		expect_status(OK, writers[i].status);
	expect_status(OK, vfs_read_file(f->vfs, f->path[0], 1 << 20, &buf, NULL));
	assert_int_equal(buf.size, sizeof(writers[0].content));
	for (size_t i = 1; i < buf.size; i++)
		assert_int_equal(buf.data[i], buf.data[0]);
	expect_status(OK, f->ops->list(f->vfs, f->folder, note, &listed, NULL));
	assert_int_equal(listed.others, 0);
}

static void a_path_that_is_too_long_is_over_the_limit(void **state)
{
	struct fixture *f = *state;
	char path[4200];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	expect_status(ERR_LIMIT, vfs_write_file_atomically(f->vfs, path, SPAN("x"), &f->err));
	assert_non_null(strstr(f->err.message, "the path is too long: 'aaa"));
}

static void without_a_folder_nothing_is_made(void **state)
{
	struct fixture *f = *state;

	expect_status(ERR_NOT_FOUND,
		      vfs_write_file_atomically(f->vfs, "/no/such/file", SPAN("x"), &f->err));
	assert_non_null(strstr(f->err.message, "opening '/no/such/file."));
}

#define VFS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(a_file_is_made_only_when_asked_for_and_for_its_owner),
		VFS_TEST(exclusive_makes_and_never_finds),
		VFS_TEST(only_truncate_empties_what_is_there),
		VFS_TEST(what_was_not_opened_for_it_does_not_do_it),
		VFS_TEST(bytes_are_read_where_they_were_written_and_less_only_at_the_end),
		VFS_TEST(offsets_beyond_what_files_have_are_errors),
		VFS_TEST(a_size_can_be_asked_for_and_set),
		VFS_TEST(a_locked_file_is_busy_for_every_other_open_until_it_is_closed),
		VFS_TEST(a_lock_ends_with_its_process),
		VFS_TEST(renaming_replaces_and_removing_removes),
		VFS_TEST(a_directory_is_made_once_and_found_afterwards),
		VFS_TEST(a_directory_can_be_synced_and_a_file_is_none),
		VFS_TEST(listing_tells_each_name_once_and_stops_at_an_error),
		VFS_TEST(free_space_is_that_of_the_disk_below),
		VFS_TEST(a_whole_file_is_appended_up_to_the_limit),
		VFS_TEST(what_cannot_be_read_leaves_the_buf),
		VFS_TEST(a_buf_with_a_limit_of_its_own_keeps_it),
		VFS_TEST(a_file_that_says_it_is_empty_is_read_all_the_same),
		VFS_TEST(a_file_is_made_and_replaced_and_nothing_else_is_left),
		VFS_TEST(of_two_threads_that_write_one_file_each_writes_all_of_it),
		VFS_TEST(a_path_that_is_too_long_is_over_the_limit),
		VFS_TEST(without_a_folder_nothing_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
