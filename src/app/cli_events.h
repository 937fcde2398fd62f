/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_CLI_EVENTS_H
#define APP_CLI_EVENTS_H

#include "app/cli.h"
#include "model/name.h"

/* cli_events.h - what `concordance events` was asked to do. */

struct events_arguments {
	struct stream_name stream; /* .category.data NULL: the whole log */
	struct span category;      /* .data NULL: any */
	const char *const *types;
	size_t type_count;
	bool has_after;
	uint64_t after;
	uint64_t limit; /* UINT64_MAX: none */
	bool backward;
	bool follow;
};

/* ERR_INVALID with what is wrong. */
enum status events_read(const struct arguments *arguments, struct events_arguments *ret,
			struct error *err) NODISCARD;

#endif
