/* SPDX-License-Identifier: Apache-2.0 */
/* components.c - from a manifest's entries to loaded components. */
#include "app/components.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/host.h"

/* Two for each of at most 64 lanes - a decision and its re-check - and some for the pool. */
#define INSTANCES_MAX 160

struct components {
	struct host *host;
	struct component **list; /* owned; NULL where loading failed */
	size_t count;
};

static enum component_role role_of(enum manifest_role role)
{
	switch (role) {
	case MANIFEST_AGGREGATE:
		return ROLE_AGGREGATE;
	case MANIFEST_PROCESS_MANAGER:
		return ROLE_PROCESS_MANAGER;
	case MANIFEST_PROJECTOR:
		return ROLE_PROJECTOR;
	case MANIFEST_NOTIFIER:
		return ROLE_NOTIFIER;
	case MANIFEST_GATEWAY:
		return ROLE_GATEWAY;
	}
	return ROLE_GATEWAY;
}

static enum status load_one(struct host *host, const struct manifest_component *entry,
			    struct component **ret, struct error *err)
{
	const struct manifest_capabilities *granted = &entry->capabilities;
	struct host_config *config;

	if (entry->role != MANIFEST_AGGREGATE)
		return ERROR(err, ERR_UNSUPPORTED,
			     "component '%s': role %s is not served by this version, which serves "
			     "aggregates",
			     entry->name.data, manifest_role_word(entry->role));
	config = calloc(granted->config_count + 1, sizeof(*config));
	if (config == NULL)
		return ERROR(err, ERR_NOMEM, "component '%s'", entry->name.data);
	for (size_t i = 0; i < granted->config_count; i++)
		config[i] =
			(struct host_config){ granted->config[i].name, granted->config[i].value };
	const struct host_component spec = {
		.name = entry->name.data,
		.role = role_of(entry->role),
		.path = entry->path.data,
		.limits = { .memory_bytes = entry->limits.memory_bytes,
			    .call_ms = entry->limits.call_ms,
			    .output_bytes = entry->limits.output_bytes,
			    .log_lines = entry->limits.log_lines,
			    .log_bytes = entry->limits.log_line_bytes },
		.reused = entry->instances == MANIFEST_REUSED,
		.config = config,
		.config_count = granted->config_count,
	};
	enum status s = host_load(host, &spec, ret, err);
	free(config);
	return s;
}

static void report(const struct manifest *manifest, const struct manifest_component *entry,
		   const struct error *err)
{
	const struct manifest_problem problem = {
		.line = entry->line,
		.column = entry->column,
		.message = span_from_string(error_text(err)),
	};
	OWNED(buf) struct buf line = { 0 };

	manifest_problem_append(&line, manifest->path.data, &problem);
	(void)fprintf(stderr, "%.*s\n", SPAN_ARG(buf_span(&line)));
}

enum status components_load(const struct manifest *manifest, const char *cache_directory,
			    struct metrics *metrics, struct components **ret, struct error *err)
{
	struct components *components = calloc(1, sizeof(*components));
	const struct host_options options = { .instances_max = INSTANCES_MAX,
					      .cache_directory = cache_directory,
					      .component_max_bytes = manifest->component_max_bytes,
					      .metrics = metrics };
	size_t failed = 0;
	struct error one;

	if (components != NULL)
		components->list = calloc(manifest->component_count + 1, sizeof(*components->list));
	if (components == NULL || components->list == NULL) {
		components_free(components);
		return ERROR(err, ERR_NOMEM, "%zu components", manifest->component_count);
	}
	components->count = manifest->component_count;
	enum status s = host_new(&options, &components->host, err);
	for (size_t i = 0; s == OK && i < manifest->component_count; i++) {
		error_clear(&one);
		if (load_one(components->host, &manifest->components[i], &components->list[i],
			     &one) == OK)
			continue;
		report(manifest, &manifest->components[i], &one);
		failed++;
	}
	if (s == OK && failed != 0)
		s = ERROR(err, ERR_INVALID, "%zu of %zu components of '%s' cannot be served",
			  failed, manifest->component_count, manifest->path.data);
	if (s != OK) {
		components_free(components);
		return s;
	}
	*ret = components;
	return OK;
}

void components_free(struct components *components)
{
	if (components == NULL)
		return;
	for (size_t i = 0; components->list != NULL && i < components->count; i++)
		component_free(components->list[i]);
	host_free(components->host);
	free(components->list);
	free(components);
}

struct component *const *components_list(const struct components *components)
{
	return components->list;
}

size_t components_count(const struct components *components)
{
	return components->count;
}
