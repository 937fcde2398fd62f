/* SPDX-License-Identifier: Apache-2.0 */
/* wants_sockets.c - imports the network, as some languages do whatever the source says. It gets a handle, behind
 * which nothing is: no socket can be made. */
#include "guest.h"

__attribute__((import_module("wasi:sockets/instance-network@0.2.0"),
	       import_name("instance-network"))) extern int32_t
instance_network(void);

HANDLE
{
	UNUSED_HANDLE;
	return accept(ret, text("connected"), text_number((uint64_t)instance_network()));
}
