/* SPDX-License-Identifier: Apache-2.0 */
/* test_http.c - the http module's tests: one program, one group a file. */
#include "harness.h"

int main(void)
{
	int failures = 0;

	failures += test_path();
	failures += test_parser();
	failures += test_loop();
	failures += test_server();
	failures += test_limits();
	failures += test_leaving();
	failures += test_stream();
	return failures == 0 ? 0 : 1;
}
