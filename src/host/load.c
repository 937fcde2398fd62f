/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - from a file to a component that can be called: read, compile or take from the cache, check
 * against the contract, link, and open one instance on trial. */
#include <stdlib.h>

#include "base/log.h"
#include "base/utf8.h"
#include "base/vfs.h"
#include "host/internal.h"
#include "model/name.h"

/* The eight bytes that a file of WebAssembly begins with; the last four say of which kind. */
static const char component_head[8] = { 0, 'a', 's', 'm', 13, 0, 1, 0 };
static const char module_head[8] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };

static enum status check_head(struct span file, struct error *err)
{
	if (file.size == 0)
		return ERROR(err, ERR_INVALID,
			     "the file is empty; expected a WebAssembly component");
	if (file.size >= 8 && memcmp(file.data, component_head, 8) == 0)
		return OK;
	if (file.size >= 8 && memcmp(file.data, module_head, 8) == 0)
		return ERROR(err, ERR_INVALID,
			     "the file is a core module, not a component: make one of it with "
			     "'wasm-tools component new'");
	if (file.size >= 4 && memcmp(file.data, component_head, 4) == 0)
		return ERROR(err, ERR_INVALID,
			     "the file is WebAssembly of an unknown version; expected a component");
	return ERROR(err, ERR_INVALID, "the file is no WebAssembly; expected a component");
}

/* Code that wasmtime does not take, although it is what was written, is of an engine with other
 * settings: as good as none. */
static wasmtime_component_t *deserialize(struct host *host, struct span code, struct buf *ret_cause)
{
	wasmtime_component_t *component = NULL;
	wasmtime_error_t *error = wasmtime_component_deserialize(
		host->engine, (const uint8_t *)(const void *)code.data, code.size, &component);

	if (error != NULL) {
		failure_append_cause(error, ret_cause);
		wasmtime_error_delete(error);
		return NULL;
	}
	return component;
}

static enum status make_code(struct host *host, struct span file, struct loaded *ret,
			     struct error *err)
{
	OWNED(buf) struct buf code = { 0 };
	OWNED(buf) struct buf cause = { 0 };

	if (host->cache_directory != NULL &&
	    code_cache_read(host->cache_directory, &ret->digest, &code)) {
		ret->code = deserialize(host, buf_span(&code), &cause);
		if (ret->code != NULL)
			return OK;
		log_event(LOG_WARN, "code_cache_file_refused", LOG_SPAN("detail", buf_span(&cause)),
			  LOG_STRING("effect", "the component is compiled again"));
	}
	buf_clear(&code);
	buf_clear(&cause);
	enum status s = compile(host, file, &code, err);
	if (s != OK)
		return s;
	ret->code = deserialize(host, buf_span(&code), &cause);
	if (ret->code == NULL)
		return ERROR(err, ERR_LIMIT, "this host cannot hold it: %.*s",
			     SPAN_ARG(buf_span(&cause)));
	if (host->cache_directory != NULL)
		code_cache_write(host->cache_directory, &ret->digest, buf_span(&code));
	return OK;
}

enum status load_code(struct host *host, const char *path, struct loaded *ret, struct error *err)
{
	OWNED(buf) struct buf file = { 0 };

	*ret = (struct loaded){ 0 };
	enum status s =
		vfs_read_file(vfs_system(), path, (size_t)host->component_max_bytes, &file, err);
	if (s == ERR_LIMIT)
		return ERROR(err, s, "the file has more than %llu bytes",
			     (unsigned long long)host->component_max_bytes);
	if (s != OK)
		return s;
	s = check_head(buf_span(&file), err);
	if (s == OK) {
		ret->digest = digest_sha256(buf_span(&file));
		ret->size_bytes = file.size;
		s = make_code(host, buf_span(&file), ret, err);
	}
	return s;
}

/* ---- a guest ---------------------------------------------------------------------------------- */

static enum status copy_config(struct guest *guest, const struct host_component *spec,
			       struct error *err)
{
	size_t size = 0;

