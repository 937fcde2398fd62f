/* SPDX-License-Identifier: Apache-2.0 */
/* bench_journal.c - appends to the journal, beside the raw floor of the same writes in the same run.
 *
 *	bench_journal DIRECTORY [ROUNDS] [RECOVERY_FRAMES]
 *
 * The floor writes blocks of the same sizes, through O_DSYNC, into a zeroed file. Rounds are
 * interleaved; medians are printed. Then a journal of RECOVERY_FRAMES is opened. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/vfs.h"
#include "store_journal/journal.h"

#define COMMITS     2000u
#define BATCH       64u
#define STREAMS     10000u
#define ROUNDS_MAX  99u
#define FRAME_BYTES 300u /* encoded, about */

struct bench {
	const char *directory;
	struct store *store;
	struct metrics *metrics;
	uint64_t done;
	struct stream_head heads[STREAMS];
	char keys[STREAMS][16];
	uint64_t next;
	char data[256];
};

struct slot {
	struct append append;
	struct frame frame;
	struct frame_event event;
	struct bench *bench;
	char command[32];
};

static struct bench bench;
static struct slot slots[BATCH];

static void fatal(void *arg, const char *message)
{
	(void)arg;
	(void)fprintf(stderr, "%s\n", message);
	exit(1);
}

static void done(struct append *append, enum status status)
{
	CHECK(status == OK);
	CONTAINER_OF(append, struct slot, append)->bench->done++;
}

static void must(enum status s, const struct error *err)
{
	if (s == OK)
		return;
	(void)fprintf(stderr, "%s\n", error_text(err));
	exit(1);
}

static enum status remove_name(const char *name, void *arg, struct error *err)
{
	char path[512];

	(void)err;
	(void)snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name);
	(void)unlink(path);
	return OK;
}

static void remove_directory(const char *directory)
{
	(void)vfs_system()->ops->list(vfs_system(), directory, remove_name,
				      (void *)(uintptr_t)directory, NULL);
	(void)rmdir(directory);
}

static uint64_t cpu_ns(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

static void open_journal(const char *directory)
{
	struct error err = { 0 };
	const struct journal_options options = {
		.base = { .fatal = fatal, .metrics = bench.metrics },
		.create = true,
		.flusher = JOURNAL_FLUSH_INLINE, /* as the floor */
	};

	must(journal_open(directory, &options, &bench.store, &err), &err);
}

static void append_one(struct slot *slot, bool with_command)
{
	uint64_t n = bench.next++;
	struct stream_head *head = &bench.heads[n % STREAMS];
	struct error err = { 0 };
	enum status s;

	slot->bench = &bench;
	slot->event = (struct frame_event){ .type = SPAN("funds_deposited"),
					    .data = span_of(bench.data, 160) };
	memcpy(slot->event.id.bytes, &n, sizeof(n));
	slot->frame = (struct frame){
		.kind = FRAME_DECISION,
		.stream = { SPAN("bankaccount"), span_from_string(bench.keys[n % STREAMS]) },
		.number = head->number + 1,
		.first_version = head->version + 1,
		.events = &slot->event,
		.event_count = 1,
	};
	if (with_command) {
		(void)snprintf(slot->command, sizeof(slot->command), "command-%" PRIu64, n);
		slot->frame.command.id = span_from_string(slot->command);
		slot->frame.command.type = SPAN("deposit_funds");
		slot->frame.command.data = SPAN("{\"amount\":1000}");
		slot->frame.command.metadata = SPAN("{\"correlation_id\":\"0192\"}");
	}
	slot->append = (struct append){
		.frames = &slot->frame,
		.frame_count = 1,
		.expected_number = head->number,
		.done = done,
	};
	do {
		s = store_append(bench.store, &slot->append, &err);
		if (s == ERR_BUSY)
			(void)store_flush(bench.store);
	} while (s == ERR_BUSY);
	must(s, &err);
	head->number++;
	head->version++;
}

/* Appends a second. */
static double run_journal(unsigned batch, uint64_t *ret_cpu_ns)
{
	uint64_t begin = clock_monotonic_ns(clock_system()), cpu = cpu_ns(), before = bench.done;
	double seconds;

	for (unsigned i = 0; i < COMMITS; i++) {
		for (unsigned n = 0; n < batch; n++)
			append_one(&slots[n], true);
		while (bench.done != before + (uint64_t)(i + 1) * batch)
			(void)store_flush(bench.store);
	}
	seconds = (double)(clock_monotonic_ns(clock_system()) - begin) / 1e9;
	*ret_cpu_ns = (cpu_ns() - cpu) / ((uint64_t)COMMITS * batch);
	return (double)COMMITS * batch / seconds;
}

static double run_floor(unsigned batch, size_t bytes)
{
	char path[512], *block = aligned_alloc(4096, 1 << 20);
	uint64_t begin;
	double seconds;
	int fd;

	CHECK(block != NULL);
	memset(block, 0, 1 << 20);
	(void)snprintf(path, sizeof(path), "%s/floor", bench.directory);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	for (size_t at = 0; at < COMMITS * bytes; at += 1 << 20)
		CHECK(pwrite(fd, block, 1 << 20, (off_t)at) == 1 << 20);
	CHECK(fdatasync(fd) == 0 && close(fd) == 0);
	fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC);
	CHECK(fd >= 0);
	memset(block, 'x', bytes);
	begin = clock_monotonic_ns(clock_system());
	for (size_t i = 0; i < COMMITS; i++)
		CHECK(pwrite(fd, block, bytes, (off_t)(i * bytes)) == (ssize_t)bytes);
	seconds = (double)(clock_monotonic_ns(clock_system()) - begin) / 1e9;
	CHECK(close(fd) == 0 && unlink(path) == 0);
	free(block);
	return (double)COMMITS * batch / seconds;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static uint64_t status_mean_bytes(uint64_t written, uint64_t appended)
{
	return appended == 0 ? 0 : written / appended;
}

static void measure_appends(unsigned rounds)
{
	static double journal_one[ROUNDS_MAX], journal_many[ROUNDS_MAX], floor_one[ROUNDS_MAX],
		floor_many[ROUNDS_MAX], cpu_one[ROUNDS_MAX], cpu_many[ROUNDS_MAX];
	struct counter *bytes =
		metrics_counter(bench.metrics, "concordance_journal_written_bytes_total", NULL, "");
	uint64_t bytes_one = 0, bytes_many = 0, begin;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/journal", bench.directory);
	begin = clock_monotonic_ns(clock_system());
	open_journal(path);
	(void)printf("a new journal takes %.0f ms\n",
		     (double)(clock_monotonic_ns(clock_system()) - begin) / 1e6);
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t cpu = 0, before = bytes != NULL ? bytes->value : 0;

		journal_one[i] = run_journal(1, &cpu);
		cpu_one[i] = (double)cpu;
		bytes_one += (bytes != NULL ? bytes->value : 0) - before;
		floor_one[i] = run_floor(1, 4096);
		before = bytes != NULL ? bytes->value : 0;
		journal_many[i] = run_journal(BATCH, &cpu);
		cpu_many[i] = (double)cpu;
		bytes_many += (bytes != NULL ? bytes->value : 0) - before;
		floor_many[i] = run_floor(BATCH, 28672);
	}
	store_close(bench.store);
	remove_directory(path);
	(void)printf("appends a second, medians of %u rounds of %u commits\n", rounds, COMMITS);
	(void)printf("%-16s %12s %12s %8s %12s %14s\n", "", "journal", "floor", "ratio",
		     "cpu ns each", "bytes each");
	(void)printf("%-16s %12.0f %12.0f %8.2f %12.0f %14" PRIu64 "\n", "1 a commit",
		     median(journal_one, rounds), median(floor_one, rounds),
		     median(journal_one, rounds) / median(floor_one, rounds),
		     median(cpu_one, rounds),
		     status_mean_bytes(bytes_one, (uint64_t)rounds * COMMITS));
	(void)printf("%-16s %12.0f %12.0f %8.2f %12.0f %14" PRIu64 "\n", "64 a commit",
		     median(journal_many, rounds), median(floor_many, rounds),
		     median(journal_many, rounds) / median(floor_many, rounds),
		     median(cpu_many, rounds),
		     status_mean_bytes(bytes_many, (uint64_t)rounds * COMMITS * BATCH));
}

