/* SPDX-License-Identifier: Apache-2.0 */
/* returns_future.c - an aggregate that also exports a function with a future. Refused when it is loaded: values of this
 * kind end a host that meets them. */
#include "guest.h"

int32_t later(void);

__attribute__((export_name("later"))) int32_t later(void)
{
	return 1;
}