	for (size_t i = 0; i < spec->config_count; i++)
		size += spec->config[i].name.size + spec->config[i].value.size + 64;
	guest->arena = arena_new(size + spec->config_count * sizeof(*guest->config) + 4096);
	if (guest->arena != NULL)
		guest->config =
			arena_alloc_array(guest->arena, spec->config_count, sizeof(*guest->config));
	if (guest->config == NULL)
		return ERROR(err, ERR_NOMEM, "its configuration");
	for (size_t i = 0; i < spec->config_count; i++) {
		guest->config[i].name = arena_copy(guest->arena, spec->config[i].name);
		guest->config[i].value = arena_copy(guest->arena, spec->config[i].value);
		if (guest->config[i].name.data == NULL || guest->config[i].value.data == NULL)
			return ERROR(err, ERR_NOMEM, "its configuration");
	}
	guest->config_count = spec->config_count;
	return OK;
}

static enum status register_metrics(struct guest *guest, struct error *err)
{
	static const char *const functions[GUEST_FUNCTIONS] = { "open", "handle", "apply" };
	static const char *const failures[GUEST_FAILURES] = {
#define X(name, word) [name] = (word),
		GUEST_FAILURE_TABLE(X)
#undef X
	};
	struct metrics *metrics = guest->host->metrics;
	OWNED(buf) struct buf labels = { 0 };

	if (metrics == NULL)
		return OK;
	for (int i = 0; i < GUEST_FUNCTIONS; i++) {
		buf_clear(&labels);
		buf_append_format(&labels, "component=\"%s\",function=\"%s\"",
				  guest->component.name, functions[i]);
		buf_append_byte(&labels, '\0');
		if (buf_status(&labels) == OK)
			guest->durations[i] = metrics_duration(
				metrics, "concordance_component_call_duration_seconds", labels.data,
				"Time in a function of a component; open: making an instance");
		if (guest->durations[i] == NULL)
			return ERROR(err, ERR_NOMEM, "metrics");
	}
	for (int i = 0; i < GUEST_FAILURES; i++) {
		buf_clear(&labels);
		buf_append_format(&labels, "component=\"%s\",kind=\"%s\"", guest->component.name,
				  failures[i]);
		buf_append_byte(&labels, '\0');
		if (buf_status(&labels) == OK)
			guest->failures[i] =
				metrics_counter(metrics, "concordance_component_failures_total",
						labels.data, "Calls of a component that failed");
		if (guest->failures[i] == NULL)
			return ERROR(err, ERR_NOMEM, "metrics");
	}
	return OK;
}

static enum status link_imports(struct guest *guest, const struct contract_imports *imports,
				struct error *err)
{
	wasmtime_error_t *error = NULL;
	OWNED(buf) struct buf cause = { 0 };

	guest->linker = wasmtime_component_linker_new(guest->host->engine);
	guest->uses_wasi = imports->wasi;
	if (imports->wasi)
		error = wasi_link(guest->linker);
	if (error == NULL && imports->logging)
		error = logging_link(guest->linker);
	if (error == NULL && imports->config)
		error = config_store_link(guest->linker);
	if (error == NULL)
		return OK;
	failure_append_cause(error, &cause);
	wasmtime_error_delete(error);
	return ERROR(err, ERR_INVALID, "its imports: %.*s", SPAN_ARG(buf_span(&cause)));
}

static enum status find_exports(struct guest *guest, struct span interface, struct error *err)
{
	static const char *const names[GUEST_FUNCTIONS] = { NULL, "handle", "apply" };
	wasmtime_component_export_index_t *instance = wasmtime_component_get_export_index(
		guest->code, NULL, interface.data, interface.size);

	guest->exports[GUEST_OPEN] = instance;
	for (int i = GUEST_OPEN + 1; instance != NULL && i < GUEST_FUNCTIONS; i++) {
		guest->exports[i] = wasmtime_component_get_export_index(guest->code, instance,
									names[i], strlen(names[i]));
		if (guest->exports[i] == NULL)
			instance = NULL;
	}
	if (instance == NULL)
		return ERROR(err, ERR_INVALID, "a function of %.*s is not exported",
			     SPAN_ARG(interface));
	return OK;
}

