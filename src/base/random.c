/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - chance from the kernel, and the same chance every time for tests.
 *
 * The buffer of a thread is dropped in a forked child (the process id is compared), so that parent
 * and child never hand out the same bytes. */
#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"

static _Thread_local struct {
	unsigned char bytes[512];
	size_t left;
	pid_t pid;
} pool;

static void fill_from_kernel(void *data, size_t size)
{
	unsigned char *at = data;

	while (size != 0) {
		ssize_t got = getrandom(at, size, 0);

		CHECK(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			size -= (size_t)got;
		}
	}
}

static void system_fill(struct random *random, void *data, size_t size)
{
	(void)random;
	if (size > sizeof(pool.bytes) / 4) {
		fill_from_kernel(data, size);
		return;
	}
	pid_t pid = getpid();
	if (pool.left < size || pool.pid != pid) {
		fill_from_kernel(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
		pool.pid = pid;
	}
	/* From the end, and wiped: what was handed out is not kept. */
	pool.left -= size;
	memcpy(data, pool.bytes + pool.left, size);
	memset(pool.bytes + pool.left, 0, size);
}

struct random *random_system(void)
{
	static struct random system = { .fill = system_fill };

	return &system;
}

uint64_t random_u64(struct random *random)
{
	uint64_t value;

	random_fill(random, &value, sizeof(value));
	return value;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	CHECK(bound != 0);
	/* Values under 2^64 mod bound would come up once too often. */
	uint64_t skip = (0 - bound) % bound;
	uint64_t value;

	do {
		value = random_u64(random);
	} while (value < skip);
	return value % bound;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

/* xoshiro256** by Blackman and Vigna. */
static uint64_t seeded_next_locked(struct random_seeded *seeded)
{
	uint64_t *s = seeded->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate(s[3], 45);
	return result;
}

static void seeded_fill(struct random *random, void *data, size_t size)
{
	struct random_seeded *seeded = CONTAINER_OF(random, struct random_seeded, random);
	unsigned char *at = data;

	MUTEX_GUARD(&seeded->mu);
	while (size != 0) {
		uint64_t value = seeded_next_locked(seeded);
		size_t part = size < sizeof(value) ? size : sizeof(value);

		memcpy(at, &value, part);
		at += part;
		size -= part;
	}
}

void random_seeded_init(struct random_seeded *seeded, uint64_t seed)
{
	*seeded = (struct random_seeded){ .random = { .fill = seeded_fill } };
	mutex_init(&seeded->mu, RANK_LOG);
	/* splitmix64, so that near seeds give far states. */
	for (size_t i = 0; i < ARRAY_COUNT(seeded->state); i++) {
		seed += UINT64_C(0x9E3779B97F4A7C15);
		uint64_t z = seed;
		z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
		seeded->state[i] = z ^ (z >> 31);
	}
}

void random_seeded_fini(struct random_seeded *seeded)
{
	mutex_fini(&seeded->mu);
}
