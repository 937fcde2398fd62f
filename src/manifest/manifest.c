/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - the manifest as a whole: its top members, and what its parts say about each other.
 *
 * In one pass over a tree that is read already: the top members, each component by itself
 * (component.c), then the checks across components. Problems are noted on the way (reader.c) and
 * sorted into the order of the file at the end. */
#include "manifest/internal.h"

#include "base/map.h"
#include "base/suggest.h"
#include "model/name.h"

#define HOSTS_MAX 256
#define MIB       (UINT64_C(1) << 20)

static const struct manifest_limits limits_default = {
	.memory_bytes = 64 * MIB,
	.call_ms = 250,
	.output_bytes = MIB,
	.log_lines = 100,
	.log_line_bytes = 1024,
};

/* ---- top members ------------------------------------------------------------------------------ */

static void application_read(struct reader *reader, const struct yaml_node *node,
			     struct manifest *manifest)
{
	struct error err = { 0 };
	struct span name;

	if (!reader_text(reader, node, "application", &name))
		return;
	if (name_check_component(name, &err) == OK)
		manifest->application = name;
	else
		reader_problem(reader, node, "%s", error_text(&err));
}

static void external_read(struct reader *reader, const struct yaml_node *node,
			  struct manifest *manifest)
{
	static const char *const words[] = { "interest", "any" };
	struct reader_member members[] = { { .name = "accept", .required = true } };
	size_t choice;

	if (reader_members(reader, node, "'external'", members, ARRAY_COUNT(members)) &&
	    members[0].node != NULL &&
	    reader_choice(reader, members[0].node, "accept", words, ARRAY_COUNT(words), &choice))
		manifest->external_accept_any = choice == 1;
}

/* A name or address as a client's Host header has it, without port. */
static bool host_is_good(struct span host)
{
	if (host.size == 0 || host.size > 253)
		return false;
	for (size_t i = 0; i < host.size; i++) {
		char c = host.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '.'))
			return false;
	}
	return true;
}

static void hosts_read(struct reader *reader, const struct yaml_node *node,
		       struct manifest *manifest)
{
	struct span *hosts;
	size_t count = 0;

	if (!reader_list(reader, node, "hosts"))
		return;
	if (node->count > HOSTS_MAX) {
		reader_problem(reader, node, "'hosts' has %zu names; at most %d are taken",
			       node->count, HOSTS_MAX);
		return;
	}
	hosts = reader_alloc(reader, node->count, sizeof(*hosts));
	if (hosts == NULL)
		return;
	for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
		if (!reader_text(reader, entry, "hosts", &hosts[count]))
			continue;
		if (host_is_good(hosts[count]))
			count++;
		else
			reader_problem(
				reader, entry,
				"'%.*s' is no host's name: write it without scheme and port, like "
				"bank.example.org",
				SPAN_ARG(hosts[count]));
	}
	manifest->hosts = (struct manifest_spans){ .items = hosts, .count = count };
}

static void http_read(struct reader *reader, const struct yaml_node *node,
		      struct manifest *manifest)
{
	struct reader_member members[] = { { .name = "listen" }, { .name = "hosts" } };
	struct error err = { 0 };
	struct span text, address;
	uint16_t port;

	if (!reader_members(reader, node, "'http'", members, ARRAY_COUNT(members)))
		return;
	if (members[0].node != NULL && reader_text(reader, members[0].node, "listen", &text)) {
		enum status s = manifest_listen_parse(text, reader->arena, &address, &port, &err);

		if (s == OK)
			manifest->listen = text;
		else if (s == ERR_NOMEM)
			reader->nomem = true;
		else
			reader_problem(reader, members[0].node, "%s", error_text(&err));
	}
	if (members[1].node != NULL)
		hosts_read(reader, members[1].node, manifest);
}

/* ---- across components ------------------------------------------------------------------------ */

/* What a component may refer to. */
struct sources {
	const struct component_source *items;
	const char **aggregates; /* names, as words for suggestions */
	size_t aggregate_count;
	struct map externals; /* types of external events that are wanted, in snake case */
};

