/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_OPENAPI_H
#define API_HTTP_OPENAPI_H

#include "base/span.h"

/* openapi.h - the description of the API (OpenAPI 3.1), compiled in from openapi.json. */

struct span openapi_text(void); /* static */

#endif
