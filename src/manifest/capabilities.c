/* SPDX-License-Identifier: Apache-2.0 */
/* capabilities.c - what a component may do besides computing.
 *
 * A role decides what can be granted at all: aggregates, process managers and projectors are pure and
 * get configuration only; notifiers reach out by http; gateways also answer with commands and
 * external events. */
#include "manifest/internal.h"

#include "base/check.h"
#include "model/name.h"

#define CONFIG_VALUE_MAX_BYTES 65536
#define HEADER_NAME_MAX_BYTES  128
#define LIST_MAX               256

static bool list_read(struct reader *reader, const struct yaml_node *node, const char *what)
{
	if (!reader_list(reader, node, what))
		return false;
	if (node->count > LIST_MAX) {
		reader_problem(reader, node, "'%s' has %zu entries; at most %d are taken", what,
			       node->count, LIST_MAX);
		return false;
	}
	return true;
}

/* ---- config ----------------------------------------------------------------------------------- */

static void config_read(struct reader *reader, const struct yaml_node *node,
			struct manifest_capabilities *ret)
{
	struct manifest_config *items;
	size_t count = 0;

	if (node->kind != YAML_MAPPING) {
		reader_problem(reader, node,
			       "'config' must be a mapping (`name: value` lines), not %s",
			       yaml_kind_name(node->kind));
		return;
	}
	items = reader_alloc(reader, node->count, sizeof(*items));
	if (items == NULL)
		return;
	for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
		struct span name = value->key->text;
		struct error err = { 0 };

		if (name_check_type(name, &err) != OK) {
			reader_problem(
				reader, value->key,
				"a name in 'config' must begin with a letter, and have up to %d "
				"letters, digits, '_', '.' and '-'",
				TYPE_MAX_BYTES);
			continue;
		}
		if (value->duplicate) {
			reader_problem(reader, value->key,
				       "'%.*s' stands here a second time: keep one",
				       SPAN_ARG(name));
			continue;
		}
		if (value->kind != YAML_SCALAR || yaml_is_null(value)) {
			reader_problem(
				reader, value,
				"the value of '%.*s' must be a text or a number: components get "
				"text; write \"\" for an empty one",
				SPAN_ARG(name));
			continue;
		}
		if (value->text.size > CONFIG_VALUE_MAX_BYTES) {
			reader_problem(reader, value,
				       "the value of '%.*s' has %zu bytes; at most %d are "
				       "taken",
				       SPAN_ARG(name), value->text.size, CONFIG_VALUE_MAX_BYTES);
			continue;
		}
		items[count].name = reader_copy(reader, name);
		items[count].value = reader_copy(reader, value->text);
		count++;
	}
	ret->config = items;
	ret->config_count = count;
}

/* ---- http and secrets ------------------------------------------------------------------------- */

static bool url_read(struct reader *reader, const struct yaml_node *node, const char *what,
		     struct span *ret)
{
	struct error err = { 0 };
	struct span url;

	if (!reader_text(reader, node, what, &url))
		return false;
	if (url_check_base(url, &err) != OK) {
		reader_problem(reader, node, "'%.*s' cannot be allowed: %s", SPAN_ARG(url),
			       error_text(&err));
		return false;
	}
	*ret = url;
	return true;
}

static void http_read(struct reader *reader, const struct yaml_node *node,
		      struct manifest_capabilities *ret)
{
	struct reader_member members[] = { { .name = "allow", .required = true } };
	const struct yaml_node *allow;
	struct span *urls;
	size_t count = 0;

	if (!reader_members(reader, node, "'http'", members, ARRAY_COUNT(members)))
		return;
	allow = members[0].node;
	if (allow == NULL || !list_read(reader, allow, "allow"))
		return;
	if (allow->count == 0)
		reader_problem(reader, allow,
			       "'allow' is empty: name the urls, or leave out 'http'");
	urls = reader_alloc(reader, allow->count, sizeof(*urls));
	if (urls == NULL)
		return;
	for (const struct yaml_node *entry = allow->first; entry != NULL; entry = entry->next) {
		if (url_read(reader, entry, "allow", &urls[count]))
			count++;
	}
	ret->http_allow = (struct manifest_spans){ .items = urls, .count = count };
}

/* A header name (RFC 9110: token) that a secret may stand in. */
static bool header_name_check(struct reader *reader, const struct yaml_node *node, struct span name)
{
	static const char *const own[] = { "host",       "content-length", "transfer-encoding",
					   "connection", "upgrade",        "te",
					   "trailer",    "expect",         "keep-alive" };

	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)) ||
		    name.size > HEADER_NAME_MAX_BYTES) {
			reader_problem(reader, node, "'%.*s' is no header's name", SPAN_ARG(name));
			return false;
		}
	}
	for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
		if (strlen(own[i]) == name.size && strncasecmp(own[i], name.data, name.size) == 0) {
			reader_problem(reader, node,
				       "the header '%.*s' belongs to the connection; a "
				       "secret cannot stand in it",
				       SPAN_ARG(name));
			return false;
		}
	}
	return true;
}

static bool environment_name_check(struct reader *reader, const struct yaml_node *node,
				   struct span name)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		      (i != 0 && c >= '0' && c <= '9'))) {
			reader_problem(reader, node,
				       "'%.*s' is no environment variable's name: it has "
				       "letters, digits and '_'",
				       SPAN_ARG(name));
			return false;
		}
	}
	return true;
}

