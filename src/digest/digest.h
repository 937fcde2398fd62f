/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIGEST_DIGEST_H
#define DIGEST_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* digest.h - checksums and digests: XXH3 (xxHash) finds rot, SHA-256 (OpenSSL) names content and
 * shows that nothing was altered. Thread-safe. */

#define SHA256_BYTES     32
#define SHA256_HEX_BYTES 65 /* with the NUL */

struct sha256 {
	uint8_t bytes[SHA256_BYTES];
};

/* XXH3 with 64 bits of result, seed 0 or given. */
uint64_t digest_xxh3(struct span bytes);
uint64_t digest_xxh3_seeded(struct span bytes, uint64_t seed);

struct sha256 digest_sha256(struct span bytes);
/* Of `count` pieces as if they stood one after the other. */
struct sha256 digest_sha256_pieces(const struct span *pieces, size_t count);

static inline bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}

void sha256_format(const struct sha256 *digest, char hex[static SHA256_HEX_BYTES]); /* lower case */
bool sha256_parse(struct span hex, struct sha256 *ret);

#endif
