/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_CLI_STATE_H
#define APP_CLI_STATE_H

#include "app/cli.h"
#include "model/name.h"

/* cli_state.h - what `concordance state` was asked to do. */

struct state_arguments {
	struct stream_name stream;
	uint64_t version; /* 0: not asked for */
	struct span time; /* RFC 3339; .data NULL: not asked for */
};

/* ERR_INVALID with what is wrong. */
enum status state_read(const struct arguments *arguments, struct state_arguments *ret,
		       struct error *err) NODISCARD;

#endif
