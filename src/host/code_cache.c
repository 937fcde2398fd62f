/* SPDX-License-Identifier: Apache-2.0 */
/* code_cache.c - compiled code on disk, one file for each component and engine_key().
 *
 * Compiled code is run as it is, so where it comes from is everything. The folder must be this
 * user's and closed to others, and so must each file; a file is read whole, and its header, its sizes
 * and its SHA-256 must be right before wasmtime sees any of it. So a file that was cut, damaged,
 * exchanged or written by another version is as good as none: it is compiled again, and written over.
 * (Who can write as this user needs no cache to run code.)
 *
 * Every change of a component leaves a file behind. When one is written, those that were used least
 * lately go, down to FILES_MAX.
 *
 *	offset	size	little-endian
 *	0	8	"CONCCODE"
 *	8	4	version of this format
 *	12	4	zero
 *	16	8	size of the code
 *	24	32	SHA-256 of the component's file
 *	56	32	engine_key()
 *	88	32	SHA-256 of the code
 *	120	8	XXH3 of the 120 bytes before
 *	128		the code
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/log.h"
#include "base/vfs.h"
#include "host/internal.h"

#define MAGIC          "CONCCODE"
#define FORMAT_VERSION 1
#define HEADER_BYTES   128
#define CODE_MAX_BYTES ((uint64_t)1 << 30)
#define PATH_MAX_BYTES 4096
#define FILES_MAX      64
#define SUFFIX         ".code"

/* ---- the folder ------------------------------------------------------------------------------- */

static void warn(const char *path, const char *detail)
{
	log_event(LOG_WARN, "code_cache_unused", LOG_STRING("path", path),
		  LOG_STRING("detail", detail),
		  LOG_STRING("effect", "components are compiled at each start"));
}

/* The folder's path, or NULL when the user has no home. */
static char *default_path(void)
{
	const char *base = secure_getenv("XDG_CACHE_HOME");
	const char *below = "";
	char *path = NULL;

	if (base == NULL || base[0] != '/') {
		base = secure_getenv("HOME");
		below = "/.cache";
	}
	if (base == NULL || base[0] != '/')
		return NULL;
	if (asprintf(&path, "%s%s/concordance", base, below) < 0)
		return NULL;
	return path;
}

/* Makes the folder and what is missing above it, closed to others. */
static bool make_folders(const char *path)
{
	char *copy = strdup(path);

	if (copy == NULL)
		return false;
	for (char *at = copy + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		(void)mkdir(copy, 0700); /* the last one tells */
		*at = '/';
	}
	bool made = mkdir(copy, 0700) == 0 || errno == EEXIST;
	free(copy);
	return made;
}

static const char *what_is_wrong(const char *path)
{
	struct stat stat;

	if (!make_folders(path) || lstat(path, &stat) != 0)
		return "the folder cannot be made";
	if (!S_ISDIR(stat.st_mode))
		return "it is no folder";
	if (stat.st_uid != geteuid())
		return "the folder is another user's";
	if ((stat.st_mode & 077) != 0)
		return "the folder is open to other users: chmod 700";
	if (access(path, W_OK | X_OK) != 0)
		return "the folder cannot be written to";
	return NULL;
}

enum status code_cache_open(const char *directory, char **ret, struct error *err)
{
	char *path = directory != NULL ? strdup(directory) : default_path();

	if (path == NULL && directory != NULL)
		return ERROR(err, ERR_NOMEM, "the path of the code cache");
	const char *wrong = path == NULL ? "there is no home directory" : what_is_wrong(path);
	if (wrong != NULL) {
		warn(path != NULL ? path : "", wrong);
		free(path);
		path = NULL;
	}
	*ret = path;
	return OK;
}

/* ---- a file ----------------------------------------------------------------------------------- */

static bool file_path(const char *directory, const struct sha256 *component,
		      char path[static PATH_MAX_BYTES])
{
	struct sha256 key = engine_key();
	const struct span pieces[] = { span_of(component->bytes, SHA256_BYTES),
				       span_of(key.bytes, SHA256_BYTES) };
	struct sha256 name = digest_sha256_pieces(pieces, ARRAY_COUNT(pieces));
	char hex[SHA256_HEX_BYTES];

	sha256_format(&name, hex);
	int size = snprintf(path, PATH_MAX_BYTES, "%s/%.40s" SUFFIX, directory, hex);
	return size > 0 && size < PATH_MAX_BYTES;
}

static void append_header(struct buf *buf, const struct sha256 *component, struct span code)
{
	struct sha256 key = engine_key();
	struct sha256 digest = digest_sha256(code);

	buf_append(buf, MAGIC, 8);
	buf_append_le32(buf, FORMAT_VERSION);
	buf_append_le32(buf, 0);
	buf_append_le64(buf, code.size);
	buf_append(buf, component->bytes, SHA256_BYTES);
	buf_append(buf, key.bytes, SHA256_BYTES);
	buf_append(buf, digest.bytes, SHA256_BYTES);
	if (buf_status(buf) == OK)
		buf_append_le64(buf, digest_xxh3(buf_span(buf)));
}

