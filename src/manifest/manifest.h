/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MANIFEST_MANIFEST_H
#define MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "base/vfs.h"

/* manifest.h - what an application is made of: concordance.yaml, read, checked and explained.
 *
 * The result is plain values. Every span and array lives in the arena given to manifest_load(), and
 * every span is followed by a NUL that its size does not count, so that `.data` is a C string.
 *
 * All roles are read and checked, whatever a build can serve. Every mistake is found in one pass,
 * each with its place, what is wrong and what would be right; nothing of a manifest with a mistake
 * is handed out. What the manifest alone cannot tell (does the component's file exist, does anybody
 * emit this type) is not its business.
 *
 *	concordance: 1                     the version of this format
 *	application: bank                  a name as components have
 *	components:
 *	  - role: process_manager          aggregate | process_manager | projector | notifier | gateway
 *	    name: interbankxfer            unique over all roles
 *	    component: build/x.wasm        relative to the manifest's folder
 *	    limits: { ... }                over the defaults below
 *	    instances: fresh               | reused (projector, notifier, gateway) | unsafe_reused (the others)
 *	    interest: { start: [a], advance: [external/b], stop: [account/c] }   process_manager
 *	    interest: [a, external/b, account/c]                                 projector, notifier, gateway
 *	    key: wireTransferId            process_manager: a member, or a JSON pointer, of the event's data
 *	    from: end                      | beginning | POSITION: process_manager, notifier, gateway
 *	    on_failure: park               | fail: process_manager, what a command that failed does
 *	    on_change: rebuild             | continue: projector, what a changed component does
 *	    retry: { tries: 8, initial_ms: 200, max_ms: 60000 }                  all but aggregates
 *	    timeout_ms: 30000              notifier, gateway: one call, with what it waits for
 *	    capabilities:
 *	      config: { name: text }       any role; numbers and booleans are handed over as their text
 *	      http: { allow: [https://x.example.org/] }                          notifier, gateway
 *	      secrets: [{ url: https://x.example.org/, header: Authorization, env: X_TOKEN }]   the same;
 *	                                   or `file:`; the host adds the header to requests below the url
 *	      commands: [account]          gateway: aggregates that it may send to, or `any`
 *	      events: [wire_done]          gateway: external events that it may publish, or `any`
 *	limits: { memory_mib: 64, call_ms: 250, output_kib: 1024, log_lines: 100, log_line_bytes: 1024 }
 *	component_max_mib: 64              the largest component file
 *	external: { accept: interest }     | any: which external events are taken
 *	http: { listen: "127.0.0.1:8080", hosts: [bank.example.org] }
 *
 * No thread rules: values once made are only read. */

#define MANIFEST_MAX_BYTES      ((size_t)1 << 20)
#define MANIFEST_COMPONENTS_MAX 256
#define MANIFEST_PROBLEMS_MAX   100 /* kept; further ones are counted */

enum manifest_role {
	MANIFEST_AGGREGATE,
	MANIFEST_PROCESS_MANAGER,
	MANIFEST_PROJECTOR,
	MANIFEST_NOTIFIER,
	MANIFEST_GATEWAY,
};

/* "aggregate", "process_manager", ...: the words of the manifest. */
const char *manifest_role_word(enum manifest_role role);

/* One type that a component wants. */
struct manifest_interest {
	/* .data NULL: of any aggregate of this application; `external`; or an aggregate's name. */
	struct span category;
	struct span type; /* as written; types match in their snake-case form */
};

struct manifest_interests {
	const struct manifest_interest *items;
	size_t count;
};

struct manifest_spans {
	const struct span *items;
	size_t count;
};

/* Of one call. */
struct manifest_limits {
	uint64_t memory_bytes;   /* 1 MiB - 4 GiB */
	uint64_t call_ms;        /* CPU time: 1 - 600,000 */
	uint64_t output_bytes;   /* everything that it returns: 1 KiB - 64 MiB */
	uint64_t log_lines;      /* 0 - 100,000 */
	uint64_t log_line_bytes; /* longer lines are cut: 64 - 65,536 */
};

enum manifest_instances {
	MANIFEST_FRESH,  /* one for each call */
	MANIFEST_REUSED, /* reused, or unsafe_reused on a pure role: checked here */
};

struct manifest_retry {
	uint64_t tries;      /* 1 - 1,000, the first one included */
	uint64_t initial_ms; /* pause after the first failure, doubled after each */
	uint64_t max_ms;     /* >= initial_ms */
};

