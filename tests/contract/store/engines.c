/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/store/engines.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store_journal/journal.h"
#include "store_mem/mem.h"

static void note_fatal(void *arg, const char *message)
{
	struct fixture *f = arg;

	assert_non_null(message);
	atomic_fetch_add(&f->fatal_calls, 1);
}

static struct store_options base_options(struct fixture *f, uint64_t pending_max_bytes)
{
	return (struct store_options){
		.fatal = note_fatal,
		.fatal_arg = f,
		.pending_max_bytes = pending_max_bytes,
	};
}

static enum status open_mem(struct fixture *f, uint64_t pending_max_bytes, struct error *err)
{
	struct store_options options = base_options(f, pending_max_bytes);

	return mem_open(&options, NULL, 1, &f->store, err);
}

static void fail_mem(struct fixture *f)
{
	mem_fail_next_flush(f->store);
}

static enum status open_journal(struct fixture *f, uint64_t pending_max_bytes,
				enum journal_flusher flusher, bool without_threads,
				struct error *err)
{
	const struct journal_options options = {
		.base = base_options(f, pending_max_bytes),
		.vfs = f->sim != NULL ? vfs_sim_vfs(f->sim) : NULL,
		.segment_bytes = f->segment_bytes,
		.create = true,
		.flusher = flusher,
		.without_threads = without_threads,
	};

	return journal_open(f->sim != NULL ? "/journal" : f->directory, &options, &f->store, err);
}

static enum status open_inline(struct fixture *f, uint64_t pending_max_bytes, struct error *err)
{
	if (f->sim == NULL)
		f->sim = vfs_sim_new();
	return open_journal(f, pending_max_bytes, JOURNAL_FLUSH_INLINE, true, err);
}

static enum status open_thread(struct fixture *f, uint64_t pending_max_bytes, struct error *err)
{
	if (f->sim == NULL)
		f->sim = vfs_sim_new();
	return open_journal(f, pending_max_bytes, JOURNAL_FLUSH_THREAD, false, err);
}

static enum status open_disk(struct fixture *f, uint64_t pending_max_bytes, struct error *err)
{
	if (f->directory[0] == '\0') {
		const char *parent = getenv("TMPDIR");

		(void)snprintf(f->directory, sizeof(f->directory), "%s/concordance-store-XXXXXX",
			       parent != NULL ? parent : "/tmp");
		assert_non_null(mkdtemp(f->directory));
	}
	return open_journal(f, pending_max_bytes, JOURNAL_FLUSH_AUTO, false, err);
}

static void fail_sim(struct fixture *f)
{
	vfs_sim_fail_at(f->sim, 1, ERR_IO);
}

const struct engine engines[] = {
	{ .name = "mem", .open = open_mem, .break_disk = fail_mem },
	{ .name = "journal, inline", .open = open_inline, .break_disk = fail_sim, .keeps = true },
	{ .name = "journal, flusher thread", .open = open_thread, .keeps = true },
	{ .name = "journal, on disk", .open = open_disk, .keeps = true },
};
const size_t engine_count = ARRAY_COUNT(engines);

void fixture_init(struct fixture *f, const struct engine *engine, uint64_t segment_bytes)
{
	*f = (struct fixture){ .engine = engine, .segment_bytes = segment_bytes };
	log_set_level(LOG_ERROR);
	fixture_open(f, 0);
}

void fixture_open(struct fixture *f, uint64_t pending_max_bytes)
{
	struct error err = { 0 };

	if (f->engine->open(f, pending_max_bytes, &err) != OK)
		fail_msg("%s: %s", f->engine->name, error_text(&err));
}

static enum status remove_name(const char *name, void *arg, struct error *err)
{
	char path[512];

	(void)err;
	(void)snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name);
	(void)unlink(path);
	return OK;
}

void fixture_fini(struct fixture *f)
{
	store_close(f->store);
	vfs_sim_free(f->sim);
	if (f->directory[0] != '\0') {
		(void)vfs_system()->ops->list(vfs_system(), f->directory, remove_name, f->directory,
					      NULL);
		(void)rmdir(f->directory);
	}
}

void read_stream_text(struct store *store, const char *category, const char *key,
		      uint64_t from_version, const struct read_options *options, struct buf *ret)
{
	struct error err = { 0 };

	buf_clear(ret);
	if (store_read_stream(store, stream_of(category, key), from_version, options,
			      describe_visit, ret, &err) != OK)
		fail_msg("%s", error_text(&err));
	buf_append_byte(ret, '\0');
}

void read_all_text(struct store *store, uint64_t from_sequence, const struct read_options *options,
		   uint64_t *ret_scanned, struct buf *ret)
{
	struct error err = { 0 };

	buf_clear(ret);
	if (store_read_all(store, from_sequence, options, describe_visit, ret, ret_scanned, &err) !=
	    OK)
		fail_msg("%s", error_text(&err));
	buf_append_byte(ret, '\0');
}
