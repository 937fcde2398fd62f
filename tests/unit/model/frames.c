/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/model/frames.h"

#include <string.h>

static struct frame_event deposited[] = {
	{ .id = { { 0x01, 0x9a, 0xbb, 0x49, 0x78, 0x5d, 0x71, 0xf7, 0x80, 0x01, 0x02, 0x03, 0x04,
		    0x05, 0x06, 0x07 } },
	  .type = { "funds_deposited", 15 },
	  .data = { "{\"amount\":100}", 14 } },
};

static struct frame_event outside[] = {
	{ .id = { { 0xff, 0, 0xff } },
	  .type = { "Wire.Transfer-Succeeded", 23 },
	  .data = { "null", 4 },
	  .metadata = { "{\"id\":\"\xc3\xa9\",\"source\":\"https://bank/\"}", 37 } },
};

static struct frame_event many[FRAME_EVENTS_MAX];

static struct named_frame samples[] = {
	{ "example",
	  { .kind = FRAME_DECISION,
	    .stream = { { "bankaccount", 11 }, { "acct-1", 6 } },
	    .number = 3,
	    .time_us = 1764052174123456,
	    .first_version = 300,
	    .events = deposited,
	    .event_count = 1,
	    .command = { { "c-7", 3 },
			 { "deposit_funds", 13 },
			 { "{\"amount\":100}", 14 },
			 { "{\"correlation_id\":\"c-7\"}", 24 } },
	    .has_component = true,
	    .component = { { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
			     17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 } } } },
	{ "smallest",
	  { .kind = FRAME_PROGRESS, .stream = { { "a", 1 }, { "k", 1 } }, .number = 1 } },
	{ "body",
	  { .kind = FRAME_DEAD_LETTER,
	    .stream = { { "external", 8 }, { "\xf0\x9f\x98\x80/ key", 9 } },
	    .number = UINT64_MAX,
	    .time_us = UINT64_MAX,
	    .first_version = UINT64_MAX - FRAME_EVENTS_MAX,
	    .body = { "{\"why\":\"\xe2\x82\xac\"}", 13 } } },
	{ "external",
	  { .kind = FRAME_EXTERNAL,
	    .stream = { { "external", 8 }, { "https://bank/", 13 } },
	    .number = 127,
	    .time_us = 1,
	    .first_version = 128,
	    .events = outside,
	    .event_count = 1,
	    .command = { .id = { "\xc3\xa9", 2 }, .metadata = { "{}", 2 } } } },
	{ "queued",
	  { .kind = FRAME_QUEUED,
	    .stream = { { "bankaccount", 11 }, { "acct-1", 6 } },
	    .number = 16384,
	    .first_version = 16383,
	    .command = { { "$x", 2 }, { "W", 1 }, { "[]", 2 }, { NULL, 0 } },
	    .body = { "{}", 2 } } },
	{ "full",
	  { .kind = FRAME_HANDLED,
	    .stream = { { "m", 1 }, { "k", 1 } },
	    .number = 2,
	    .first_version = 1,
	    .events = many,
	    .event_count = FRAME_EVENTS_MAX } },
};

const struct named_frame *frames_sample(size_t *ret_count)
{
	for (size_t i = 0; i < FRAME_EVENTS_MAX; i++) {
		many[i].type = SPAN("t");
		many[i].data = SPAN("0");
		memcpy(many[i].id.bytes, &i, sizeof(i));
	}
	*ret_count = sizeof(samples) / sizeof(samples[0]);
	return samples;
}
