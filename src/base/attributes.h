/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ATTRIBUTES_H
#define BASE_ATTRIBUTES_H

#include <stddef.h>

/* attributes.h - what the compiler is told about functions and locals.
 *
 * OWNED(type) marks a local that owns: `type_cleanup` runs when its scope ends. TAKE(p) hands the
 * value on and leaves NULL behind, so that the cleanup has nothing to do. */

#define NODISCARD                __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN                 __attribute__((noreturn))
#define UNUSED                   __attribute__((unused))
#define LIKELY(x)                __builtin_expect(!!(x), 1)
#define UNLIKELY(x)              __builtin_expect(!!(x), 0)

#define OWNED(type) __attribute__((cleanup(type##_cleanup)))

/* Defines `type_cleanup` for OWNED(type) from the type's destructor, which takes NULL. */
#define DEFINE_OWNED(type, destructor)                     \
	static inline void type##_cleanup(struct type **p) \
	{                                                  \
		if (*p != NULL)                            \
			destructor(*p);                    \
	}                                                  \
	struct type /* swallows the semicolon */

#define TAKE(p)                            \
	__extension__({                    \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member`, from a pointer to the member. */
#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer) - __builtin_offsetof(type, member)))

#endif
