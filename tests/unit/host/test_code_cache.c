/* SPDX-License-Identifier: Apache-2.0 */
/* test_code_cache.c - compiled code comes from a private folder or from the compiler; whatever is
 * wrong with a file, it is compiled again and never loaded.
 *
 * Whether a file was used is seen with a compiler that always fails. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/log.h"
#include "base/vfs.h"
#include "lib/guest_harness.h"

#define HEADER_BYTES 128

struct fixture {
	char *folder;
	char path[4096];   /* of the one file */
	struct buf good;   /* its bytes */
	struct host *host; /* that can compile */
	struct host *idle; /* that cannot */
	size_t refused;    /* lines of the log that say so */
};

static struct fixture f;

static void count_refusals(struct span line, void *arg)
{
	(void)arg;
	if (memmem(line.data, line.size, "code_cache_file_refused", 23) != NULL)
		f.refused++;
}

static struct host *host_with(const char *folder, const char *compiler)
{
	const struct host_options options = { .cache_directory = folder, .compiler = compiler };
	struct host *host = NULL;

	assert_int_equal(host_new(&options, &host, NULL), OK);
	return host;
}

static enum status load(struct host *host)
{
	const struct host_component spec = harness_spec("echo", guest_path("echo"));
	struct component *component = NULL;

	harness_restore_signals();
	enum status s = host_load(host, &spec, &component, NULL);
	component_free(component);
	return s;
}

static void put(const void *data, size_t size)
{
	FILE *file;

	(void)unlink(f.path);
	file = fopen(f.path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(f.path, 0600), 0);
}

static void expect_used(void)
{
	f.refused = 0;
	assert_int_equal(load(f.idle), OK);
	assert_int_equal(f.refused, 0);
}

/* Not used, and said so. */
static void expect_not_used(const char *what, size_t n)
{
	f.refused = 0;
	if (load(f.idle) != ERR_INVALID || f.refused != 1)
		fail_msg("a file with %s %zu was not refused", what, n);
}

static void a_file_that_is_right_is_used(void **state)
{
	(void)state;
	expect_used();
}

static void a_file_that_was_cut_or_has_grown_is_not_used(void **state)
{
	const size_t sizes[] = {
		0, 1, 7, 8, 24, 64, 119, 120, 127, 128, 129, 4096, f.good.size / 2, f.good.size - 1
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		put(f.good.data, sizes[i]);
		expect_not_used("size", sizes[i]);
	}
	struct buf longer = { 0 };
	buf_append_span(&longer, buf_span(&f.good));
	buf_append_byte(&longer, 0);
	put(longer.data, longer.size);
	expect_not_used("size", longer.size);
	buf_fini(&longer);
}

static void a_file_with_one_bit_changed_is_not_used(void **state)
{
	(void)state;
	/* Every byte of the header, then some of the code. */
	for (size_t at = 0; at < f.good.size; at += at < HEADER_BYTES ? 1 : f.good.size / 31) {
		f.good.data[at] ^= (char)(1 << at % 8);
		put(f.good.data, f.good.size);
		expect_not_used("a changed bit at", at);
		f.good.data[at] ^= (char)(1 << at % 8);
	}
}

static void a_file_of_another_version_or_engine_is_not_used(void **state)
{
	static const size_t fields[] = { 8 /* format */, 24 /* component */, 56 /* engine */ };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
		struct buf other = { 0 };
		buf_append_span(&other, buf_span(&f.good));
		other.data[fields[i]]++;
		/* As a writer of that version would have made it. */
		put_le64(other.data + 120, digest_xxh3(span_of(other.data, 120)));
		put(other.data, other.size);
		expect_not_used("another field at", fields[i]);
		buf_fini(&other);
	}
}

static void a_foreign_file_is_not_used(void **state)
{
	static const char text[] =
		"#!/bin/sh\nexit 0\n# and more than a hundred and twenty-eight bytes, "
		"so that its size alone does not give it away ..................";

	(void)state;
	put(text, sizeof(text));
	expect_not_used("foreign text of size", sizeof(text));
}

static void a_file_that_others_could_have_written_is_not_used(void **state)
{
	(void)state;
	put(f.good.data, f.good.size);
	assert_int_equal(chmod(f.path, 0620), 0);
	expect_not_used("mode", 0620);
	assert_int_equal(chmod(f.path, 0602), 0);
	expect_not_used("mode", 0602);
	if (geteuid() == 0) {
		put(f.good.data, f.good.size);
		assert_int_equal(chown(f.path, 12345, 12345), 0);
		expect_not_used("owner", 12345);
	}
}

static void a_link_or_a_folder_in_its_place_is_not_followed(void **state)
{
	char elsewhere[4200];

	(void)state;
	put(f.good.data, f.good.size);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s.moved", f.path);
	assert_int_equal(rename(f.path, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, f.path), 0);
	expect_not_used("a link", 0);
	assert_int_equal(unlink(f.path), 0);
	assert_int_equal(mkdir(f.path, 0700), 0);
	expect_not_used("a folder", 0);
	assert_int_equal(rmdir(f.path), 0);
	assert_int_equal(rename(elsewhere, f.path), 0);
	assert_int_equal(mkfifo(elsewhere, 0600), 0);
	assert_int_equal(rename(elsewhere, f.path), 0);
	expect_not_used("a pipe", 0); /* and nobody waits for its other end */
}

