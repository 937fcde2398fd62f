/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - puts the server together, runs it, takes it apart.
 *
 *	manifest -> components -> store -> lanes (a loop, a thread and an HTTP server each)
 *	                            \-> runtime -> API -/
 *
 * Nothing answers before everything stands: the port is probed first and listened on last. Lanes run
 * on threads of their own, whose stacks are large enough for guests; the main thread waits for them
 * and takes the signals.
 *
 * The end: SIGINT or SIGTERM lets each lane's HTTP server finish what it has accepted; when all have,
 * and the runtime owes nobody an answer, the loops stop. A second signal ends the process at once,
 * which loses nothing that was answered. */
#include "app/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api_http/api.h"
#include "app/components.h"
#include "app/exit_code.h"
#include "base/check.h"
#include "base/pool.h"
#include "base/thread.h"
#include "http/loop.h"
#include "http/server.h"
#include "manifest/manifest.h"
#include "runtime/runtime.h"
#include "store_journal/journal.h"
#include "store_mem/mem.h"

#define LISTEN_DEFAULT       "127.0.0.1:8080"
#define LANES_MAX            64
#define POOL_THREADS         4 /* for the runtime: folds, slow components */
#define READ_THREADS         2 /* for pages of the log, which must not wait behind those */
#define MANIFEST_ARENA_BYTES ((size_t)32 << 20)
#define DRAIN_MS             20000
#define SETTLE_MS            10 /* between two looks whether the runtime still owes an answer */
#define SETTLE_LOOKS_MAX     1000

struct server;

struct serve_lane {
	struct server *server;
	unsigned index;
	struct loop *loop;
	struct http_server *http;
	struct thread thread;
	struct task drain; /* posted to the loop when the end begins */
};

struct server {
	const struct serve_options *options;
	struct arena *arena;
	struct manifest *manifest;
	struct span address;
	uint16_t port;
	const char *data_directory;

	struct metrics *metrics;
	struct components *components;
	struct store *store;
	struct pool *pool;
	struct pool *readers;
	unsigned lane_count;
	struct serve_lane lanes[LANES_MAX];
	struct loop *loops[LANES_MAX];
	struct executor *executors[LANES_MAX];
	struct runtime *runtime;
	struct api *api;

	_Atomic unsigned draining; /* lanes whose HTTP server has not finished */
	bool ending;               /* lane 0's own: a signal came */
	unsigned settle_looks;     /* lane 0's own */
	struct loop_timer *settle; /* lane 0's own */
	struct task all_drained;
};

static int fail(const char *what, enum status status, const struct error *err)
{
	(void)fprintf(stderr, "concordance: %s%s%s\n", what, what[0] != '\0' ? ": " : "",
		      error_text(err));
	return (int)exit_code_of(status);
}

/* ---- the parts, in the order in which they are made -------------------------------------------- */

static enum status read_manifest(struct server *server, struct error *err)
{
	struct manifest_problems problems = { 0 };
	const char *path = server->options->manifest_path;
	OWNED(buf) struct buf line = { 0 };

	enum status s =
		manifest_load(path, vfs_system(), server->arena, &server->manifest, &problems, err);
	if (s != ERR_INVALID)
		return s;
	for (size_t i = 0; i < problems.count; i++) {
		buf_clear(&line);
		manifest_problem_append(&line, path, &problems.items[i]);
		(void)fprintf(stderr, "%.*s\n", SPAN_ARG(buf_span(&line)));
	}
	return ERROR(err, s, "'%s' has %zu mistakes; nothing was started", path,
		     problems.count + problems.dropped);
}

static bool is_loopback(struct span address)
{
	return span_starts_with(address, SPAN("127.")) || span_equal(address, SPAN("::1"));
}

static enum status choose_address(struct server *server, struct error *err)
{
	struct span listen = server->options->listen != NULL
				     ? span_from_string(server->options->listen)
			     : server->manifest->listen.data != NULL ? server->manifest->listen
								     : SPAN(LISTEN_DEFAULT);

	enum status s =
		manifest_listen_parse(listen, server->arena, &server->address, &server->port, err);
	if (s != OK)
		return s;
	if (!is_loopback(server->address) && !server->options->insecure)
		return ERROR(
			err, ERR_DENIED,
			"'%.*s' can be reached from other machines, and there is neither an access "
			"token nor TLS: listen on 127.0.0.1, behind a proxy that has both, or say "
			"--insecure",
			SPAN_ARG(listen));
	return server->port == 0 ? OK : http_listen_check(server->address.data, server->port, err);
}

static void store_fatal(void *arg, const char *message)
{
	(void)arg;
	log_event(LOG_ERROR, "storage_failed", LOG_STRING("error", message),
		  LOG_STRING(
			  "now",
			  "the process ends: what is on the disk is unknown until the next start"));
	/* Not exit(): nothing may run that could still answer or write. */
	_exit(EXIT_CODE_FAILED);
}

static enum status open_store(struct server *server, struct error *err)
{
	struct store_options base = { .fatal = store_fatal, .metrics = server->metrics };

