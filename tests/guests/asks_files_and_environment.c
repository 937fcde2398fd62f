/* SPDX-License-Identifier: Apache-2.0 */
/* asks_files_and_environment.c - looks for directories, variables, arguments and a working directory. The event says
 * how many there are, `[directories, variables, arguments, working directory]`: each must be 0. */
#include "guest.h"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

struct list {
	void *data;
	size_t count;
};

struct option_text {
	uint8_t is_some;
	abi_string_t value;
};

IMPORT("wasi:filesystem/preopens@0.2.0", "get-directories") void get_directories(struct list *ret);
IMPORT("wasi:cli/environment@0.2.0", "get-environment") void get_environment(struct list *ret);
IMPORT("wasi:cli/environment@0.2.0", "get-arguments") void get_arguments(struct list *ret);
IMPORT("wasi:cli/environment@0.2.0", "initial-cwd") void initial_cwd(struct option_text *ret);

HANDLE
{
	struct list directories, variables, arguments;
	struct option_text cwd;

	UNUSED_HANDLE;
	get_directories(&directories);
	get_environment(&variables);
	get_arguments(&arguments);
	initial_cwd(&cwd);
	abi_string_t counts = text_join(text("["), text_number(directories.count));
	counts = text_join(text_join(counts, text(",")), text_number(variables.count));
	counts = text_join(text_join(counts, text(",")), text_number(arguments.count));
	counts = text_join(text_join(counts, text(",")), text_number(cwd.is_some));
	return accept(ret, text("found"), text_join(counts, text("]")));
}
