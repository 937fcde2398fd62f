/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* name.h - the names of things, and what they may be made of.
 *
 *	component, category   [a-z][a-z0-9_]{0,62}; `external` is reserved for external events
 *	type                  [A-Za-z][A-Za-z0-9_.-]{0,127}
 *	key                   1-256 bytes of UTF-8 without control characters, kept byte for byte
 *	command id            1-128 bytes of printable ASCII without space; a leading `$` is the runtime's
 *	rejection code        [a-z][a-z0-9_]{0,63}
 *
 * A check that fails says which rule, e.g. "a key has at most 256 bytes, not 300". */

#define NAME_MAX_BYTES        63
#define TYPE_MAX_BYTES        128
#define KEY_MAX_BYTES         256
#define COMMAND_ID_MAX_BYTES  128
#define CODE_MAX_BYTES        64
#define STREAM_NAME_MAX_BYTES (NAME_MAX_BYTES + 1 + KEY_MAX_BYTES)

#define CATEGORY_EXTERNAL "external"

enum status name_check_component(struct span name,
				 struct error *err) NODISCARD; /* not reserved ones */
enum status name_check_category(struct span name,
				struct error *err) NODISCARD; /* `external` passes */
enum status name_check_type(struct span type, struct error *err) NODISCARD;
enum status name_check_key(struct span key, struct error *err) NODISCARD;
enum status name_check_command_id(struct span id, struct error *err) NODISCARD; /* `$` passes */
enum status name_check_code(struct span code, struct error *err) NODISCARD;

/* Types are compared in their snake-case form: `_` before every ASCII capital but the first, then
 * lower case. AccountCreated and account_created are one type. */
bool type_matches(struct span a, struct span b);
void type_append_snake_case(struct buf *buf, struct span type);

/* A stream: everything of one instance. Its text form is `category/key`; the first `/` divides. */
struct stream_name {
	struct span category;
	struct span key;
};

bool stream_name_equal(struct stream_name a, struct stream_name b);
void stream_name_append(struct buf *buf, struct stream_name name);
/* Both parts are checked. They borrow from `text`. */
enum status stream_name_parse(struct span text, struct stream_name *ret,
			      struct error *err) NODISCARD;

#endif
