/* SPDX-License-Identifier: Apache-2.0 */
/* bench_component.c - what a call of a component costs: the bank's account, from the outside of
 * component.h.
 *
 *	bench_component COMPONENT.wasm [ROUNDS]
 *
 * A decision is open, handle, apply, close, with a deposit whose data has 256 or 4,096 bytes and
 * metadata of 200. Kinds are interleaved in each round; medians over the rounds are printed, in
 * microseconds a call, with the fastest and the slowest round. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/vfs.h"
#include "host/host.h"

#define ROUNDS_MAX  99
#define CALLS       4000
#define FOLD_EVENTS 100
#define STATE                                                                       \
	"{\"balance\":1000000,\"min_balance\":0,\"customer_id\":\"customer-4711\"," \
	"\"reservations\":"                                                         \
	"{\"transfer-0001\":100,\"transfer-0002\":200,\"transfer-0003\":300}}"
#define METADATA                                                                            \
	"{\"correlation_id\":\"0190b5a4-6c1e-7d2a-9f3b-2f6f1d7a0c55\",\"actor\":\"bench\"," \
	"\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\","      \
	"\"channel\":\"branch-0042\",\"desk\":\"17\"}"

struct bench {
	struct component *fresh;
	struct component *reused;
	struct arena *arena;
	char data[2][4200]; /* of 256 and 4,096 bytes */
	struct component_event folded[FOLD_EVENTS];
};

enum kind { OPEN_FRESH, FRESH_256, FRESH_4096, REUSED_256, REUSED_4096, FOLD_100, KINDS };

static const char *const kind_names[KINDS] = {
	[OPEN_FRESH] = "instantiation alone, fresh", [FRESH_256] = "decision, fresh, 256 B",
	[FRESH_4096] = "decision, fresh, 4 KiB",     [REUSED_256] = "decision, reused, 256 B",
	[REUSED_4096] = "decision, reused, 4 KiB",   [FOLD_100] = "apply of 100 events, fresh",
};

static void must(enum status s, const struct error *err)
{
	if (s == OK)
		return;
	(void)fprintf(stderr, "bench_component: %s\n", error_text(err));
	exit(1);
}

static void decide(struct bench *bench, struct component *component, const char *data)
{
	struct error err = { 0 };
	struct component_decision decision;
	struct component_instance *instance = NULL;
	struct span state;
	const struct component_call call = { .time_us = UINT64_C(1700000000000000),
					     .seed = SPAN("command-1"),
					     .arena = bench->arena };
	const struct component_command command = { .id = SPAN(
							   "0190b5a4-6c1e-7d2a-9f3b-2f6f1d7a0c55"),
						   .type = SPAN("deposit_funds"),
						   .key = SPAN("acct-000001"),
						   .time_us = call.time_us,
						   .data = span_from_string(data),
						   .metadata = SPAN(METADATA) };

	arena_clear(bench->arena);
	must(component_open(component, &call, &instance, &err), &err);
	must(component_handle(instance, SPAN(STATE), &command, &decision, &err), &err);
	CHECK(!decision.rejected && decision.event_count == 1);
	const struct component_event event = { .type = decision.events[0].type,
					       .version = 7,
					       .time_us = call.time_us,
					       .data = decision.events[0].data };
	must(component_apply(instance, SPAN(STATE), &event, 1, &state, &err), &err);
	component_close(instance);
}

static void open_only(struct bench *bench)
{
	struct error err = { 0 };
	struct component_instance *instance = NULL;
	const struct component_call call = { .seed = SPAN("x"), .arena = bench->arena };

	must(component_open(bench->fresh, &call, &instance, &err), &err);
	component_close(instance);
}

static void fold(struct bench *bench)
{
	struct error err = { 0 };
	struct component_instance *instance = NULL;
	struct span state;
	const struct component_call call = { .seed = SPAN("x"), .arena = bench->arena };

	arena_clear(bench->arena);
	must(component_open(bench->fresh, &call, &instance, &err), &err);
	must(component_apply(instance, SPAN(STATE), bench->folded, FOLD_EVENTS, &state, &err),
	     &err);
	component_close(instance);
}