static void what_is_not_used_is_compiled_and_written_anew(void **state)
{
	struct buf now = { 0 };

	(void)state;
	put(f.good.data, 100);
	assert_int_equal(load(f.host), OK);
	assert_int_equal(vfs_read_file(vfs_system(), f.path, f.good.size + 1, &now, NULL), OK);
	assert_int_equal(now.size, f.good.size);
	struct stat stat_now;
	assert_int_equal(stat(f.path, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 0777, 0600);
	buf_fini(&now);
	expect_used();
}

static size_t count_files(void)
{
	size_t count = 0;
	DIR *directory = opendir(f.folder);

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += strstr(entry->d_name, ".code") != NULL;
	assert_int_equal(closedir(directory), 0);
	return count;
}

static void files_that_were_used_least_lately_go(void **state)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char path[4200];

	(void)state;
	for (int i = 0; i < 66; i++) {
		(void)snprintf(path, sizeof(path), "%s/old-%d.code", f.folder, i);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		assert_true(fd >= 0);
		assert_int_equal(futimens(fd, long_ago), 0);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(unlink(f.path), 0);
	assert_int_equal(load(f.host), OK);
	assert_int_equal(count_files(), 64);
	expect_used();
	for (int i = 0; i < 66; i++) {
		(void)snprintf(path, sizeof(path), "%s/old-%d.code", f.folder, i);
		(void)unlink(path);
	}
}

static void a_folder_that_is_open_to_others_is_not_used(void **state)
{
	(void)state;
	expect_used();
	assert_int_equal(chmod(f.folder, 0750), 0);
	struct host *host = host_with(f.folder, "/bin/false");
	assert_int_equal(load(host), ERR_INVALID);
	host_free(host);
	assert_int_equal(chmod(f.folder, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(f.folder, 12345, 12345), 0);
		host = host_with(f.folder, "/bin/false");
		assert_int_equal(load(host), ERR_INVALID);
		host_free(host);
		assert_int_equal(chown(f.folder, 0, 0), 0);
	}
	expect_used();
}

static void a_folder_that_cannot_be_made_costs_only_time(void **state)
{
	struct host *host = host_with("/proc/no/such/folder", NULL);

	(void)state;
	assert_int_equal(load(host), OK);
	host_free(host);
}

static void folders_are_made_closed(void **state)
{
	char inner[4096];
	struct stat status;

	(void)state;
	(void)snprintf(inner, sizeof(inner), "%s/a/b", f.folder);
	struct host *host = host_with(inner, NULL);
	assert_int_equal(stat(inner, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	host_free(host);
	assert_int_equal(rmdir(inner), 0);
	(void)snprintf(inner, sizeof(inner), "%s/a", f.folder);
	assert_int_equal(rmdir(inner), 0);
}

static int set_up(void **state)
{
	struct dirent *entry;

	(void)state;
	log_set_sink(count_refusals, NULL);
	f.folder = harness_folder_new();
	f.host = harness_host_new(f.folder);
	f.idle = host_with(f.folder, "/bin/false");
	assert_int_equal(load(f.host), OK);
	DIR *directory = opendir(f.folder);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		if (strstr(entry->d_name, ".code") != NULL)
			(void)snprintf(f.path, sizeof(f.path), "%s/%s", f.folder, entry->d_name);
	assert_int_equal(closedir(directory), 0);
	assert_int_equal(vfs_read_file(vfs_system(), f.path, (size_t)64 << 20, &f.good, NULL), OK);
	assert_true(f.good.size > 4096);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	host_free(f.idle);
	host_free(f.host);
	buf_fini(&f.good);
	harness_folder_remove(f.folder);
	log_set_sink(NULL, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	GUEST_HARNESS_MAIN(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_right_is_used),
		cmocka_unit_test(a_file_that_was_cut_or_has_grown_is_not_used),
		cmocka_unit_test(a_file_with_one_bit_changed_is_not_used),
		cmocka_unit_test(a_file_of_another_version_or_engine_is_not_used),
		cmocka_unit_test(a_foreign_file_is_not_used),
		cmocka_unit_test(a_file_that_others_could_have_written_is_not_used),
		cmocka_unit_test(a_link_or_a_folder_in_its_place_is_not_followed),
		cmocka_unit_test(what_is_not_used_is_compiled_and_written_anew),
		cmocka_unit_test(files_that_were_used_least_lately_go),
		cmocka_unit_test(a_folder_that_is_open_to_others_is_not_used),
		cmocka_unit_test(a_folder_that_cannot_be_made_costs_only_time),
		cmocka_unit_test(folders_are_made_closed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
