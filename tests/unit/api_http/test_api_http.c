/* SPDX-License-Identifier: Apache-2.0 */
/* test_api_http.c - the HTTP API's tests: one program, one group a file. */
#include "fixture.h"

int main(void)
{
	int failures = 0;

	failures += test_edge();
	failures += test_health();
	failures += test_commands();
	failures += test_states();
	failures += test_appends();
	failures += test_externals();
	failures += test_lists();
	failures += test_follow();
	failures += test_leaving();
	return failures == 0 ? 0 : 1;
}
