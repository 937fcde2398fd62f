/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - XXH3 and SHA-256.
 *
 * Setting up a digest costs OpenSSL 3 more than hashing a frame does: it looks the algorithm up by
 * name under a lock and allocates. So the algorithm is fetched once, and each thread keeps one
 * context that is started again for each digest. A thread's context is freed when it ends. */
#include "digest/digest.h"

#include <pthread.h>

#include <openssl/evp.h>
/* All of it in here: short inputs cost less than a call does. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/attributes.h"
#include "base/check.h"
#include "base/hex.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key; /* set once; frees a thread's context when it ends */
static EVP_MD *algorithm;         /* set once; owned by the process */
static _Thread_local EVP_MD_CTX *context;

uint64_t digest_xxh3(struct span bytes)
{
	return XXH3_64bits(bytes.data, bytes.size);
}

uint64_t digest_xxh3_seeded(struct span bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

static void free_context(void *arg)
{
	/* Another key's destructor may still want a digest, and then makes a context anew. */
	context = NULL;
	EVP_MD_CTX_free(arg);
}

static void set_up(void)
{
	CHECK(pthread_key_create(&context_key, free_context) == 0);
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	CHECK(algorithm != NULL);
}

/* A caller has no use for a digest that failed for want of memory: the log would be cut short and
 * nobody could say why. It cannot fail later, so the first digest of a thread is where it shows. */
static EVP_MD_CTX *make_context(void)
{
	CHECK(pthread_once(&once, set_up) == 0);
	EVP_MD_CTX *made = EVP_MD_CTX_new();
	CHECK(made != NULL);
	CHECK(pthread_setspecific(context_key, made) == 0);
	context = made;
	return made;
}

struct sha256 digest_sha256_pieces(const struct span *pieces, size_t count)
{
	EVP_MD_CTX *ctx = LIKELY(context != NULL) ? context : make_context();
	struct sha256 digest;
	unsigned size = 0;

	CHECK(EVP_DigestInit_ex2(ctx, algorithm, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		CHECK(EVP_DigestUpdate(ctx, pieces[i].data, pieces[i].size) == 1);
	CHECK(EVP_DigestFinal_ex(ctx, digest.bytes, &size) == 1);
	CHECK(size == SHA256_BYTES);
	return digest;
}

struct sha256 digest_sha256(struct span bytes)
{
	return digest_sha256_pieces(&bytes, 1);
}

void sha256_format(const struct sha256 *digest, char hex[static SHA256_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		hex[2 * i] = digits[digest->bytes[i] >> 4];
		hex[2 * i + 1] = digits[digest->bytes[i] & 0xF];
	}
	hex[2 * SHA256_BYTES] = '\0';
}

bool sha256_parse(struct span hex, struct sha256 *ret)
{
	struct sha256 digest = { 0 };

	if (hex.size != SHA256_HEX_BYTES - 1)
		return false;
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		int high = hex_value(hex.data[2 * i]);
		int low = hex_value(hex.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = digest;
	return true;
}
