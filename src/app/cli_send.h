/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_CLI_SEND_H
#define APP_CLI_SEND_H

#include "app/cli.h"
#include "model/name.h"

/* cli_send.h - what `concordance send` was asked to do. */

struct send_arguments {
	struct stream_name stream;
	struct span type;
	struct span data;           /* JSON; .data NULL: to be read from standard input */
	struct span id;             /* .data NULL: make one */
	struct span correlation_id; /* .data NULL: none */
	bool has_expected_version;
	uint64_t expected_version;
	bool want_state;
};

/* Checks names, numbers and, when it is on the command line, the data. Borrows from `arguments`.
 * ERR_INVALID with what is wrong. */
enum status send_read(const struct arguments *arguments, struct send_arguments *ret,
		      struct error *err) NODISCARD;

#endif
