/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_ANALYZER_H
#define TOOLS_ANALYZER_H

/* analyzer.h - what clang's analyzer is told when `tools/lint tidy` runs it.
 *
 * It looks at one file at a time, so it does not know that the calls below return the status they
 * are given, takes "failed" for "maybe OK", and reports every out-parameter as unwritten after an
 * error that was returned. Not used for base/error.c, which defines them. */

#include "base/error.h"

#undef ERROR
#define ERROR(err, status, ...)      ((void)error_set((err), (status), __VA_ARGS__), (status))
#define error_set(err, status, ...)  ((void)error_set((err), (status), __VA_ARGS__), (status))
#define error_wrap(err, status, ...) ((void)error_wrap((err), (status), __VA_ARGS__), (status))
#define error_set_errno(err, number, ...) \
	((void)error_set_errno((err), (number), __VA_ARGS__), ERR_IO)

#endif
