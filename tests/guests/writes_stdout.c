/* SPDX-License-Identifier: Apache-2.0 */
/* writes_stdout.c - a line to stdout and one to stderr. They belong into the log, not onto the host's own streams. */
#include "guest.h"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

IMPORT("wasi:cli/stdout@0.2.0", "get-stdout") int32_t get_stdout(void);
IMPORT("wasi:cli/stderr@0.2.0", "get-stderr") int32_t get_stderr(void);
IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void stream_write(int32_t stream, const char *data, size_t size, void *ret);
IMPORT("wasi:io/streams@0.2.0", "[resource-drop]output-stream") void stream_drop(int32_t stream);

static void say(int32_t stream, const char *line)
{
	uint32_t ignored[4];

	stream_write(stream, line, strlen(line), ignored);
	stream_drop(stream);
}

HANDLE
{
	UNUSED_HANDLE;
	say(get_stdout(), "a line on stdout\n");
	say(get_stderr(), "a line on stderr\n");
	return accept(ret, text("done"), text("{}"));
}
