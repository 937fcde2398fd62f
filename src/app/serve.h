/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_SERVE_H
#define APP_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/span.h"

/* serve.h - the server: the manifest's components on a store, behind the HTTP API.
 *
 * The only place that puts concrete engines together. The command line fills the options; what was
 * not said there is decided by the manifest, then by the defaults. */

struct serve_options {
	const char *manifest_path; /* never NULL */
	/* Where events are kept; NULL: the folder `data` beside the manifest. Made when it is not there.
	 * Unused when ephemeral. */
	const char *data_directory;
	/* "address:port", not checked yet; NULL: the manifest's http.listen, else 127.0.0.1:8080. */
	const char *listen;
	bool ephemeral; /* nothing is written: events live as long as the process */
	bool insecure;  /* may listen on other than loopback addresses, without token or TLS */
	unsigned lanes; /* event-loop threads; 0: one for each core */
	enum log_level log_level;
	/* Compiled components; NULL: the user's cache directory. */
	const char *cache_directory;
	/* Names that clients may call the server by, besides loopback ones and the manifest's. */
	const char *const *hosts;
	size_t host_count;
};

/* Serves until SIGINT or SIGTERM, then finishes what was accepted. Tells what is wrong on standard
 * error. Answers the process' exit code, one of app/exit_code.h. */
int serve_run(const struct serve_options *options);

#endif
