/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* banned.h - functions of libc that have no place here.
 *
 * The build puts this header in front of every file of src/, so a call of one of them does not
 * compile: the message names banned_strcpy, and this page says why. The headers that declare them
 * come first. They are macros with arguments, since foreign headers have parameters of these names
 * (a poisoned `rand` stops OpenSSL's). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* No bounds: span.h, buf.h, snprintf(). */
#undef strcpy
#undef strcat
#undef stpcpy
#undef sprintf
#undef vsprintf
#undef alloca
#define strcpy(...)   banned_strcpy
#define strcat(...)   banned_strcat
#define stpcpy(...)   banned_stpcpy
#define sprintf(...)  banned_sprintf
#define vsprintf(...) banned_vsprintf
#define gets(...)     banned_gets
#define alloca(...)   banned_alloca

/* No terminator, or a bound that is not the buffer's size. */
#undef strncpy
#undef strncat
#undef stpncpy
#define strncpy(...) banned_strncpy
#define strncat(...) banned_strncat
#define stpncpy(...) banned_stpncpy

/* Hidden state, and writes to its input. */
#undef strtok
#define strtok(...) banned_strtok

/* An error cannot be told from 0, or overflow is undefined: span.h reads numbers. */
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef sscanf
#define atoi(...)   banned_atoi
#define atol(...)   banned_atol
#define atoll(...)  banned_atoll
#define atof(...)   banned_atof
#define scanf(...)  banned_scanf
#define sscanf(...) banned_sscanf
#define fscanf(...) banned_fscanf

/* Shared buffers, or the machine's time zone: model/timestamp.h. */
#define gmtime(...)    banned_gmtime
#define localtime(...) banned_localtime
#define ctime(...)     banned_ctime
#define ctime_r(...)   banned_ctime_r
#define asctime(...)   banned_asctime
#define asctime_r(...) banned_asctime_r
#define mktime(...)    banned_mktime

/* Predictable, and shared by all threads: base/random.h. */
#define rand(...)    banned_rand
#define rand_r(...)  banned_rand_r
#define srand(...)   banned_srand
#define random(...)  banned_random
#define srandom(...) banned_srandom
#define drand48(...) banned_drand48

/* A shell, a name that another process may take first, and what is not safe with threads. */
#define system(...)   banned_system
#define popen(...)    banned_popen
#define tmpnam(...)   banned_tmpnam
#define mktemp(...)   banned_mktemp
#define setenv(...)   banned_setenv
#define unsetenv(...) banned_unsetenv
#define putenv(...)   banned_putenv

#endif