	if (server->options->ephemeral)
		return mem_open(&base, random_system(), clock_wall_us(clock_system()),
				&server->store, err);
	server->data_directory = server->options->data_directory;
	if (server->data_directory == NULL) {
		const char *path = server->options->manifest_path;
		const char *slash = strrchr(path, '/');
		struct span beside = slash == NULL ? arena_format(server->arena, "data")
						   : arena_format(server->arena, "%.*s/data",
								  (int)(slash - path), path);

		if (beside.data == NULL)
			return ERROR(err, ERR_NOMEM, "the data directory's name");
		server->data_directory = beside.data;
	}
	return journal_open(server->data_directory,
			    &(struct journal_options){ .base = base, .create = true },
			    &server->store, err);
}

static unsigned lanes_wanted(const struct serve_options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = options->lanes != 0 ? options->lanes : cores < 1 ? 1 : (unsigned)cores;

	return wanted > LANES_MAX ? LANES_MAX : wanted;
}

static enum status make_loops(struct server *server, struct error *err)
{
	server->lane_count = lanes_wanted(server->options);
	for (unsigned i = 0; i < server->lane_count; i++) {
		struct serve_lane *lane = &server->lanes[i];

		lane->server = server;
		lane->index = i;
		enum status s = loop_new(&lane->loop, err);
		if (s != OK)
			return s;
		server->loops[i] = lane->loop;
		server->executors[i] = loop_executor(lane->loop);
	}
	return OK;
}

static enum status make_runtime(struct server *server, struct error *err)
{
	const struct manifest *manifest = server->manifest;
	const struct runtime_options options = {
		.store = server->store,
		.clock = clock_system(),
		.random = random_system(),
		.metrics = server->metrics,
		.application = manifest->application,
		.components = components_list(server->components),
		.component_count = components_count(server->components),
		.lanes = server->executors,
		.lane_count = server->lane_count,
		.pool = pool_executor(server->pool),
		.external_accept_any = manifest->external_accept_any,
		.external_types = manifest->external_types.items,
		.external_type_count = manifest->external_types.count,
	};

	return runtime_new(&options, &server->runtime, err);
}

static enum status make_api(struct server *server, struct error *err)
{
	const struct serve_options *o = server->options;
	size_t count = server->manifest->hosts.count + o->host_count;
	struct span *hosts = arena_alloc_array(server->arena, count, sizeof(*hosts));

	if (hosts == NULL)
		return ERROR(err, ERR_NOMEM, "%zu host names", count);
	for (size_t i = 0; i < server->manifest->hosts.count; i++)
		hosts[i] = server->manifest->hosts.items[i];
	for (size_t i = 0; i < o->host_count; i++)
		hosts[server->manifest->hosts.count + i] = span_from_string(o->hosts[i]);
	const struct api_options options = {
		.runtime = server->runtime,
		.store = server->store,
		.metrics = server->metrics,
		.clock = clock_system(),
		.pool = pool_executor(server->readers),
		.application = server->manifest->application,
		.version = SPAN(CONCORDANCE_VERSION),
		.components = components_list(server->components),
		.component_count = components_count(server->components),
		.loops = server->loops,
		.lane_count = server->lane_count,
		.hosts = hosts,
		.host_count = count,
	};

	return api_new(&options, &server->api, err);
}

static bool turn_end(void *arg)
{
	struct serve_lane *lane = arg;

	return runtime_turn(lane->server->runtime, lane->index);
}

