/* SPDX-License-Identifier: Apache-2.0 */
/* listen.c - an address to listen on: numeric, so that no name server decides where we are. */
#include <arpa/inet.h>

#include "manifest/manifest.h"

enum status manifest_listen_parse(struct span text, struct arena *arena, struct span *ret_address,
				  uint16_t *ret_port, struct error *err)
{
	struct span address, port_text, copy;
	bool bracketed = text.size != 0 && text.data[0] == '[';
	unsigned char binary[sizeof(struct in6_addr)];
	uint64_t port;
	size_t colon = text.size;

	while (colon > 0 && text.data[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return ERROR(err, ERR_INVALID,
			     "'%.*s' has no port: write address:port, like 127.0.0.1:8080",
			     SPAN_ARG(text));
	address = span_of(text.data, colon - 1);
	port_text = span_after(text, colon);
	if (!span_parse_u64(port_text, &port) || port > UINT16_MAX)
		return ERROR(
			err, ERR_INVALID,
			"'%.*s' is no port: write address:port, with a port from 0 (any free one) "
			"to 65535",
			SPAN_ARG(port_text));
	if (bracketed && address.size >= 2 && address.data[address.size - 1] == ']')
		address = span_of(address.data + 1, address.size - 2);
	else if (span_equal_string(address, "localhost"))
		address = SPAN("127.0.0.1");
	copy = arena_copy(arena, address);
	if (copy.data == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for an address");
	if (memchr(copy.data, '\0', copy.size) != NULL ||
	    inet_pton(bracketed ? AF_INET6 : AF_INET, copy.data, binary) != 1)
		return ERROR(err, ERR_INVALID,
			     "'%.*s' is no address: write a numeric one, like 127.0.0.1:8080 or "
			     "[::1]:8080",
			     SPAN_ARG(address));
	*ret_address = copy;
	*ret_port = (uint16_t)port;
	return OK;
}