static bool aggregate_is_known(const struct sources *sources, struct span name)
{
	for (size_t i = 0; i < sources->aggregate_count; i++) {
		if (span_equal_string(name, sources->aggregates[i]))
			return true;
	}
	return false;
}

static void problem_no_aggregate(struct reader *reader, const struct yaml_node *at,
				 struct span name, const struct sources *sources)
{
	OWNED(buf) struct buf suggestion = { .max_bytes = 400 };

	suggest_append(&suggestion, name, sources->aggregates, sources->aggregate_count);
	reader_problem(reader, at, "no aggregate of this manifest is named '%.*s'%.*s",
		       SPAN_ARG(name), SPAN_ARG(buf_span(&suggestion)));
}

static void names_check_unique(struct reader *reader, const struct manifest *manifest,
			       const struct sources *sources)
{
	const struct manifest_component *components = manifest->components;

	for (size_t i = 1; i < manifest->component_count; i++) {
		for (size_t j = 0; j < i && components[i].name.data != NULL; j++) {
			if (!span_equal(components[i].name, components[j].name))
				continue;
			reader_problem(
				reader, sources->items[i].name,
				"the name '%.*s' is taken in line %u: names are unique over all "
				"roles",
				SPAN_ARG(components[i].name), sources->items[j].name->line);
			break;
		}
	}
}

static void interest_check(struct reader *reader, const struct manifest_component *component,
			   const struct component_source *source, const struct sources *sources)
{
	for (size_t i = 0; i < component->interest.count; i++) {
		struct span category = component->interest.items[i].category;

		if (category.data != NULL && !span_equal_string(category, CATEGORY_EXTERNAL) &&
		    !aggregate_is_known(sources, category))
			problem_no_aggregate(reader, source->interest_nodes[i], category, sources);
	}
}

/* Into the arena: what types that match have in common. */
static struct span snake_case(struct reader *reader, struct span type)
{
	OWNED(buf) struct buf form = { 0 };

	type_append_snake_case(&form, type);
	if (buf_status(&form) != OK) {
		reader->nomem = true;
		return SPAN_EMPTY;
	}
	return reader_copy(reader, buf_span(&form));
}

/* What a gateway may send must be able to arrive. */
static void grants_check(struct reader *reader, const struct manifest *manifest,
			 const struct manifest_capabilities *grants,
			 const struct component_source *source, const struct sources *sources)
{
	const struct yaml_node *at = grants->commands.count != 0 ? source->commands->first : NULL;

	for (size_t i = 0; i < grants->commands.count; i++, at = at->next) {
		struct span name = grants->commands.items[i];

		if (name.data != NULL && !aggregate_is_known(sources, name))
			problem_no_aggregate(reader, at, name, sources);
	}
	at = grants->events.count != 0 ? source->events->first : NULL;
	for (size_t i = 0; i < grants->events.count; i++, at = at->next) {
		struct span type = grants->events.items[i];

		if (type.data != NULL && !manifest->external_accept_any &&
		    map_find(&sources->externals, snake_case(reader, type)) == NULL)
			reader_problem(reader, at,
				       "no component has an interest in 'external/%.*s': add it to "
				       "one, or "
				       "set `external: { accept: any }`",
				       SPAN_ARG(type));
	}
}

static void external_types_collect(struct reader *reader, struct manifest *manifest,
				   struct sources *sources)
{
	struct map_node *nodes;
	struct span *types;
	size_t count = 0;

	for (size_t i = 0; i < manifest->component_count; i++)
		count += manifest->components[i].interest.count;
	types = reader_alloc(reader, count, sizeof(*types));
	nodes = reader_alloc(reader, count, sizeof(*nodes));
	if (types == NULL || nodes == NULL)
		return;
	count = 0;
	for (size_t i = 0; i < manifest->component_count; i++) {
		const struct manifest_interests *interest = &manifest->components[i].interest;

		for (size_t j = 0; j < interest->count; j++) {
			struct span form;

			if (!span_equal_string(interest->items[j].category, CATEGORY_EXTERNAL))
				continue;
			form = snake_case(reader, interest->items[j].type);
			if (form.data == NULL || map_find(&sources->externals, form) != NULL)
				continue;
			if (map_add(&sources->externals, form, &nodes[count]) != OK) {
				reader->nomem = true;
				return;
			}
			types[count++] = interest->items[j].type;
		}
	}
	manifest->external_types = (struct manifest_spans){ .items = types, .count = count };
}