static enum status start_http(struct server *server, struct error *err)
{
	for (unsigned i = 0; i < server->lane_count; i++) {
		struct serve_lane *lane = &server->lanes[i];
		const struct http_server_options options = {
			.address = server->address.data,
			/* The first lane finds a free one when it is 0, the others share it. */
			.port = server->port,
			.handle = api_handle,
			.arg = api_lane(server->api, i),
			.metrics = server->metrics,
		};

		loop_on_turn_end(lane->loop, turn_end, lane);
		enum status s = http_server_start(lane->loop, &options, &lane->http, err);
		if (s != OK)
			return s;
		server->port = http_server_port(lane->http);
	}
	return OK;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void stop_loops(struct server *server)
{
	for (unsigned i = 0; i < server->lane_count; i++)
		loop_stop(server->lanes[i].loop);
}

/* On lane 0: requests whose clients are gone may still be under way. */
static void look_whether_settled(void *arg)
{
	struct server *server = arg;

	if (runtime_requests(server->runtime) == 0) {
		stop_loops(server);
		return;
	}
	if (++server->settle_looks > SETTLE_LOOKS_MAX) {
		log_event(LOG_ERROR, "shutdown_incomplete",
			  LOG_NUMBER("requests", runtime_requests(server->runtime)));
		_exit(EXIT_CODE_FAILED);
	}
	loop_timer_start(server->settle, SETTLE_MS);
}

static void on_all_drained(struct task *task)
{
	look_whether_settled(CONTAINER_OF(task, struct server, all_drained));
}

static void on_drained(void *arg)
{
	struct serve_lane *lane = arg;
	struct server *server = lane->server;

	if (atomic_fetch_sub(&server->draining, 1) != 1)
		return;
	server->all_drained.run = on_all_drained;
	executor_post(server->executors[0], &server->all_drained);
}

static void drain(struct task *task)
{
	struct serve_lane *lane = CONTAINER_OF(task, struct serve_lane, drain);

	http_server_drain(lane->http, DRAIN_MS, on_drained, lane);
}

static void on_signal(int signal_number, void *arg)
{
	struct server *server = arg;

	if (server->ending)
		_exit(128 + signal_number);
	server->ending = true;
	log_event(LOG_INFO, "shutdown_begins", LOG_NUMBER("signal", (uint64_t)signal_number),
		  LOG_NUMBER("requests", runtime_requests(server->runtime)));
	api_begin_shutdown(server->api);
	atomic_store(&server->draining, server->lane_count);
	for (unsigned i = 0; i < server->lane_count; i++) {
		server->lanes[i].drain.run = drain;
		executor_post(server->executors[i], &server->lanes[i].drain);
	}
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static void run_lane(void *arg)
{
	struct serve_lane *lane = arg;

	loop_run(lane->loop);
}

static enum status run_lanes(struct server *server, struct error *err)
{
	enum status s = loop_timer_new(server->loops[0], look_whether_settled, server,
				       &server->settle, err);
	if (s == OK)
		s = loop_on_signal(server->loops[0], SIGINT, on_signal, server, err);
	if (s == OK)
		s = loop_on_signal(server->loops[0], SIGTERM, on_signal, server, err);
	unsigned started = 0;
	while (s == OK && started < server->lane_count) {
		char name[16];

		(void)snprintf(name, sizeof(name), "lane-%u", started);
		s = thread_start(&server->lanes[started].thread, name, run_lane,
				 &server->lanes[started], err);
		if (s == OK)
			started++;
	}
	if (s != OK)
		stop_loops(server);
	else
		(void)printf(
			"%.*s listens on http://%s%.*s%s:%u (%s%s)\n",
			SPAN_ARG(server->manifest->application),
			memchr(server->address.data, ':', server->address.size) != NULL ? "[" : "",
			SPAN_ARG(server->address),
			memchr(server->address.data, ':', server->address.size) != NULL ? "]" : "",
			server->port, server->options->ephemeral ? "nothing is kept" : "data in ",
			server->options->ephemeral ? "" : server->data_directory);
	(void)fflush(stdout);
	for (unsigned i = 0; i < started; i++)
		thread_join(&server->lanes[i].thread);
	return s;
}

static enum status make(struct server *server, struct error *err)
{
	enum status s = read_manifest(server, err);
	if (s == OK)
		s = choose_address(server, err);
	if (s == OK)
		s = metrics_new(&server->metrics, err);
	if (s == OK)
		s = components_load(server->manifest, server->options->cache_directory,
				    server->metrics, &server->components, err);
	if (s == OK)
		s = open_store(server, err);
	if (s == OK)
		s = pool_new("background", POOL_THREADS, &server->pool, err);
	if (s == OK)
		s = pool_new("reader", READ_THREADS, &server->readers, err);
	if (s == OK)
		s = make_loops(server, err);
	if (s == OK)
		s = make_runtime(server, err);
	if (s == OK)
		s = make_api(server, err);
	if (s == OK)
		s = start_http(server, err);
	return s;
}

/* Takes a half-made server too. */
static void take_apart(struct server *server)
{
	/* The pools first: they may still be at work for requests of the HTTP servers. */
	pool_free(server->pool);
	pool_free(server->readers);
	for (unsigned i = 0; i < server->lane_count; i++)
		http_server_free(server->lanes[i].http);
	api_free(server->api);
	runtime_free(server->runtime);
	for (unsigned i = 0; i < server->lane_count; i++)
		loop_free(server->lanes[i].loop);
	store_close(server->store);
	components_free(server->components);
	metrics_free(server->metrics);
	arena_free(server->arena);
}

int serve_run(const struct serve_options *options)
{
	struct error err = { 0 };
	struct server *server = calloc(1, sizeof(*server));

	log_set_level(options->log_level);
	/* A client that hangs up is an error of its connection, not a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return fail("ignoring SIGPIPE", error_set_errno(&err, errno, "signal"), &err);
	if (server == NULL)
		return fail("", ERROR(&err, ERR_NOMEM, "no memory for the server"), &err);
	server->options = options;
	server->arena = arena_new(MANIFEST_ARENA_BYTES);
	enum status s = server->arena != NULL
				? make(server, &err)
				: ERROR(&err, ERR_NOMEM, "no memory for the manifest");
	if (s == OK)
		s = run_lanes(server, &err);
	take_apart(server);
	free(server);
	if (s != OK)
		return fail("", s, &err);
	log_event(LOG_INFO, "shutdown_done", LOG_NUMBER("pid", (uint64_t)getpid()));
	return EXIT_CODE_OK;
}
