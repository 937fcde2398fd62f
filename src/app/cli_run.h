/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_CLI_RUN_H
#define APP_CLI_RUN_H

#include "app/cli.h"
#include "app/serve.h"

/* cli_run.h - what `concordance run` was asked to do. */

/* Fills the options; texts and the list of hosts are borrowed from `arguments`. ERR_INVALID with
 * what is wrong. */
enum status run_read(const struct arguments *arguments, struct serve_options *ret,
		     struct error *err) NODISCARD;

#endif