/* NULL when the whole file is what append_header() and the code make. */
static const char *check_file(struct span file, const struct sha256 *component)
{
	if (file.size < HEADER_BYTES)
		return "shorter than its header";
	if (memcmp(file.data, MAGIC, 8) != 0)
		return "not a file of compiled code";
	if (get_le64(file.data + 120) != digest_xxh3(span_of(file.data, 120)))
		return "a damaged header";
	if (get_le32(file.data + 8) != FORMAT_VERSION)
		return "another version of the format";
	if (get_le64(file.data + 16) != file.size - HEADER_BYTES)
		return "not as long as it says";
	struct sha256 key = engine_key();
	if (memcmp(file.data + 24, component->bytes, SHA256_BYTES) != 0 ||
	    memcmp(file.data + 56, key.bytes, SHA256_BYTES) != 0)
		return "code of another component or engine";
	struct sha256 digest = digest_sha256(span_after(file, HEADER_BYTES));
	if (memcmp(file.data + 88, digest.bytes, SHA256_BYTES) != 0)
		return "damaged code";
	return NULL;
}

/* Reads the file whole. NULL: done; "": there is none. */
static const char *read_file(const char *path, struct buf *ret)
{
	struct stat stat;
	const char *wrong = NULL;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? "" : "it cannot be opened";
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
		wrong = "no regular file";
	else if (stat.st_uid != geteuid())
		wrong = "another user's file";
	else if ((stat.st_mode & 022) != 0)
		wrong = "others may write to it";
	else if (stat.st_size < 0 || (uint64_t)stat.st_size > CODE_MAX_BYTES)
		wrong = "too large";
	else if (buf_reserve(ret, (size_t)stat.st_size) != OK)
		wrong = "no memory to read it";
	while (wrong == NULL && ret->size < (size_t)stat.st_size) {
		ssize_t n = read(fd, ret->data + ret->size, (size_t)stat.st_size - ret->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			wrong = "it cannot be read to its end";
		else
			ret->size += (size_t)n;
	}
	/* For prune(): it was used now. Without, it goes a little early. */
	if (wrong == NULL)
		(void)futimens(fd, NULL);
	(void)close(fd); /* only read */
	return wrong;
}

bool code_cache_read(const char *directory, const struct sha256 *component, struct buf *ret)
{
	char path[PATH_MAX_BYTES];
	OWNED(buf) struct buf file = { 0 };

	if (!file_path(directory, component, path))
		return false;
	const char *wrong = read_file(path, &file);
	if (wrong == NULL)
		wrong = check_file(buf_span(&file), component);
	if (wrong != NULL) {
		if (wrong[0] != '\0')
			log_event(LOG_WARN, "code_cache_file_refused", LOG_STRING("path", path),
				  LOG_STRING("detail", wrong),
				  LOG_STRING("effect", "the component is compiled again"));
		return false;
	}
	buf_append_span(ret, span_after(buf_span(&file), HEADER_BYTES));
	return buf_status(ret) == OK;
}

struct pruner {
	const char *directory;
	size_t count;
	struct timespec oldest_time;
	char oldest[PATH_MAX_BYTES]; /* of those that are there */
};

static enum status look_at(const char *name, void *arg, struct error *err)
{
	struct pruner *pruner = arg;
	char path[PATH_MAX_BYTES];
	struct stat stat;
	size_t size = strlen(name);

	(void)err;
	if (size < strlen(SUFFIX) || strcmp(name + size - strlen(SUFFIX), SUFFIX) != 0)
		return OK;
	int written = snprintf(path, sizeof(path), "%s/%s", pruner->directory, name);
	if (written < 0 || written >= PATH_MAX_BYTES || lstat(path, &stat) != 0)
		return OK; /* gone meanwhile */
	if (pruner->count == 0 || stat.st_mtim.tv_sec < pruner->oldest_time.tv_sec ||
	    (stat.st_mtim.tv_sec == pruner->oldest_time.tv_sec &&
	     stat.st_mtim.tv_nsec < pruner->oldest_time.tv_nsec)) {
		pruner->oldest_time = stat.st_mtim;
		memcpy(pruner->oldest, path, (size_t)written + 1);
	}
	pruner->count++;
	return OK;
}

static void prune(const char *directory)
{
	/* One more than was written is the rule; a folder full of them takes some writes longer. */
	for (int i = 0; i < 8; i++) {
		struct pruner pruner = { .directory = directory };

		if (vfs_system()->ops->list(vfs_system(), directory, look_at, &pruner, NULL) !=
			    OK ||
		    pruner.count <= FILES_MAX || unlink(pruner.oldest) != 0)
			return;
	}
}

void code_cache_write(const char *directory, const struct sha256 *component, struct span code)
{
	char path[PATH_MAX_BYTES];
	OWNED(buf) struct buf file = { 0 };
	struct error err = { 0 };

	if (!file_path(directory, component, path))
		return;
	append_header(&file, component, code);
	buf_append_span(&file, code);
	enum status s = buf_status(&file);
	if (s == OK)
		s = vfs_write_file_atomically(vfs_system(), path, buf_span(&file), &err);
	if (s != OK)
		log_event(LOG_WARN, "code_cache_not_written", LOG_STRING("path", path),
			  LOG_STRING("detail", error_text(&err)));
	else
		prune(directory);
}
