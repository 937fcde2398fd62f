/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - words for the closed list of statuses. */
#include "base/status.h"

const char *status_word(enum status status)
{
	switch (status) {
#define X(name, word, meaning) \
	case name:             \
		return word;
		STATUS_TABLE(X)
#undef X
	}
	return "unknown";
}

const char *status_meaning(enum status status)
{
	switch (status) {
#define X(name, word, meaning) \
	case name:             \
		return meaning;
		STATUS_TABLE(X)
#undef X
	}
	return "a status outside the table";
}