static bool secret_read(struct reader *reader, const struct yaml_node *node,
			const struct manifest_capabilities *capabilities,
			struct manifest_secret *ret)
{
	struct reader_member members[] = { { .name = "url", .required = true },
					   { .name = "header", .required = true },
					   { .name = "env" },
					   { .name = "file" } };
	const struct yaml_node *url, *header, *env, *file;
	bool good = true, covered = false;
	struct span path = { 0 };

	if (!reader_members(reader, node, "a secret", members, ARRAY_COUNT(members)))
		return false;
	url = members[0].node;
	header = members[1].node;
	env = members[2].node;
	file = members[3].node;
	if ((env == NULL) == (file == NULL)) {
		reader_problem(reader, node,
			       "a secret comes from 'env' (a variable) or from 'file': give "
			       "one of them");
		good = false;
	}
	if (url == NULL || !url_read(reader, url, "url", &ret->url)) {
		good = false;
	} else {
		for (size_t i = 0; i < capabilities->http_allow.count; i++)
			covered |= url_covers(capabilities->http_allow.items[i], ret->url);
		if (!covered) {
			reader_problem(reader, url, "'%.*s' is not below any url of 'http: allow'",
				       SPAN_ARG(ret->url));
			good = false;
		}
	}
	good &= header != NULL && reader_text(reader, header, "header", &ret->header) &&
		header_name_check(reader, header, ret->header);
	if (env != NULL)
		good &= reader_text(reader, env, "env", &ret->env) &&
			environment_name_check(reader, env, ret->env);
	if (file != NULL)
		good &= reader_text(reader, file, "file", &path) &&
			reader_resolve(reader, path, &ret->file);
	return good;
}

static void secrets_read(struct reader *reader, const struct yaml_node *node,
			 struct manifest_capabilities *ret)
{
	struct manifest_secret *items;
	size_t count = 0;

	if (!list_read(reader, node, "secrets"))
		return;
	items = reader_alloc(reader, node->count, sizeof(*items));
	if (items == NULL)
		return;
	for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
		if (secret_read(reader, entry, ret, &items[count]))
			count++;
	}
	ret->secrets = items;
	ret->secret_count = count;
}

/* ---- commands and events ---------------------------------------------------------------------- */

typedef enum status (*name_check_fn)(struct span name, struct error *err);

/* `any`, or a list of names. */
static void names_read(struct reader *reader, const struct yaml_node *node, const char *what,
		       name_check_fn check, bool *ret_any, struct manifest_spans *ret)
{
	struct span *items;
	size_t count = 0;

	if (node->kind == YAML_SCALAR && span_equal_string(node->text, "any")) {
		*ret_any = true;
		return;
	}
	if (node->kind != YAML_SEQUENCE) {
		reader_problem(reader, node, "'%s' must be a list of names, or `any`", what);
		return;
	}
	if (!list_read(reader, node, what))
		return;
	items = reader_alloc(reader, node->count, sizeof(*items));
	if (items == NULL)
		return;
	/* Every entry has its slot, so that places can be found again; a bad one stays .data NULL. */
	for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
		struct error err = { 0 };
		struct span name;

		if (reader_text(reader, entry, what, &name)) {
			if (check(name, &err) == OK)
				items[count] = name;
			else
				reader_problem(reader, entry, "in '%s': %s", what,
					       error_text(&err));
		}
		count++;
	}
	*ret = (struct manifest_spans){ .items = items, .count = count };
}

void capabilities_read(struct reader *reader, const struct yaml_node *node, enum manifest_role role,
		       struct manifest_capabilities *ret)
{
	enum { CONFIG, HTTP, SECRETS, COMMANDS, EVENTS };
	struct reader_member members[] = { { .name = "config" },
					   { .name = "http" },
					   { .name = "secrets" },
					   { .name = "commands" },
					   { .name = "events" } };
	bool handler = role == MANIFEST_NOTIFIER || role == MANIFEST_GATEWAY;

	if (!reader_members(reader, node, "'capabilities'", members, ARRAY_COUNT(members)))
		return;
	for (size_t i = HTTP; i < ARRAY_COUNT(members); i++) {
		bool grantable = i >= COMMANDS ? role == MANIFEST_GATEWAY : handler;

		if (members[i].node == NULL || grantable)
			continue;
		reader_problem(reader, members[i].node->key, "role %s cannot be granted '%s': %s",
			       manifest_role_word(role), members[i].name,
			       i >= COMMANDS ? "only gateways can"
					     : "only notifiers and gateways can");
		members[i].node = NULL;
	}
	if (members[CONFIG].node != NULL)
		config_read(reader, members[CONFIG].node, ret);
	if (members[HTTP].node != NULL)
		http_read(reader, members[HTTP].node, ret);
	if (members[SECRETS].node != NULL)
		secrets_read(reader, members[SECRETS].node, ret);
	if (members[COMMANDS].node != NULL)
		names_read(reader, members[COMMANDS].node, "commands", name_check_component,
			   &ret->commands_any, &ret->commands);
	if (members[EVENTS].node != NULL)
		names_read(reader, members[EVENTS].node, "events", name_check_type,
			   &ret->events_any, &ret->events);
}
