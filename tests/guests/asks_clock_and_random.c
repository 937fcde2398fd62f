/* SPDX-License-Identifier: Apache-2.0 */
/* asks_clock_and_random.c - asks for everything that must not differ from run to run, twice, and puts the answers into
 * two events: `[wall seconds, wall nanoseconds, monotonic, random bytes as a sum, random, insecure, seed, seed]`. The
 * same command must give the same two events, whenever and wherever it runs. */
#include "guest.h"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

struct datetime {
	uint64_t seconds;
	uint32_t nanoseconds;
};

struct bytes {
	uint8_t *data;
	size_t size;
};

IMPORT("wasi:clocks/wall-clock@0.2.0", "now") void wall_now(struct datetime *ret);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "now") uint64_t monotonic_now(void);
IMPORT("wasi:random/random@0.2.0", "get-random-bytes")
void random_bytes(uint64_t size, struct bytes *ret);
IMPORT("wasi:random/random@0.2.0", "get-random-u64") uint64_t random_u64(void);
IMPORT("wasi:random/insecure@0.2.0", "get-insecure-random-u64") uint64_t insecure_u64(void);
IMPORT("wasi:random/insecure-seed@0.2.0", "insecure-seed") void insecure_seed(uint64_t ret[2]);

static abi_string_t answers(void)
{
	struct datetime wall;
	struct bytes bytes;
	uint64_t sum = 0, seed[2];

	wall_now(&wall);
	random_bytes(32, &bytes);
	insecure_seed(seed);
	for (size_t i = 0; i < bytes.size; i++)
		sum = sum * 31 + bytes.data[i];
	/* As texts: a JSON number of 64 bits would not survive every reader. */
	const uint64_t numbers[] = { wall.seconds, wall.nanoseconds, monotonic_now(), sum,
				     random_u64(), insecure_u64(),   seed[0],         seed[1] };
	abi_string_t list = text("[");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		list = text_join(list, text(i == 0 ? "\"" : ",\""));
		list = text_join(list, text_number(numbers[i]));
		list = text_join(list, text("\""));
	}
	return text_join(list, text("]"));
}

HANDLE
{
	UNUSED_HANDLE;
	ret->len = 2;
	ret->ptr = malloc(ret->len * sizeof(*ret->ptr));
	if (ret->ptr == NULL)
		abort();
	for (size_t i = 0; i < ret->len; i++)
		ret->ptr[i] = (abi_new_event_t){ .type = text("asked"), .data = answers() };
	return true;
}
