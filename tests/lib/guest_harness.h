/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_GUEST_HARNESS_H
#define LIB_GUEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/host.h"

/* guest_harness.h - a host with a cache folder of its own, and calls of the odd guests in tests/guests
 * as the runtime makes them.
 *
 * A program that uses it begins its main() with GUEST_HARNESS_MAIN(argc, argv): the host compiles in
 * a process of its own, and that is this program again. */
#define GUEST_HARNESS_MAIN(argc, argv)                                          \
	do {                                                                    \
		if ((argc) > 1 && strcmp((argv)[1], HOST_COMPILE_COMMAND) == 0) \
			return host_compile_main((argc), (argv));               \
	} while (0)

#define HARNESS_LINES_MAX      256
#define HARNESS_LINE_MAX_BYTES 2048
#define HARNESS_TIME_US        UINT64_C(1700000000123456)

/* What one decision came to, and what the guest logged meanwhile. */
struct guest_outcome {
	enum status open; /* each OK, or the first that is not; later ones are then not reached */
	enum status handle;
	enum status apply; /* OK also when there was nothing to fold */
	struct error err;
	struct component_decision decision;
	struct span state; /* .data NULL: nothing was folded */
	struct arena *arena;
	uint64_t handle_us;

	size_t line_count; /* also beyond HARNESS_LINES_MAX */
	struct {
		enum component_log_level level;
		char context[128];
		char message[HARNESS_LINE_MAX_BYTES];
		size_t message_size;
	} lines[HARNESS_LINES_MAX];
};

/* The path of a guest, valid until the thread has asked for eight more. */
const char *guest_path(const char *name);
const char *guest_bank_path(void);

/* A folder that nobody else has, removed by harness_folder_remove(). */
char *harness_folder_new(void);
void harness_folder_remove(char *path);

/* A host whose cache is `folder`. Fails the test. */
struct host *harness_host_new(const char *folder);

/* At the head of a test that calls the host without the functions below: cmocka has put its own
 * handlers of signals over wasmtime's. */
void harness_restore_signals(void);

/* An aggregate with default limits, called as the guest. */
struct host_component harness_spec(const char *name, const char *path);

/* Loads a guest that must load. */
struct component *harness_load(struct host *host, const char *name);

/* Loads a guest that must be refused with this status and a message that has all of these texts in
 * it (NULL ends the list). */
#define harness_expect_refused(host, spec, status, ...)   \
	harness_expect_refused_((host), (spec), (status), \
				(const char *const[]){ __VA_ARGS__, NULL })
void harness_expect_refused_(struct host *host, const struct host_component *spec,
			     enum status status, const char *const *texts);

/* Handle, and apply when there are events. The outcome is freed by the caller. */
struct guest_outcome *harness_decide(struct component *component, const char *state,
				     const char *type, const char *data, const char *seed);
void guest_outcome_free(struct guest_outcome *outcome);
DEFINE_OWNED(guest_outcome, guest_outcome_free);

/* Both print what there is. */
void harness_expect_text(const char *what, struct span found, const char *expected);
void harness_expect_in(const char *text, const char *part);

#endif
