/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* standalone.c - runs a fuzz target over files, where libFuzzer is not linked.
 *
 *	fuzz_x FILE|FOLDER...
 *
 * So every corpus, which holds what fuzzing once found, is also a test under each compiler and
 * sanitizer. Each input is also given cut short, one byte at a time up to TRUNCATIONS_MAX: the
 * commonest damage there is. An input lies in a heap block of exactly its size, so that a sanitizer
 * sees a read past its end. */

#define TRUNCATIONS_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void input_run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy,
				     size); /* libFuzzer's own: nothing but 0 means anything */
	free(copy);
}

static int file_run(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0;
	size_t got;

	if (file == NULL) {
		perror(path);
		return -1;
	}
	do {
		uint8_t *grown = realloc(data, size + 65536);

		if (grown == NULL)
			abort();
		data = grown;
		got = fread(data + size, 1, 65536, file);
		size += got;
	} while (got > 0);
	if (ferror(file)) {
		perror(path);
		free(data);
		(void)fclose(file); /* only read from */
		return -1;
	}
	(void)fclose(file);

	input_run(data, size);
	for (size_t length = 0; length < size && length < TRUNCATIONS_MAX; length++)
		input_run(data, length);
	free(data);
	return 0;
}

/* Returns how many files were run, or -1. */
static int path_run(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (folder == NULL)
		return file_run(path) == 0 ? 1 : -1;
	while ((entry = readdir(folder)) != NULL) {
		char inner[4096];
		int length;

		if (entry->d_name[0] == '.')
			continue;
		length = snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		if (length < 0 || (size_t)length >= sizeof(inner) || file_run(inner) != 0) {
			(void)closedir(folder);
			return -1;
		}
		count++;
	}
	(void)closedir(folder);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		int ran = path_run(argv[i]);

		if (ran < 0)
			return 1;
		count += ran;
	}
	(void)printf("%d inputs\n", count);
	if (count == 0) {
		(void)fprintf(stderr, "no inputs: a corpus needs at least one file\n");
		return 1;
	}
	return 0;
}
