/* SPDX-License-Identifier: Apache-2.0 */
/* wasi.c - WASI 0.2 with nothing behind it.
 *
 * wasmtime's own implementation is linked with an empty configuration: no folders, no arguments, no
 * environment, no addresses. What even so could tell one run from another, or hold a thread up, is
 * put in its place here:
 *
 *	clocks    stand at the call's time
 *	random    xoshiro256** from the SHA-256 of the call's seed; anew for each call
 *	poll      whatever is waited for is ready
 *	output    goes to the log, line by line; no other thread and no buffer of wasmtime's takes part
 *	sockets   cannot be made
 *
 * A name must be the very one that this wasmtime registers: under another version number a function
 * would stand beside the real one, and imports would find that. Tests ask as a guest does. Handles
 * that are lent to a function must be dropped by it, or the call traps. */
#include "base/endian.h"
#include "base/utf8.h"
#include "digest/digest.h"
#include "host/internal.h"

#define WASI "@0.2.12"

/* A byte costs wasmtime 32 to 40 in a list; nobody needs more randomness in one call of a function. */
#define RANDOM_MAX_BYTES 65536

#define CALLBACK(name)                                                                  \
	static wasmtime_error_t *name(void *data, wasmtime_context_t *context,          \
				      const wasmtime_component_func_type_t *type,       \
				      wasmtime_component_val_t *args, size_t arg_count, \
				      wasmtime_component_val_t *results, size_t result_count)

#define UNUSED_CALLBACK                                                                     \
	((void)data, (void)context, (void)type, (void)args, (void)arg_count, (void)results, \
	 (void)result_count)

/* The import was typed by the guest. wasmtime compares what it returns with that type itself. */
#define EXPECT(fact)                                                                       \
	do {                                                                               \
		if (!(fact))                                                               \
			return import_refuse(context, false, "an import of another type"); \
	} while (0)

static uint64_t time_us(const wasmtime_context_t *context)
{
	return import_instance(context)->instance.call->time_us;
}

static void set_u64(wasmtime_component_val_t *ret, uint64_t value)
{
	*ret = (wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_U64, .of.u64 = value };
}

/* ---- clocks ----------------------------------------------------------------------------------- */

static void set_datetime(wasmtime_component_val_t *ret, uint64_t seconds, uint32_t nanoseconds)
{
	ret->kind = WASMTIME_COMPONENT_RECORD;
	wasmtime_component_valrecord_new_uninit(&ret->of.record, 2);
	wasmtime_component_valrecord_entry_t *fields = ret->of.record.data;
	wasm_name_new(&fields[0].name, strlen("seconds"), "seconds");
	set_u64(&fields[0].val, seconds);
	wasm_name_new(&fields[1].name, strlen("nanoseconds"), "nanoseconds");
	fields[1].val =
		(wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_U32, .of.u32 = nanoseconds };
}

CALLBACK(wall_now)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	set_datetime(&results[0], time_us(context) / 1000000,
		     (uint32_t)(time_us(context) % 1000000) * 1000);
	return NULL;
}

CALLBACK(wall_resolution)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	set_datetime(&results[0], 0, 1000);
	return NULL;
}

CALLBACK(monotonic_now)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	set_u64(&results[0], time_us(context) * 1000);
	return NULL;
}

CALLBACK(monotonic_resolution)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	set_u64(&results[0], 1000);
	return NULL;
}

/* ---- random ----------------------------------------------------------------------------------- */

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static uint64_t random_next(struct guest_instance *instance)
{
	uint64_t *s = instance->random;

	if (!instance->random_seeded) {
		struct sha256 seed = digest_sha256(instance->instance.call->seed);
		for (size_t i = 0; i < ARRAY_COUNT(instance->random); i++)
			s[i] = get_le64(seed.bytes + 8 * i);
		s[0] |= 1; /* never all zero */
		instance->random_seeded = true;
	}
	uint64_t value = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return value;
}

