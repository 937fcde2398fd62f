/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/store_journal/journal_fixture.h"

#include <stdlib.h>
#include <string.h>

static void note_fatal(void *arg, const char *message)
{
	struct journal_fixture *f = arg;

	assert_non_null(strstr(message, JOURNAL_DIRECTORY));
	atomic_fetch_add(&f->fatal_calls, 1);
}

static void note_line(struct span line, void *arg)
{
	struct journal_fixture *f = arg;
	size_t used = strlen(f->log);

	if (used + line.size + 2 > sizeof(f->log))
		used = 0;
	if (line.size + 2 > sizeof(f->log))
		return;
	memcpy(f->log + used, line.data, line.size);
	f->log[used + line.size] = '\n';
	f->log[used + line.size + 1] = '\0';
}

int journal_setup(void **state)
{
	struct journal_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->sim = vfs_sim_new();
	log_set_sink(note_line, f);
	*state = f;
	return 0;
}

int journal_teardown(void **state)
{
	struct journal_fixture *f = *state;

	store_close(f->store);
	vfs_sim_free(f->sim);
	log_set_sink(NULL, NULL);
	free(f);
	return 0;
}

enum status journal_start(struct journal_fixture *f, struct error *err)
{
	const struct journal_options options = {
		.base = { .fatal = note_fatal, .fatal_arg = f },
		.vfs = vfs_sim_vfs(f->sim),
		.segment_bytes = SEGMENT_BYTES,
		.create = true,
		.flusher = JOURNAL_FLUSH_INLINE,
		.without_threads = true,
	};

	return journal_open(JOURNAL_DIRECTORY, &options, &f->store, err);
}

void journal_must_start(struct journal_fixture *f)
{
	struct error err = { 0 };

	if (journal_start(f, &err) != OK)
		fail_msg("%s", error_text(&err));
}

void journal_stop(struct journal_fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

void journal_kill(struct journal_fixture *f, uint64_t seed)
{
	vfs_sim_crash_at(f->sim, 1);
	journal_stop(f);
	vfs_sim_restart(f->sim, seed);
}

void journal_text(struct journal_fixture *f, struct buf *ret)
{
	const struct read_options options = { .direction = FORWARD };
	struct error err = { 0 };

	buf_clear(ret);
	if (store_read_all(f->store, 1, &options, describe_visit, ret, NULL, &err) != OK)
		fail_msg("%s", error_text(&err));
	buf_append_byte(ret, '\0');
}
