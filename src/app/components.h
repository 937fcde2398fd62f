/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_COMPONENTS_H
#define APP_COMPONENTS_H

#include "base/metrics.h"
#include "component/component.h"
#include "manifest/manifest.h"

/* components.h - the components of a manifest, loaded and checked. Shared by `run` and `check`. */

struct components;

/* Loads every component of the manifest. What is wrong with any of them goes to standard error, as
 * "concordance.yaml:7:16: ..." like the manifest's own mistakes; the error then says how many.
 * ERR_INVALID: at least one cannot be served. `metrics` and `cache_directory` may be NULL. */
enum status components_load(const struct manifest *manifest, const char *cache_directory,
			    struct metrics *metrics, struct components **ret,
			    struct error *err) NODISCARD;
void components_free(struct components *components); /* takes NULL */

/* In the order of the manifest. Borrowed. */
struct component *const *components_list(const struct components *components);
size_t components_count(const struct components *components);

#endif
