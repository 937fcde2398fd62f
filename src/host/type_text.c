/* SPDX-License-Identifier: Apache-2.0 */
/* type_text.c - writes types of the component model as text, much as WIT does but without names of
 * types, so that two types are the same exactly when their texts are.
 *
 * A type that refers to another twice at each of many levels has a text that doubles with each level:
 * the buf's maximum ends that, and depth is bounded. */
#include "host/internal.h"

#define DEPTH_MAX 32

static void append_type(struct buf *buf, const wasmtime_component_valtype_t *type, unsigned depth);

/* Appends and releases what a getter has handed out. */
static void append_owned(struct buf *buf, wasmtime_component_valtype_t *type, unsigned depth)
{
	append_type(buf, type, depth);
	wasmtime_component_valtype_delete(type);
}

static void append_record(struct buf *buf, const wasmtime_component_record_type_t *record,
			  unsigned depth)
{
	size_t count = wasmtime_component_record_type_field_count(record);
	wasmtime_component_valtype_t type;
	const char *name;
	size_t size;

	buf_append_string(buf, "record{");
	for (size_t i = 0; i < count && buf_status(buf) == OK; i++) {
		if (!wasmtime_component_record_type_field_nth(record, i, &name, &size, &type))
			break;
		buf_append_string(buf, i == 0 ? "" : ", ");
		buf_append(buf, name, size);
		buf_append_string(buf, ": ");
		append_owned(buf, &type, depth);
	}
	buf_append_byte(buf, '}');
}

static void append_tuple(struct buf *buf, const wasmtime_component_tuple_type_t *tuple,
			 unsigned depth)
{
	size_t count = wasmtime_component_tuple_type_types_count(tuple);
	wasmtime_component_valtype_t type;

	buf_append_string(buf, "tuple<");
	for (size_t i = 0; i < count && buf_status(buf) == OK; i++) {
		if (!wasmtime_component_tuple_type_types_nth(tuple, i, &type))
			break;
		buf_append_string(buf, i == 0 ? "" : ", ");
		append_owned(buf, &type, depth);
	}
	buf_append_byte(buf, '>');
}

static void append_variant(struct buf *buf, const wasmtime_component_variant_type_t *variant,
			   unsigned depth)
{
	size_t count = wasmtime_component_variant_type_case_count(variant);
	wasmtime_component_valtype_t type;
	const char *name;
	size_t size;
	bool has_payload;

	buf_append_string(buf, "variant{");
	for (size_t i = 0; i < count && buf_status(buf) == OK; i++) {
		if (!wasmtime_component_variant_type_case_nth(variant, i, &name, &size,
							      &has_payload, &type))
			break;
		buf_append_string(buf, i == 0 ? "" : ", ");
		buf_append(buf, name, size);
		if (has_payload) {
			buf_append_byte(buf, '(');
			append_owned(buf, &type, depth);
			buf_append_byte(buf, ')');
		}
	}
	buf_append_byte(buf, '}');
}

static void append_enum(struct buf *buf, const wasmtime_component_enum_type_t *type)
{
	size_t count = wasmtime_component_enum_type_names_count(type);
	const char *name;
	size_t size;

	buf_append_string(buf, "enum{");
	for (size_t i = 0; i < count && buf_status(buf) == OK; i++) {
		if (!wasmtime_component_enum_type_names_nth(type, i, &name, &size))
			break;
		buf_append_string(buf, i == 0 ? "" : ", ");
		buf_append(buf, name, size);
	}
	buf_append_byte(buf, '}');
}

static void append_flags(struct buf *buf, const wasmtime_component_flags_type_t *type)
{
	size_t count = wasmtime_component_flags_type_names_count(type);
	const char *name;
	size_t size;

	buf_append_string(buf, "flags{");
	for (size_t i = 0; i < count && buf_status(buf) == OK; i++) {
		if (!wasmtime_component_flags_type_names_nth(type, i, &name, &size))
			break;
		buf_append_string(buf, i == 0 ? "" : ", ");
		buf_append(buf, name, size);
	}
	buf_append_byte(buf, '}');
}

static void append_result(struct buf *buf, const wasmtime_component_result_type_t *result,
			  unsigned depth)
{
	wasmtime_component_valtype_t type;

	buf_append_string(buf, "result<");
	if (wasmtime_component_result_type_ok(result, &type))
		append_owned(buf, &type, depth);
	else
		buf_append_byte(buf, '_');
	buf_append_string(buf, ", ");
	if (wasmtime_component_result_type_err(result, &type))
		append_owned(buf, &type, depth);
	else
		buf_append_byte(buf, '_');
	buf_append_byte(buf, '>');
}

