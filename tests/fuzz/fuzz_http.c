/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http.c - the HTTP edge. The first byte seeds how the others are split; they are also fed
 * whole. Both ways come to the same requests, and each request that is handed over keeps the limits,
 * holds no byte that could forge a line, has one Host and one length. */
#include "http/parser.h"

#include <strings.h>

#include "base/check.h"
#include "base/utf8.h"

#define HEAD_MAX_BYTES ((uint64_t)2048)
#define BODY_MAX_BYTES ((uint64_t)512)
#define PARTS_MAX      ((size_t)32)

struct outcome {
	uint64_t requests;
	uint64_t digest; /* of all that the requests hold */
	unsigned refused;
	bool overhead; /* refused for the framing of chunks, which depends a little on the split */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void digest_add(struct outcome *outcome, struct span s)
{
	for (size_t i = 0; i < s.size; i++)
		outcome->digest = (outcome->digest ^ (unsigned char)s.data[i]) * 1099511628211u;
	outcome->digest = (outcome->digest ^ s.size) * 1099511628211u;
}

static void check_text(struct span s, bool ascii)
{
	for (size_t i = 0; i < s.size; i++) {
		unsigned char c = (unsigned char)s.data[i];

		CHECK(c >= ' ' || c == '\t');
		CHECK(c != 0x7f);
		CHECK(!ascii || (c > ' ' && c < 0x7f));
	}
}

static bool has_name(const struct http_header *header, const char *name)
{
	return header->name.size == strlen(name) &&
	       strncasecmp(header->name.data, name, header->name.size) == 0;
}

static void check_target(const struct http_message *message)
{
	struct arena *arena OWNED(arena) = arena_new((size_t)1 << 20);
	struct span segments[PARTS_MAX];
	struct http_header pairs[PARTS_MAX];
	size_t count = 0;

	CHECK(arena != NULL);
	CHECK(message->path.size > 0);
	CHECK(message->path.data[0] == '/' ||
	      (message->path.data[0] == '*' && message->path.size == 1));
	CHECK(message->path.size + message->query.size <= HTTP_TARGET_MAX_BYTES);
	check_text(message->path, /* ascii= */ true);
	check_text(message->query, /* ascii= */ true);
	if (http_path_split(message->path, arena, segments, PARTS_MAX, &count, NULL) == OK) {
		CHECK(count <= PARTS_MAX);
		for (size_t i = 0; i < count; i++)
			CHECK(utf8_is_valid(segments[i]) &&
			      memchr(segments[i].data, 0, segments[i].size) == NULL);
	}
	if (http_query_split(message->query, arena, pairs, PARTS_MAX, &count, NULL) == OK) {
		CHECK(count <= PARTS_MAX);
		for (size_t i = 0; i < count; i++)
			CHECK(utf8_is_valid(pairs[i].name) && utf8_is_valid(pairs[i].value));
	}
}

static void check_request(const struct http_message *message, struct outcome *outcome)
{
	size_t texts = 0;
	unsigned hosts = 0;
	unsigned lengths = 0;

	check_target(message);
	CHECK(message->method_text.size > 0);
	CHECK(message->minor_version <= 1);
	CHECK(message->body.size <= BODY_MAX_BYTES);
	CHECK(message->header_count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < message->header_count; i++) {
		const struct http_header *header = &message->headers[i];

		CHECK(header->name.size > 0);
		check_text(header->name, /* ascii= */ true);
		check_text(header->value, /* ascii= */ false);
		texts += header->name.size + header->value.size;
		hosts += has_name(header, "host");
		lengths += has_name(header, "content-length");
		lengths += has_name(header, "transfer-encoding");
		digest_add(outcome, header->name);
		digest_add(outcome, header->value);
	}
	CHECK(texts <= HEAD_MAX_BYTES * 2); /* Host may stand for the target's authority */
	CHECK(hosts == 1 || (hosts == 0 && message->minor_version == 0));
	CHECK(lengths <= 1);
	CHECK(lengths == 1 || message->body.size == 0);
	digest_add(outcome, message->method_text);
	digest_add(outcome, message->path);
	digest_add(outcome, message->query);
	digest_add(outcome, message->body);
	outcome->requests++;
}

/* `seed` 0: as large as possible. */
static struct outcome feed(struct span input, uint64_t seed)
{
	const struct http_limits limits = { HEAD_MAX_BYTES, BODY_MAX_BYTES };
	struct http_parser *parser OWNED(http_parser) = NULL;
	struct outcome outcome = { .digest = 14695981039346656037u };
	bool split = seed != 0;

	CHECK(http_parser_new(&limits, &parser, NULL) == OK);
	while (input.size > 0) {
		struct span portion = input;
		enum http_parsed parsed;
		size_t used = 0;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (split && portion.size > 1 + (seed >> 33) % 32)
			portion.size = 1 + (size_t)((seed >> 33) % 32);
		parsed = http_parser_feed(parser, portion, &used);
		if (parsed == HTTP_PARSED_REFUSED) {
			const struct http_refusal *refusal = http_parser_refusal(parser);

			CHECK(refusal->status >= 400 && refusal->status <= 599);
			outcome.refused = refusal->status;
			outcome.overhead = strcmp(refusal->code, "chunk_overhead") == 0;
			return outcome;
		}
		CHECK(used <= portion.size);
		CHECK(parsed == HTTP_PARSED_REQUEST || used == portion.size);
		(void)http_parser_take_continue(parser); /* whether it waits depends on the split */
		if (parsed == HTTP_PARSED_REQUEST) {
			check_request(http_parser_message(parser), &outcome);
			http_parser_next(parser);
			if (outcome.requests % 3 == 0)
				http_parser_trim(parser);
		}
		input = span_after(input, used);
	}
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole;
	struct outcome parts;
	struct span input;

	if (size < 1)
		return 0;
	input = span_of(data + 1, size - 1);
	whole = feed(input, 0);
	parts = feed(input, (uint64_t)data[0] + 1);
	if (whole.overhead || parts.overhead)
		return 0;
	CHECK(whole.requests == parts.requests);
	CHECK(whole.digest == parts.digest);
	CHECK(whole.refused == parts.refused);
	return 0;
}