static void components_read(struct reader *reader, const struct yaml_node *node,
			    struct manifest *manifest)
{
	struct manifest_component *components;
	struct component_source *items;
	struct sources sources = { 0 };
	size_t count = 0;

	if (!reader_list(reader, node, "components"))
		return;
	if (node->count == 0) {
		reader_problem(reader, node,
			       "'components' is empty: an application has at least one");
		return;
	}
	if (node->count > MANIFEST_COMPONENTS_MAX) {
		reader_problem(reader, node, "'components' has %zu entries; at most %d are taken",
			       node->count, MANIFEST_COMPONENTS_MAX);
		return;
	}
	components = reader_alloc(reader, node->count, sizeof(*components));
	items = reader_alloc(reader, node->count, sizeof(*items));
	sources.aggregates = reader_alloc(reader, node->count, sizeof(const char *));
	if (components == NULL || items == NULL || sources.aggregates == NULL)
		return;
	for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
		component_read(reader, entry, &manifest->limits, &components[count], &items[count]);
		/* One whose role is wrong counts as well: its mistake has been told once. */
		if (components[count].role == MANIFEST_AGGREGATE &&
		    components[count].name.data != NULL)
			sources.aggregates[sources.aggregate_count++] = components[count].name.data;
		count++;
	}
	sources.items = items;
	manifest->components = components;
	manifest->component_count = count;
	if (reader->nomem)
		return;
	map_init(&sources.externals);
	external_types_collect(reader, manifest, &sources);
	names_check_unique(reader, manifest, &sources);
	for (size_t i = 0; i < count; i++) {
		interest_check(reader, &components[i], &items[i], &sources);
		grants_check(reader, manifest, &components[i].capabilities, &items[i], &sources);
	}
	map_fini(&sources.externals);
}

static void root_read(struct reader *reader, const struct yaml_node *root,
		      struct manifest *manifest)
{
	enum { CONCORDANCE, APPLICATION, COMPONENTS, LIMITS, COMPONENT_MAX_MIB, EXTERNAL, HTTP };
	struct reader_member members[] = { { .name = "concordance" },
					   { .name = "application", .required = true },
					   { .name = "components", .required = true },
					   { .name = "limits" },
					   { .name = "component_max_mib" },
					   { .name = "external" },
					   { .name = "http" } };
	const struct yaml_node *version = root != NULL ? yaml_find(root, "concordance") : NULL;
	uint64_t value;

	if (root == NULL || (root->kind == YAML_SCALAR && yaml_is_null(root))) {
		reader_problem(reader, NULL,
			       "the file is empty: a manifest begins with `concordance: 1`");
		return;
	}
	/* Another version has other members: its number is all there is to say. */
	if (version != NULL && version->kind == YAML_SCALAR && version->plain &&
	    span_parse_u64(version->text, &value) && value != 1) {
		reader_problem(reader, version,
			       "this is a manifest of format %llu; this version reads format 1",
			       (unsigned long long)value);
		return;
	}
	if (!reader_members(reader, root, "a manifest", members, ARRAY_COUNT(members)))
		return;
	if (version == NULL)
		reader_problem(reader, root,
			       "the manifest's format is missing: add `concordance: 1`");
	else if (members[CONCORDANCE].node != NULL)
		(void)reader_u64(reader, version, "concordance", 1, 1, &value); /* noted */
	if (members[APPLICATION].node != NULL)
		application_read(reader, members[APPLICATION].node, manifest);
	if (members[LIMITS].node != NULL)
		limits_read(reader, members[LIMITS].node, &manifest->limits);
	if (members[COMPONENT_MAX_MIB].node != NULL &&
	    reader_u64(reader, members[COMPONENT_MAX_MIB].node, "component_max_mib", 1, 1024,
		       &value))
		manifest->component_max_bytes = value * MIB;
	if (members[EXTERNAL].node != NULL)
		external_read(reader, members[EXTERNAL].node, manifest);
	if (members[HTTP].node != NULL)
		http_read(reader, members[HTTP].node, manifest);
	/* Last: components start from the limits and look at `external`. */
	if (members[COMPONENTS].node != NULL)
		components_read(reader, members[COMPONENTS].node, manifest);
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Insertion sort: stable, and at most MANIFEST_PROBLEMS_MAX. */
static void problems_sort(struct manifest_problem *problems, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct manifest_problem moved = problems[i];
		size_t j = i;

		for (; j > 0 && (problems[j - 1].line > moved.line ||
				 (problems[j - 1].line == moved.line &&
				  problems[j - 1].column > moved.column));
		     j--)
			problems[j] = problems[j - 1];
		problems[j] = moved;
	}
}