static void append_list(struct buf *buf, const wasmtime_component_list_type_t *list, unsigned depth)
{
	wasmtime_component_valtype_t type;

	wasmtime_component_list_type_element(list, &type);
	buf_append_string(buf, "list<");
	append_owned(buf, &type, depth);
	buf_append_byte(buf, '>');
}

static void append_option(struct buf *buf, const wasmtime_component_option_type_t *option,
			  unsigned depth)
{
	wasmtime_component_valtype_t type;

	wasmtime_component_option_type_ty(option, &type);
	buf_append_string(buf, "option<");
	append_owned(buf, &type, depth);
	buf_append_byte(buf, '>');
}

static void append_type(struct buf *buf, const wasmtime_component_valtype_t *type, unsigned depth)
{
	/* By kind; those that have parts are written below. */
	static const char *const words[] = {
		[WASMTIME_COMPONENT_VALTYPE_BOOL] = "bool",
		[WASMTIME_COMPONENT_VALTYPE_S8] = "s8",
		[WASMTIME_COMPONENT_VALTYPE_S16] = "s16",
		[WASMTIME_COMPONENT_VALTYPE_S32] = "s32",
		[WASMTIME_COMPONENT_VALTYPE_S64] = "s64",
		[WASMTIME_COMPONENT_VALTYPE_U8] = "u8",
		[WASMTIME_COMPONENT_VALTYPE_U16] = "u16",
		[WASMTIME_COMPONENT_VALTYPE_U32] = "u32",
		[WASMTIME_COMPONENT_VALTYPE_U64] = "u64",
		[WASMTIME_COMPONENT_VALTYPE_F32] = "f32",
		[WASMTIME_COMPONENT_VALTYPE_F64] = "f64",
		[WASMTIME_COMPONENT_VALTYPE_CHAR] = "char",
		[WASMTIME_COMPONENT_VALTYPE_STRING] = "string",
		[WASMTIME_COMPONENT_VALTYPE_OWN] = "own",
		[WASMTIME_COMPONENT_VALTYPE_BORROW] = "borrow",
		[WASMTIME_COMPONENT_VALTYPE_FUTURE] = "future",
		[WASMTIME_COMPONENT_VALTYPE_STREAM] = "stream",
		[WASMTIME_COMPONENT_VALTYPE_ERROR_CONTEXT] = "error-context",
		[WASMTIME_COMPONENT_VALTYPE_MAP] = "map",
	};

	if (depth == 0 || buf_status(buf) != OK) {
		buf_append_string(buf, "...");
		return;
	}
	depth--;
	if (type->kind == WASMTIME_COMPONENT_VALTYPE_LIST)
		append_list(buf, type->of.list, depth);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_RECORD)
		append_record(buf, type->of.record, depth);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_TUPLE)
		append_tuple(buf, type->of.tuple, depth);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_VARIANT)
		append_variant(buf, type->of.variant, depth);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_ENUM)
		append_enum(buf, type->of.enum_);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_OPTION)
		append_option(buf, type->of.option, depth);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_RESULT)
		append_result(buf, type->of.result, depth);
	else if (type->kind == WASMTIME_COMPONENT_VALTYPE_FLAGS)
		append_flags(buf, type->of.flags);
	else if (type->kind < ARRAY_COUNT(words) && words[type->kind] != NULL)
		buf_append_string(buf, words[type->kind]);
	else
		buf_append_format(buf, "type-%u", type->kind);
}

void type_text_append_function(struct buf *buf, const wasmtime_component_func_type_t *function)
{
	size_t count = wasmtime_component_func_type_param_count(function);
	wasmtime_component_valtype_t type;
	const char *name;
	size_t size;

	if (wasmtime_component_func_type_async(function))
		buf_append_string(buf, "async ");
	buf_append_byte(buf, '(');
	for (size_t i = 0; i < count && buf_status(buf) == OK; i++) {
		if (!wasmtime_component_func_type_param_nth(function, i, &name, &size, &type))
			break;
		buf_append_string(buf, i == 0 ? "" : ", ");
		buf_append(buf, name, size);
		buf_append_string(buf, ": ");
		append_owned(buf, &type, DEPTH_MAX);
	}
	buf_append_byte(buf, ')');
	if (wasmtime_component_func_type_result(function, &type)) {
		buf_append_string(buf, " -> ");
		append_owned(buf, &type, DEPTH_MAX);
	}
}
