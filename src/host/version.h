/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_VERSION_H
#define HOST_VERSION_H

/* The version of wasmtime that this was built with: "50.0.1". */
const char *host_engine_version(void);

#endif