CALLBACK(random_bytes)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count == 1 && args[0].kind == WASMTIME_COMPONENT_U64 && result_count == 1);
	if (args[0].of.u64 > RANDOM_MAX_BYTES)
		return import_refuse(context, true, "asked for more than 65536 random bytes");
	size_t count = (size_t)args[0].of.u64;
	uint64_t word = 0;

	results[0].kind = WASMTIME_COMPONENT_LIST;
	wasmtime_component_vallist_new_uninit(&results[0].of.list, count);
	for (size_t i = 0; i < count; i++) {
		if (i % 8 == 0)
			word = random_next(import_instance(context));
		results[0].of.list.data[i] =
			(wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_U8,
						    .of.u8 = (uint8_t)(word >> (i % 8 * 8)) };
	}
	return NULL;
}

CALLBACK(random_u64)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	set_u64(&results[0], random_next(import_instance(context)));
	return NULL;
}

CALLBACK(insecure_seed)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	results[0].kind = WASMTIME_COMPONENT_TUPLE;
	wasmtime_component_valtuple_new_uninit(&results[0].of.tuple, 2);
	set_u64(&results[0].of.tuple.data[0], random_next(import_instance(context)));
	set_u64(&results[0].of.tuple.data[1], random_next(import_instance(context)));
	return NULL;
}

/* ---- poll ------------------------------------------------------------------------------------- */

static wasmtime_error_t *drop_handle(wasmtime_context_t *context,
				     const wasmtime_component_val_t *value)
{
	EXPECT(value->kind == WASMTIME_COMPONENT_RESOURCE);
	return wasmtime_component_resource_any_drop(context, value->of.resource);
}

/* All are ready: 0, 1, 2 ... */
CALLBACK(poll)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count == 1 && args[0].kind == WASMTIME_COMPONENT_LIST && result_count == 1);
	size_t count = args[0].of.list.size;
	if (count == 0)
		return import_refuse(context, false, "poll of an empty list");
	for (size_t i = 0; i < count; i++) {
		wasmtime_error_t *error = drop_handle(context, &args[0].of.list.data[i]);
		if (error != NULL)
			return error;
	}
	results[0].kind = WASMTIME_COMPONENT_LIST;
	wasmtime_component_vallist_new_uninit(&results[0].of.list, count);
	for (size_t i = 0; i < count; i++)
		results[0].of.list.data[i] =
			(wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_U32,
						    .of.u32 = (uint32_t)i };
	return NULL;
}

CALLBACK(pollable_block)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count == 1);
	return drop_handle(context, &args[0]);
}

CALLBACK(pollable_ready)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count == 1 && result_count == 1);
	results[0] =
		(wasmtime_component_val_t){ .kind = WASMTIME_COMPONENT_BOOL, .of.boolean = true };
	return drop_handle(context, &args[0]);
}

/* ---- output ----------------------------------------------------------------------------------- */

/* What a stream takes at once. By the contract of WASI nobody writes more. */
#define OUTPUT_MAX_BYTES 4096

static void set_ok(wasmtime_component_val_t *ret, wasmtime_component_val_t *value)
{
	*ret = (wasmtime_component_val_t){
		.kind = WASMTIME_COMPONENT_RESULT,
		.of.result = { .is_ok = true,
			       .val = value != NULL ? wasmtime_component_val_new(value) : NULL }
	};
}

CALLBACK(output_check_write)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count == 1 && result_count == 1);
	wasmtime_component_val_t room;
	set_u64(&room, OUTPUT_MAX_BYTES);
	set_ok(&results[0], &room);
	return drop_handle(context, &args[0]);
}

CALLBACK(output_write)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count == 2 && args[1].kind == WASMTIME_COMPONENT_LIST && result_count == 1);
	const wasmtime_component_vallist_t *list = &args[1].of.list;
	char bytes[OUTPUT_MAX_BYTES];
	if (list->size > sizeof(bytes))
		return import_refuse(context, true, "wrote more than 4096 bytes at once");
	for (size_t i = 0; i < list->size; i++) {
		EXPECT(list->data[i].kind == WASMTIME_COMPONENT_U8);
		bytes[i] = (char)list->data[i].of.u8;
	}
	logging_write_output(import_instance(context), span_of(bytes, list->size));
	set_ok(&results[0], NULL);
	return drop_handle(context, &args[0]);
}