static void measure_recovery(uint64_t frames)
{
	char path[512];
	uint64_t begin, took, size, i = 0;
	struct gauge *memory;
	struct store_status status;
	struct journal_report report;
	struct error err = { 0 };

	memset(bench.heads, 0, sizeof(bench.heads));
	(void)snprintf(path, sizeof(path), "%s/recovery", bench.directory);
	open_journal(path);
	while (i < frames) {
		for (unsigned n = 0; n < BATCH && i < frames; n++, i++)
			append_one(&slots[n], true);
		(void)store_flush(bench.store);
		while (store_durable(bench.store) != i)
			(void)store_flush(bench.store);
	}
	memory = metrics_gauge(bench.metrics, "concordance_journal_index_bytes", NULL, "");
	size = memory != NULL ? (uint64_t)memory->value : 0;
	store_close(bench.store);
	begin = clock_monotonic_ns(clock_system());
	open_journal(path);
	took = clock_monotonic_ns(clock_system()) - begin;
	store_status(bench.store, &status);
	store_close(bench.store);
	(void)printf("open with %" PRIu64
		     " frames: %.0f ms, %.2f million frames/s; index %.1f bytes a "
		     "frame\n",
		     status.durable_sequence, (double)took / 1e6,
		     (double)status.durable_sequence * 1e3 / (double)took,
		     (double)size / (double)frames);
	begin = clock_monotonic_ns(clock_system());
	must(journal_verify(path, NULL, NULL, NULL, &report, &err), &err);
	took = clock_monotonic_ns(clock_system()) - begin;
	(void)printf("verify: %.0f ms, %.2f million frames/s\n", (double)took / 1e6,
		     (double)report.frame_count * 1e3 / (double)took);
	remove_directory(path);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
	uint64_t frames = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000000;
	struct error err = { 0 };

	if (argc < 2 || rounds == 0 || rounds > ROUNDS_MAX) {
		(void)fprintf(stderr, "usage: %s DIRECTORY [ROUNDS] [RECOVERY_FRAMES]\n", argv[0]);
		return 2;
	}
	log_set_level(LOG_ERROR);
	must(metrics_new(&bench.metrics, &err), &err);
	bench.directory = argv[1];
	memset(bench.data, 'x', sizeof(bench.data));
	memcpy(bench.data, "{\"text\":\"", 9);
	memcpy(bench.data + 158, "\"}", 2);
	for (size_t i = 0; i < STREAMS; i++)
		(void)snprintf(bench.keys[i], sizeof(bench.keys[i]), "acct-%zu", i);
	measure_appends(rounds);
	measure_recovery(frames);
	metrics_free(bench.metrics);
	return 0;
}
