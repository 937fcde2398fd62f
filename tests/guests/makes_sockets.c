/* SPDX-License-Identifier: Apache-2.0 */
/* makes_sockets.c - asks for a TCP and a UDP socket. The event says what came of it: 1000 for a socket, else the
 * place of the error in its list; `[1,1]` is access-denied, twice. */
#include "guest.h"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define IPV4                 0

/* result<socket, error-code>: the handle is aligned, the error lies where it begins. */
struct answer {
	uint8_t is_error;
	uint8_t padding[3];
	uint32_t value; /* zeroed before: the error is its low byte */
};

IMPORT("wasi:sockets/tcp-create-socket@0.2.0", "create-tcp-socket")
void tcp_create(int32_t family, struct answer *ret);
IMPORT("wasi:sockets/udp-create-socket@0.2.0", "create-udp-socket")
void udp_create(int32_t family, struct answer *ret);

HANDLE
{
	struct answer tcp = { 0 };
	struct answer udp = { 0 };

	UNUSED_HANDLE;
	tcp_create(IPV4, &tcp);
	udp_create(IPV4, &udp);
	abi_string_t list = text_join(text("["), text_number(tcp.is_error != 0 ? tcp.value : 1000));
	list = text_join(text_join(list, text(",")),
			 text_number(udp.is_error != 0 ? udp.value : 1000));
	return accept(ret, text("asked"), text_join(list, text("]")));
}
