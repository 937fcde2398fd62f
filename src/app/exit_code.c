/* SPDX-License-Identifier: Apache-2.0 */
/* exit_code.c - from what happened to what the process ends with. */
#include "app/exit_code.h"

enum exit_code exit_code_of(enum status status)
{
	switch (status) {
	case OK:
		return EXIT_CODE_OK;
	case ERR_REJECTED:
		return EXIT_CODE_REJECTED;
	case ERR_CONFLICT:
		return EXIT_CODE_CONFLICT;
	case ERR_NOT_FOUND:
		return EXIT_CODE_NOT_FOUND;
	case ERR_BUSY:
	case ERR_CLOSED:
		return EXIT_CODE_UNAVAILABLE;
	case ERR_CORRUPT:
		return EXIT_CODE_DAMAGED;
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_UNSUPPORTED:
		return EXIT_CODE_INVALID;
	case ERR_NOMEM:
	case ERR_EXISTS:
	case ERR_TRAP:
	case ERR_DEADLINE:
	case ERR_FULL:
	case ERR_IO:
	case ERR_DENIED:
		return EXIT_CODE_FAILED;
	}
	return EXIT_CODE_FAILED;
}

enum exit_code exit_code_of_http(unsigned http_status, bool rejected)
{
	if (http_status >= 200 && http_status <= 299)
		return EXIT_CODE_OK;
	if (rejected)
		return EXIT_CODE_REJECTED;
	switch (http_status) {
	case 404:
		return EXIT_CODE_NOT_FOUND;
	case 409:
		return EXIT_CODE_CONFLICT;
	case 429:
	case 502:
	case 503:
	case 504:
		return EXIT_CODE_UNAVAILABLE;
	default:
		return http_status >= 400 && http_status <= 499 ? EXIT_CODE_INVALID
								: EXIT_CODE_FAILED;
	}
}