/* Zeroes are nothing to read. */
CALLBACK(output_nothing)
{
	UNUSED_CALLBACK;
	EXPECT(arg_count >= 1 && result_count == 1);
	set_ok(&results[0], NULL);
	return drop_handle(context, &args[0]);
}

/* ---- sockets ---------------------------------------------------------------------------------- */

CALLBACK(socket_denied)
{
	UNUSED_CALLBACK;
	EXPECT(result_count == 1);
	wasmtime_component_val_t denied = { .kind = WASMTIME_COMPONENT_ENUM };
	wasm_name_new(&denied.of.enumeration, strlen("access-denied"), "access-denied");
	results[0] = (wasmtime_component_val_t){
		.kind = WASMTIME_COMPONENT_RESULT,
		.of.result = { .is_ok = false, .val = wasmtime_component_val_new(&denied) }
	};
	return NULL;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static const struct import_function wall_clock[] = { { "now", wall_now },
						     { "resolution", wall_resolution } };
static const struct import_function monotonic_clock[] = { { "now", monotonic_now },
							  { "resolution", monotonic_resolution } };
static const struct import_function random_functions[] = { { "get-random-bytes", random_bytes },
							   { "get-random-u64", random_u64 } };
static const struct import_function insecure[] = { { "get-insecure-random-bytes", random_bytes },
						   { "get-insecure-random-u64", random_u64 } };
static const struct import_function seed[] = { { "insecure-seed", insecure_seed } };
static const struct import_function polling[] = { { "poll", poll },
						  { "[method]pollable.block", pollable_block },
						  { "[method]pollable.ready", pollable_ready } };
static const struct import_function streams[] = {
	{ "[method]output-stream.check-write", output_check_write },
	{ "[method]output-stream.write", output_write },
	{ "[method]output-stream.blocking-write-and-flush", output_write },
	{ "[method]output-stream.flush", output_nothing },
	{ "[method]output-stream.blocking-flush", output_nothing },
	{ "[method]output-stream.write-zeroes", output_nothing },
	{ "[method]output-stream.blocking-write-zeroes-and-flush", output_nothing },
};
static const struct import_function tcp[] = { { "create-tcp-socket", socket_denied } };
static const struct import_function udp[] = { { "create-udp-socket", socket_denied } };

static const struct {
	const char *interface;
	const struct import_function *functions;
	size_t count;
} shadows[] = {
	{ "wasi:clocks/wall-clock" WASI, wall_clock, ARRAY_COUNT(wall_clock) },
	{ "wasi:clocks/monotonic-clock" WASI, monotonic_clock, ARRAY_COUNT(monotonic_clock) },
	{ "wasi:random/random" WASI, random_functions, ARRAY_COUNT(random_functions) },
	{ "wasi:random/insecure" WASI, insecure, ARRAY_COUNT(insecure) },
	{ "wasi:random/insecure-seed" WASI, seed, ARRAY_COUNT(seed) },
	{ "wasi:io/poll" WASI, polling, ARRAY_COUNT(polling) },
	{ "wasi:io/streams" WASI, streams, ARRAY_COUNT(streams) },
	{ "wasi:sockets/tcp-create-socket" WASI, tcp, ARRAY_COUNT(tcp) },
	{ "wasi:sockets/udp-create-socket" WASI, udp, ARRAY_COUNT(udp) },
};

wasmtime_error_t *wasi_link(wasmtime_component_linker_t *linker)
{
	wasmtime_error_t *error = wasmtime_component_linker_add_wasip2(linker);

	wasmtime_component_linker_allow_shadowing(linker, true);
	for (size_t i = 0; error == NULL && i < ARRAY_COUNT(shadows); i++)
		error = import_add(linker, shadows[i].interface, shadows[i].functions,
				   shadows[i].count);
	return error;
}