static enum status problems_tell(const struct reader *reader, struct manifest_problems *ret,
				 struct error *err)
{
	OWNED(buf) struct buf first = { .max_bytes = ERROR_MESSAGE_MAX_BYTES };
	size_t more = reader->problem_count - 1 + reader->dropped;

	problems_sort(reader->problems, reader->problem_count);
	if (ret != NULL)
		*ret = (struct manifest_problems){ .items = reader->problems,
						   .count = reader->problem_count,
						   .dropped = reader->dropped };
	manifest_problem_append(&first, reader->path, &reader->problems[0]);
	if (more != 0)
		buf_append_format(&first, " (and %zu more)", more);
	return ERROR(err, ERR_INVALID, "%.*s", SPAN_ARG(buf_span(&first)));
}

enum status manifest_parse(struct span text, const char *path, struct arena *arena,
			   struct manifest **ret, struct manifest_problems *ret_problems,
			   struct error *err)
{
	struct reader reader = { .arena = arena, .path = path };
	struct error yaml_err = { 0 };
	const struct yaml_node *root = NULL;
	struct yaml_place place = { 0 };
	struct manifest *manifest;
	enum status s;

	reader.problems = reader_alloc(&reader, MANIFEST_PROBLEMS_MAX, sizeof(*reader.problems));
	manifest = reader_alloc(&reader, 1, sizeof(*manifest));
	if (reader.problems == NULL || manifest == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for the manifest");
	manifest->path = reader_copy(&reader, span_from_string(path));
	manifest->limits = limits_default;
	manifest->component_max_bytes = 64 * MIB;

	s = yaml_parse(text, arena, &root, &place, &yaml_err);
	if (s == ERR_INVALID || s == ERR_LIMIT) {
		const struct yaml_node at = { .line = place.line, .column = place.column };

		reader_problem(&reader, &at, "%s", error_text(&yaml_err));
	} else if (s != OK) {
		return ERROR(err, s, "%s: %s", path, error_text(&yaml_err));
	} else {
		root_read(&reader, root, manifest);
	}
	if (reader.nomem)
		return ERROR(err, ERR_NOMEM, "no memory for what '%s' says", path);
	if (reader.problem_count != 0)
		return problems_tell(&reader, ret_problems, err);
	if (ret_problems != NULL)
		*ret_problems = (struct manifest_problems){ 0 };
	*ret = manifest;
	return OK;
}

enum status manifest_load(const char *path, struct vfs *vfs, struct arena *arena,
			  struct manifest **ret, struct manifest_problems *ret_problems,
			  struct error *err)
{
	OWNED(buf) struct buf text = { 0 };
	enum status s = vfs_read_file(vfs, path, MANIFEST_MAX_BYTES, &text, err);

	if (s != OK)
		return error_wrap(err, s, "reading the manifest");
	return manifest_parse(buf_span(&text), path, arena, ret, ret_problems, err);
}

void manifest_problem_append(struct buf *buf, const char *path,
			     const struct manifest_problem *problem)
{
	buf_append_string(buf, path);
	if (problem->line != 0)
		buf_append_format(buf, ":%u:%u", problem->line, problem->column);
	buf_append_string(buf, ": ");
	buf_append_span(buf, problem->message);
}
