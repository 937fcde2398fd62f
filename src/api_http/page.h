/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_PAGE_H
#define API_HTTP_PAGE_H

#include "api_http/api.h"
#include "model/name.h"

/* page.h - a run of stored events as text: what lists and followers send. Internal to api_http.
 *
 * Reads the store, so it belongs on the pool. A page ends when it has `limit` events, or
 * PAGE_MAX_BYTES of text, or when api_options.page_frames_max frames were looked at, so that neither
 * a filter that matches nothing nor huge events keep a thread for long. `next` says where to go on. */

#define PAGE_TYPES_MAX 32
#define PAGE_MAX_BYTES ((size_t)4 << 20)

enum page_format {
	PAGE_BATCH,  /* application/cloudevents-batch+json: a bare array */
	PAGE_NDJSON, /* application/x-ndjson: one CloudEvent a line */
	PAGE_SSE,    /* text/event-stream: id and data of each */
};

/* Which events. Places are versions when a stream is given, else positions. */
struct page_query {
	bool of_stream;
	struct stream_name stream;
	struct span category; /* empty: any; not with a stream */
	struct span types[PAGE_TYPES_MAX];
	size_t type_count;
	enum direction direction;
	uint64_t after; /* exclusive; from the beginning: 0, backward from the end: UINT64_MAX */
	uint64_t limit;
	enum page_format format;
};

struct page {
	struct buf text;  /* owned: buf_fini() */
	uint64_t count;   /* events in it */
	uint64_t next;    /* the `after` that goes on where this page ends; at the end, as it was */
	bool reached_end; /* there was nothing more in that direction when it was read */
};

/* Appends to page->text. */
enum status page_read(const struct api *api, const struct page_query *query, struct page *page,
		      struct error *err) NODISCARD;

#endif