static void ignore_line(enum component_log_level level, struct span context, struct span message,
			void *arg)
{
	(void)level, (void)context, (void)message, (void)arg;
}

/* Shows that imports fit and that it comes up within its limits, before anybody depends on it. */
static enum status try_opening(struct guest *guest, struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(4096);
	const struct component_call call = { .seed = SPAN("trial"),
					     .arena = arena,
					     .log = ignore_line };
	struct component_instance *instance = NULL;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "a trial instance");
	enum status s = instance_open(&guest->component, &call, &instance, err);
	if (s == OK) {
		/* Its clock stood at 0: nothing for real calls. */
		guest_instance_of(instance)->failed = true;
		instance_close(instance);
	}
	/* Not a call that failed, but a component that cannot be had. */
	return s == ERR_TRAP ? ERR_INVALID : s;
}

static enum status prepare(struct guest *guest, const struct host_component *spec,
			   struct error *err)
{
	struct host *host = guest->host;
	OWNED(buf) struct buf interface = { 0 };
	struct contract_imports imports;
	struct loaded loaded;

	enum status s = load_code(host, spec->path, &loaded, err);
	if (s != OK)
		return s;
	guest->code = loaded.code;
	guest->component.digest = loaded.digest;
	guest->component.size_bytes = loaded.size_bytes;
	wasmtime_component_type_t *type = wasmtime_component_type(guest->code);
	s = contract_check_exports(host->engine, type, spec->role, &interface, err);
	if (s == OK)
		s = contract_check_imports(host->engine, type, spec->role, spec->grants, &imports,
					   err);
	wasmtime_component_type_delete(type);
	if (s == OK && spec->role != ROLE_AGGREGATE)
		s = ERROR(err, ERR_UNSUPPORTED, "this version does not run the role '%s' yet",
			  component_role_word(spec->role));
	if (s == OK)
		s = link_imports(guest, &imports, err);
	if (s == OK)
		s = find_exports(guest, buf_span(&interface), err);
	if (s == OK)
		s = copy_config(guest, spec, err);
	if (s == OK)
		s = try_opening(guest, err);
	if (s == OK)
		s = register_metrics(guest, err);
	return s == OK ? OK : error_wrap(err, s, "%s", spec->path);
}

/* NULL: memory is out. */
static struct guest *guest_new(struct host *host, const struct host_component *spec)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (guest == NULL)
		return NULL;
	guest->host = host;
	guest->component = (struct component){ .ops = &aggregate_ops,
					       .role = spec->role,
					       .limits = spec->limits,
					       .reused = spec->reused };
	/* The name was checked: it has less than 64 bytes. */
	memcpy(guest->component.name, spec->name, strlen(spec->name) + 1);
	mutex_init(&guest->mu, RANK_HOST);
	return guest;
}

static enum status check_spec(const struct host_component *spec, struct error *err)
{
	enum status s = name_check_component(span_from_string(spec->name), err);

	for (size_t i = 0; s == OK && i < spec->config_count; i++)
		if (!utf8_is_valid(spec->config[i].name) || !utf8_is_valid(spec->config[i].value))
			s = ERROR(err, ERR_INVALID, "a value of its configuration is not UTF-8");
	return s;
}

enum status host_load(struct host *host, const struct host_component *spec, struct component **ret,
		      struct error *err)
{
	enum status s = check_spec(spec, err);

	if (s != OK)
		return error_wrap(err, s, "component '%s'", spec->name);
	struct guest *guest = guest_new(host, spec);
	if (guest == NULL)
		return ERROR(err, ERR_NOMEM, "component '%s'", spec->name);
	s = prepare(guest, spec, err);
	if (s != OK) {
		guest_free(&guest->component);
		return error_wrap(err, s, "component '%s'", spec->name);
	}
	*ret = &guest->component;
	return OK;
}
