/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - where the program begins. */
#include <string.h>

#include "app/cli.h"
#include "host/host.h"

int main(int argc, char **argv)
{
	struct cli cli = { .in = stdin };

	/* Not for people: the host starts this program again to compile a component within limits of
	 * its own. Nothing else may have happened in the process by then. */
	if (argc > 1 && strcmp(argv[1], HOST_COMPILE_COMMAND) == 0)
		return host_compile_main(argc, argv);
	output_init(&cli.output);
	return cli_main(&cli, argc, argv);
}