enum manifest_from { MANIFEST_FROM_END, MANIFEST_FROM_BEGINNING, MANIFEST_FROM_POSITION };

struct manifest_config {
	struct span name;
	struct span value;
};

/* A header that the host adds to requests, so that the component never sees it. */
struct manifest_secret {
	struct span url;    /* to requests that this allowed url covers */
	struct span header; /* its name */
	struct span env;    /* .data NULL, or the environment variable that holds the value */
	struct span file;   /* .data NULL, or the file that holds it, resolved like a component's */
};

struct manifest_capabilities {
	const struct manifest_config *config;
	size_t config_count;
	struct manifest_spans
		http_allow; /* urls; a request must begin with one, at a path's boundary */
	const struct manifest_secret *secrets;
	size_t secret_count;
	bool commands_any;
	struct manifest_spans commands; /* aggregates of this manifest */
	bool events_any;
	struct manifest_spans events; /* types */
};

struct manifest_component {
	enum manifest_role role;
	struct span name;
	struct span file; /* as written */
	struct span path; /* resolved against the manifest's folder: open this */
	uint32_t line;    /* of `component:`, for messages about the file */
	uint32_t column;
	struct manifest_limits limits; /* the defaults already applied */
	enum manifest_instances instances;
	struct manifest_capabilities capabilities;

	/* A projector's, notifier's and gateway's interest, and all of a process manager's. */
	struct manifest_interests interest;
	struct manifest_interests start; /* process managers: the three parts */
	struct manifest_interests advance;
	struct manifest_interests stop;
	struct span key;             /* process managers: .data NULL: the event's own key */
	bool fail_on_failure;        /* process managers: on_failure: fail */
	bool continue_on_change;     /* projectors: on_change: continue */
	enum manifest_from from;     /* process managers, notifiers, gateways */
	uint64_t from_position;      /* with MANIFEST_FROM_POSITION */
	struct manifest_retry retry; /* not for aggregates */
	uint64_t timeout_ms;         /* notifiers, gateways */
};

struct manifest {
	struct span application;
	struct span path;                            /* as given to manifest_load() */
	const struct manifest_component *components; /* in the order of the file; at least one */
	size_t component_count;
	struct manifest_limits limits; /* defaults */
	uint64_t component_max_bytes;

	bool external_accept_any;
	/* The external types that some component has an interest in, each once. */
	struct manifest_spans external_types;

	struct span listen; /* "address:port", checked; .data NULL when not given */
	struct manifest_spans
		hosts; /* names besides loopback ones that clients may call the server by */
};

/* One mistake. Lines and columns count from 1; 0 when there is no place (an empty file). */
struct manifest_problem {
	uint32_t line;
	uint32_t column;     /* in characters */
	struct span message; /* one line: what is wrong, and what would be right */
};

/* In the order of the file. Lives in the arena of manifest_load(). */
struct manifest_problems {
	const struct manifest_problem *items;
	size_t count;
	size_t dropped; /* found beyond MANIFEST_PROBLEMS_MAX */
};

/* Reads and checks. `arena` takes all results; 32 MiB is enough for the largest manifest.
 * *ret_problems is written on OK (none) and on ERR_INVALID; it may be NULL.
 *
 * ERR_INVALID    there are mistakes: all in *ret_problems; the message tells the first and how many more
 * ERR_NOT_FOUND  no such file
 * ERR_LIMIT      larger than MANIFEST_MAX_BYTES
 * ERR_DENIED, ERR_IO, ERR_NOMEM */
enum status manifest_load(const char *path, struct vfs *vfs, struct arena *arena,
			  struct manifest **ret, struct manifest_problems *ret_problems,
			  struct error *err) NODISCARD;

/* The same for a text in memory, which is borrowed for the call; `path` is for messages and for
 * resolving the components' files. */
enum status manifest_parse(struct span text, const char *path, struct arena *arena,
			   struct manifest **ret, struct manifest_problems *ret_problems,
			   struct error *err) NODISCARD;

/* "concordance.yaml:12:5: unknown member 'intrest': did you mean 'interest'?" without a newline. */
void manifest_problem_append(struct buf *buf, const char *path,
			     const struct manifest_problem *problem);

/* Splits "127.0.0.1:8080" or "[::1]:8080" into a numeric address without brackets and a port; a port
 * of 0 means any free one. ERR_INVALID, ERR_NOMEM. */
enum status manifest_listen_parse(struct span text, struct arena *arena, struct span *ret_address,
				  uint16_t *ret_port, struct error *err) NODISCARD;

#endif
