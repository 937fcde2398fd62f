/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* banned.h - functions of libc that have no place here.
 *
 * The build puts this header in front of every file of src/, so using one of these names does not
 * compile. The headers that declare them come first, because a poisoned name may not even be
 * declared afterwards.
 *
 *	strcpy strcat sprintf vsprintf gets     no bounds: span.h, buf.h, snprintf
 *	strncpy strncat stpncpy                 no terminator, or a bound that is not the buffer's size
 *	strtok                                  hidden state, writes to its input: span_cut()
 *	atoi atol atoll atof                    no way to tell an error: span.h parses numbers
 *	scanf sscanf fscanf                     undefined on overflow
 *	gmtime localtime ctime asctime mktime   shared buffers, or the machine's time zone: model/timestamp.h
 *	rand srand random srandom drand48       predictable, and shared: base/random.h
 *	system popen tmpnam mktemp              a shell, or a name that another process may take
 *	setenv putenv                           not safe with threads
 *	alloca                                  no bounds on the stack */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf gets stpcpy
#pragma GCC poison strncpy strncat stpncpy strtok
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison scanf sscanf fscanf vscanf vsscanf vfscanf
#pragma GCC poison gmtime localtime ctime asctime mktime ctime_r asctime_r
#pragma GCC poison rand srand rand_r srandom drand48 lrand48 mrand48
#pragma GCC poison popen tmpnam tempnam mktemp putenv setenv unsetenv
#undef alloca
#pragma GCC poison alloca

#endif
