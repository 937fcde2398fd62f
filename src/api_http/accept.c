/* SPDX-License-Identifier: Apache-2.0 */
/* accept.c - the choice among three forms of events. */
#include "api_http/accept.h"

#include <string.h>
#include <strings.h>

#define WEIGHT_MAX 1000

struct choice {
	bool given; /* some range was */
	unsigned weight;
	bool named;
	enum page_format format;
};

static const struct {
	const char *range;
	bool named;
	enum page_format format;
} known_ranges[] = {
	{ "application/cloudevents-batch+json", true, PAGE_BATCH },
	{ "application/json", true, PAGE_BATCH },
	{ "application/x-ndjson", true, PAGE_NDJSON },
	{ "text/event-stream", true, PAGE_SSE },
	{ "*/*", false, PAGE_BATCH },
	{ "application/*", false, PAGE_BATCH },
	{ "text/*", false, PAGE_SSE },
};

const char *accept_content_type(enum page_format format)
{
	static const char *const types[] = {
		[PAGE_BATCH] = "application/cloudevents-batch+json",
		[PAGE_NDJSON] = "application/x-ndjson",
		[PAGE_SSE] = "text/event-stream",
	};

	return types[format];
}

/* What stands before `separator`, without white space around it; `*rest` is what stands after. */
static struct span next_part(struct span *rest, char separator)
{
	const char *mark = rest->size != 0 ? memchr(rest->data, separator, rest->size) : NULL;
	struct span part = mark != NULL ? span_of(rest->data, (size_t)(mark - rest->data)) : *rest;

	*rest = mark != NULL ? span_after(*rest, part.size + 1) : SPAN_EMPTY;
	while (part.size != 0 && (part.data[0] == ' ' || part.data[0] == '\t'))
		part = span_after(part, 1);
	while (part.size != 0 &&
	       (part.data[part.size - 1] == ' ' || part.data[part.size - 1] == '\t'))
		part.size--;
	return part;
}

static bool is_text(struct span s, const char *text)
{
	return s.size == strlen(text) && (s.size == 0 || strncasecmp(s.data, text, s.size) == 0);
}

/* "1", "0.5" and so on, in thousandths; what is no weight counts as none given. */
static unsigned weight_of(struct span text)
{
	unsigned weight = 0;
	unsigned unit = WEIGHT_MAX / 10;

	if (text.size == 0 || (text.data[0] != '0' && text.data[0] != '1'))
		return WEIGHT_MAX;
	weight = text.data[0] == '1' ? WEIGHT_MAX : 0;
	if (text.size > 1 && text.data[1] != '.')
		return WEIGHT_MAX;
	for (size_t i = 2; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return WEIGHT_MAX;
		weight += (unsigned)(text.data[i] - '0') * unit;
		unit /= 10;
	}
	return weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
}

static void consider_range(struct span range, struct choice *choice)
{
	struct span rest = range;
	struct span type = next_part(&rest, ';');
	unsigned weight = WEIGHT_MAX;

	if (type.size == 0)
		return;
	choice->given = true;
	while (rest.size != 0) {
		struct span value = next_part(&rest, ';');
		struct span name = next_part(&value, '=');

		if (is_text(name, "q"))
			weight = weight_of(next_part(&value, '='));
	}
	for (size_t i = 0; i < ARRAY_COUNT(known_ranges); i++) {
		bool named = known_ranges[i].named;

		if (!is_text(type, known_ranges[i].range) || weight < choice->weight ||
		    (weight == choice->weight && (weight == 0 || choice->named || !named)))
			continue;
		choice->weight = weight;
		choice->named = named;
		choice->format = known_ranges[i].format;
	}
}

bool accept_choose(struct call *call, enum page_format *ret)
{
	size_t count;
	const struct http_header *headers = http_request_headers(call->request, &count);
	struct choice choice = { .format = PAGE_BATCH };

	for (size_t i = 0; i < count; i++) {
		struct span rest = headers[i].value;

		if (!is_text(headers[i].name, "accept"))
			continue;
		while (rest.size != 0)
			consider_range(next_part(&rest, ','), &choice);
	}
	if (!choice.given || choice.weight != 0) {
		*ret = choice.format;
		return true;
	}
	call_problem(call, 406, "not_acceptable",
		     "events come as application/cloudevents-batch+json, application/x-ndjson or "
		     "text/event-stream, not '%.*s'",
		     SPAN_ARG(http_request_header(call->request, "accept")));
	return false;
}