static void run_once(struct bench *bench, enum kind kind)
{
	switch (kind) {
	case OPEN_FRESH:
		open_only(bench);
		break;
	case FRESH_256:
		decide(bench, bench->fresh, bench->data[0]);
		break;
	case FRESH_4096:
		decide(bench, bench->fresh, bench->data[1]);
		break;
	case REUSED_256:
		decide(bench, bench->reused, bench->data[0]);
		break;
	case REUSED_4096:
		decide(bench, bench->reused, bench->data[1]);
		break;
	case FOLD_100:
		fold(bench);
		break;
	case KINDS:
		break;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_machine(void)
{
	char model[256] = "unknown processor";
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[512];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, "model name");
		const char *colon = at != NULL ? strchr(at, ':') : NULL;
		if (colon != NULL) {
			(void)snprintf(model, sizeof(model), "%.*s", (int)strcspn(colon + 2, "\n"),
				       colon + 2);
			break;
		}
	}
	if (file != NULL)
		(void)fclose(file);
	printf("machine: %s, %ld processors\n", model, sysconf(_SC_NPROCESSORS_ONLN));
}

static void fill_data(char *data, size_t size)
{
	int head = snprintf(data, size + 1, "{\"amount\":100,\"note\":\"");

	memset(data + head, 'n', size - (size_t)head - 2);
	memcpy(data + size - 2, "\"}", 3);
}

static struct component *load(struct host *host, const char *path, bool reused)
{
	struct error err = { 0 };
	struct component *component = NULL;
	const struct host_component spec = { .name = "bankaccount",
					     .role = ROLE_AGGREGATE,
					     .path = path,
					     .limits = component_limits_default,
					     .reused = reused };

	must(host_load(host, &spec, &component, &err), &err);
	return component;
}

static void measure(struct bench *bench, unsigned rounds)
{
	static double figures[KINDS][ROUNDS_MAX];

	for (unsigned round = 0; round < rounds; round++)
		for (int kind = 0; kind < KINDS; kind++) {
			unsigned calls = kind == FOLD_100 ? CALLS / 10 : CALLS;
			uint64_t began = clock_monotonic_ns(clock_system());
			for (unsigned i = 0; i < calls; i++)
				run_once(bench, (enum kind)kind);
			figures[kind][round] =
				(double)(clock_monotonic_ns(clock_system()) - began) / calls / 1000;
		}
	for (int kind = 0; kind < KINDS; kind++) {
		qsort(figures[kind], rounds, sizeof(double), compare);
		printf("%-28s %7.2f us   (%.2f - %.2f)\n", kind_names[kind],
		       figures[kind][rounds / 2], figures[kind][0], figures[kind][rounds - 1]);
	}
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct error err = { 0 };
	struct host *host = NULL;
	struct rusage usage;
	uint64_t rounds = 7;

	if (argc > 1 && strcmp(argv[1], HOST_COMPILE_COMMAND) == 0)
		return host_compile_main(argc, argv);
	if (argc < 2 || (argc > 2 && (!span_parse_u64(span_from_string(argv[2]), &rounds) ||
				      rounds == 0 || rounds > ROUNDS_MAX))) {
		(void)fprintf(stderr, "usage: bench_component COMPONENT.wasm [ROUNDS]\n");
		return 2;
	}
	print_machine();
	uint64_t began = clock_monotonic_ns(clock_system());
	must(host_new(&(struct host_options){ 0 }, &host, &err), &err);
	uint64_t made = clock_monotonic_ns(clock_system());
	bench.fresh = load(host, argv[1], false);
	uint64_t loaded = clock_monotonic_ns(clock_system());
	bench.reused = load(host, argv[1], true);
	printf("host_new %.1f ms, host_load %.1f ms, again %.1f ms (from the cache, unless this "
	       "was the first run)\n",
	       (double)(made - began) / 1e6, (double)(loaded - made) / 1e6,
	       (double)(clock_monotonic_ns(clock_system()) - loaded) / 1e6);
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	printf("resident after loading: %ld KiB at most\n", usage.ru_maxrss);
	bench.arena = arena_new((size_t)4 << 20);
	CHECK(bench.arena != NULL);
	fill_data(bench.data[0], 256);
	fill_data(bench.data[1], 4096);
	for (uint64_t i = 0; i < FOLD_EVENTS; i++)
		bench.folded[i] = (struct component_event){
			.type = SPAN("funds_deposited"),
			.version = i + 1,
			.time_us = UINT64_C(1700000000000000) + i,
			.data = span_from_string(bench.data[0]),
		};
	measure(&bench, (unsigned)rounds);
	arena_free(bench.arena);
	component_free(bench.fresh);
	component_free(bench.reused);
	host_free(host);
	return 0;
}
