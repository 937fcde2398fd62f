/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/metrics.h"
#include "component/component.h"

/* host.h - runs WebAssembly components behind component.h, by wasmtime.
 *
 * A host is one engine: its settings, a pool of instances, a thread that counts milliseconds while
 * calls run, and a folder of compiled code. A component is loaded once, checked against its role's
 * contract (wit/), and then opened for each call. Fresh instances are the rule.
 *
 * What a component gets: the functions of its role, wasi:logging, wasi:config, and a WASI 0.2 with
 * nothing behind it: no files, no network, no environment; the clock stands at the call's time,
 * random bytes follow from the call's seed, waiting ends at once, output goes to the log.
 *
 * Components are hostile. Compiling happens in a process of its own with limits on time and
 * memory; compiled code is only taken from a private folder and checked before it is loaded; memory,
 * tables, instances, stack and time of a call are limited; everything that is returned is checked
 * for kind, count and size here, and for content in component.c.
 *
 * Threads: all functions may be called from any thread whose stack is at least HOST_STACK_MIN_BYTES
 * (thread.h's are); one instance by one thread at a time. The signals SIGSEGV, SIGILL, SIGFPE and
 * SIGBUS must not be blocked in such threads: traps are made of them. */

#define HOST_STACK_MIN_BYTES ((size_t)4 << 20)

struct host;

struct host_options {
	/* Where compiled code is kept. NULL: $XDG_CACHE_HOME/concordance, or ~/.cache/concordance. It is
	 * made with mode 0700. A folder that is another user's, or open to others, is not used: a
	 * warning is logged and every start compiles. */
	const char *cache_directory;
	bool no_cache;
	/* Instances at one time, over all components. Each takes up to 256 KiB while it is idle in the
	 * pool, and address space. 0: 64. */
	uint32_t instances_max;
	uint64_t component_max_bytes; /* of a component's file; 0: 64 MiB */
	uint64_t compile_ms;          /* for compiling one component; 0: 300,000 */
	uint64_t compile_max_bytes;   /* address space of that process; 0: 4 GiB */
	/* The program that compiles: run as `PROGRAM compile-component IN OUT SECONDS BYTES`, which must
	 * end in host_compile_main(). NULL: this program (/proc/self/exe). */
	const char *compiler;
	/* Outlives the host and its components; NULL: nothing is counted. */
	struct metrics *metrics;
};

/* ERR_NOMEM, ERR_IO. */
enum status host_new(const struct host_options *options, struct host **ret,
		     struct error *err) NODISCARD;

/* All components must have been freed. Takes NULL. */
void host_free(struct host *host);
DEFINE_OWNED(host, host_free);

struct host_config {
	struct span name;
	struct span value;
};

/* Capabilities of the manifest, each of which allows one import. */
enum host_grant {
	GRANT_HTTP = 1,     /* concordance:app/http */
	GRANT_COMMANDS = 2, /* concordance:app/commands */
	GRANT_EVENTS = 4,   /* concordance:app/external-events */
};

/* One entry of the manifest. Borrowed for the call. */
struct host_component {
	const char *name;
	enum component_role role;
	const char *path;
	struct component_limits limits;
	bool reused; /* instances serve many calls; for pure roles the caller has seen to it that this was
			  * asked for as unsafe */
	unsigned grants;                  /* of enum host_grant */
	const struct host_config *config; /* what wasi:config answers: fixed values */
	size_t config_count;
};

/* Loads, compiles if need be, checks, and opens one instance as a trial. Waits for the
 * compiler: nothing for a lane. The message says what is missing or different and what would be
 * right, with the component's name in front.
 *
 * ERR_INVALID      no component, not this role's contract, an import that is not granted, broken code
 * ERR_NOT_FOUND    no such file
 * ERR_LIMIT        the file, compiling it, or an instance of it is larger than allowed
 * ERR_DEADLINE     compiling, or opening, took too long
 * ERR_UNSUPPORTED  sound, but this build does not run the role yet
 * ERR_DENIED, ERR_IO, ERR_NOMEM */
enum status host_load(struct host *host, const struct host_component *spec, struct component **ret,
		      struct error *err) NODISCARD;

/* ---- looking without running ------------------------------------------------------------------ */

/* One import or export, or a function inside of one. All spans are borrowed for the call. */
struct host_item {
	bool exported;
	struct span name;      /* "wasi:logging/logging@0.1.0-draft" */
	struct span function;  /* empty: the item itself */
	struct span signature; /* of a function: "(level: enum{...}, context: string)" */
};
typedef void (*host_item_fn)(const struct host_item *item, void *arg);

struct host_inspection {
	struct sha256 digest;
	uint64_t size_bytes;
	unsigned roles; /* bit n: plays enum component_role n; its exports have the right types */
};

/* Tells what a component imports and exports. Compiles it if need be, runs nothing. Errors as
 * host_load(). */
enum status host_inspect(struct host *host, const char *path, host_item_fn each, void *arg,
			 struct host_inspection *ret, struct error *err) NODISCARD;

/* ---- the compiling process -------------------------------------------------------------------- */

/* The body of `PROGRAM compile-component IN OUT SECONDS BYTES`: compiles file IN into file OUT under
 * these limits. Answers the process' exit code; an error's text goes to standard error. `argv[0]` is
 * the program, argv[1] the subcommand. */
int host_compile_main(int argc, char **argv);

#define HOST_COMPILE_COMMAND "compile-component"

#endif
