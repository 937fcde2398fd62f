/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>

#include "base/span.h"

/* utf8.h - is it UTF-8? By RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * wasmtime aborts the process when it is handed anything else, so every string that comes from
 * outside passes here once, at the edge. */

bool utf8_is_valid(struct span s);

/* Where the first byte stands that breaks it; s.size when none does. */
size_t utf8_valid_prefix(struct span s);

/* True when there is no control character: U+0000-U+001F, U+007F, U+0080-U+009F. Expects valid UTF-8. */
bool utf8_has_no_control(struct span s);

#endif
