/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_JSON_LAYOUT_H
#define APP_JSON_LAYOUT_H

#include <stdbool.h>

#include "base/buf.h"

/* json_layout.h - JSON text laid out anew for people; every value stays as it was written.
 *
 * Only white space between values changes, so numbers keep all their digits. Control characters and
 * what changes the direction of text are replaced by `?`, so that no stored text can steer the
 * terminal. Text that is no JSON gives some layout, never a failure. */

void json_layout_compact(struct buf *buf, struct span json); /* one line */
void json_layout_indented(struct buf *buf,
			  struct span json); /* two spaces a level, no newline at the end */

/* Other text: only made harmless, as above. Line breaks become spaces. */
void text_layout_harmless(struct buf *buf, struct span text);

/* The part of a UTF-8 text that fits into `columns`, one for each character. When something is cut,
 * *ret_cut is true, and the text has at most columns - 1 characters, so that a mark can follow. */
struct span text_layout_cut(struct span text, size_t columns, bool *ret_cut);
size_t text_layout_columns(struct span text);

#endif
