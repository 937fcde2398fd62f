/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - makes and ends a host. */
#include "host/host.h"

#include <stdlib.h>

#include "host/internal.h"

#define INSTANCES_DEFAULT       64
#define INSTANCES_MAX           4096
#define COMPONENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define COMPILE_MS_DEFAULT      300000
#define COMPILE_BYTES_DEFAULT   (UINT64_C(4) << 30)

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
	return value != 0 ? value : otherwise;
}

enum status host_new(const struct host_options *options, struct host **ret, struct error *err)
{
	struct host *host = calloc(1, sizeof(*host));

	if (host == NULL)
		return ERROR(err, ERR_NOMEM, "a component host");
	host->instances_max = (uint32_t)or_default(options->instances_max, INSTANCES_DEFAULT);
	if (host->instances_max > INSTANCES_MAX)
		host->instances_max = INSTANCES_MAX;
	host->component_max_bytes =
		or_default(options->component_max_bytes, COMPONENT_BYTES_DEFAULT);
	host->compile_ms = or_default(options->compile_ms, COMPILE_MS_DEFAULT);
	host->compile_max_bytes = or_default(options->compile_max_bytes, COMPILE_BYTES_DEFAULT);
	host->metrics = options->metrics;
	mutex_init(&host->mu, RANK_HOST);
	cond_init(&host->large_done);

	enum status s = OK;
	host->compiler = strdup(options->compiler != NULL ? options->compiler : "/proc/self/exe");
	if (host->compiler == NULL)
		s = ERROR(err, ERR_NOMEM, "a component host");
	if (s == OK && host->metrics != NULL) {
		host->instances = metrics_gauge(host->metrics, "concordance_component_instances",
						NULL, "Instances of components that are in a call");
		if (host->instances == NULL)
			s = ERROR(err, ERR_NOMEM, "metrics of the component host");
	}
	if (s == OK && !options->no_cache)
		s = code_cache_open(options->cache_directory, &host->cache_directory, err);
	if (s == OK) {
		wasm_engine_t *engine = engine_new_for_running(host->instances_max);
		s = ticker_start(&host->ticker, engine, err);
		if (s == OK)
			host->engine = engine;
		else
			wasm_engine_delete(engine);
	}
	if (s != OK) {
		host_free(host);
		return s;
	}
	*ret = host;
	return OK;
}

void host_free(struct host *host)
{
	if (host == NULL)
		return;
	if (host->engine != NULL) {
		ticker_stop(&host->ticker);
		wasm_engine_delete(host->engine);
	}
	free(host->cache_directory);
	free(host->compiler);
	cond_fini(&host->large_done);
	mutex_fini(&host->mu);
	free(host);
}
