/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/alloc_fault.h"

#include <stddef.h>

static _Thread_local struct {
	uint64_t nth; /* to fail, from 1 */
	enum alloc_fault_kind kind;
	uint64_t seen;
	uint64_t failed;   /* since begin */
	uint64_t failures; /* since the sweep began */
	bool is_on;
} fault;

/* The linker's names: what `malloc` means in the program, and the one that really is. */
void *__wrap_malloc(size_t size);                /* NOLINT(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);                /* NOLINT(bugprone-reserved-identifier) */
void *__wrap_calloc(size_t count, size_t size);  /* NOLINT(bugprone-reserved-identifier) */
void *__real_calloc(size_t count, size_t size);  /* NOLINT(bugprone-reserved-identifier) */
void *__wrap_realloc(void *memory, size_t size); /* NOLINT(bugprone-reserved-identifier) */
void *__real_realloc(void *memory, size_t size); /* NOLINT(bugprone-reserved-identifier) */
char *__wrap_strdup(const char *text);           /* NOLINT(bugprone-reserved-identifier) */
char *__real_strdup(const char *text);           /* NOLINT(bugprone-reserved-identifier) */

bool alloc_fault_sweeps(uint64_t nth, enum alloc_fault_kind kind)
{
	if (nth == 1)
		fault.failures = 0;
	else if (fault.failed == 0)
		return false;
	fault.nth = nth;
	fault.kind = kind;
	fault.failed = 0;
	return true;
}

void alloc_fault_begin(void)
{
	fault.seen = 0;
	fault.failed = 0;
	fault.is_on = true;
}

bool alloc_fault_end(void)
{
	fault.is_on = false;
	return fault.failed != 0;
}

uint64_t alloc_fault_count(void)
{
	return fault.failures;
}

static bool fails(void)
{
	if (!fault.is_on)
		return false;
	fault.seen++;
	if (fault.kind == ALLOC_FAULT_ONE ? fault.seen != fault.nth : fault.seen < fault.nth)
		return false;
	fault.failed++;
	fault.failures++;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}
