/* SPDX-License-Identifier: Apache-2.0 */
/* cli_check.c - `concordance check`: would `run` serve this application?
 *
 * First the manifest, with all its mistakes; when it has none, each component by itself, so that one
 * that is wrong does not hide what is wrong with the next. */
#include "app/cli.h"

#include "app/components.h"
#include "json/json_writer.h"

#define MANIFEST_ARENA_BYTES ((size_t)32 << 20)

static const struct option_spec options[] = {
	{ .name = "file",
	  .letter = 'f',
	  .kind = OPTION_TEXT,
	  .value = "FILE",
	  .help = "the manifest (default: concordance.yaml)" },
	{ .name = "cache",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "where compiled components are kept\n(default: the user's cache directory)" },
};

struct check {
	const struct output *output;
	const char *path;
	const char *cache_directory;
	struct arena *arena;
	struct manifest *manifest;
	struct manifest_problems problems;
	struct buf text; /* owned; JSON */
	struct json_writer writer;
	size_t bad_count;
};

/* ---- the manifest ------------------------------------------------------------------------------- */

static void problems_show(struct check *check)
{
	for (size_t i = 0; i < check->problems.count; i++) {
		const struct manifest_problem *problem = &check->problems.items[i];
		OWNED(buf) struct buf line = { 0 };

		if (check->output->json) {
			json_begin_object(&check->writer);
			json_member_cstring(&check->writer, "file", check->path);
			json_member_u64(&check->writer, "line", problem->line);
			json_member_u64(&check->writer, "column", problem->column);
			json_member_string(&check->writer, "message", problem->message);
			json_end_object(&check->writer);
			continue;
		}
		manifest_problem_append(&line, check->path, problem);
		(void)fprintf(check->output->err, "%.*s\n", SPAN_ARG(buf_span(&line)));
	}
	if (check->problems.dropped != 0 && !check->output->json)
		(void)fprintf(check->output->err, "%s: and %zu more\n", check->path,
			      check->problems.dropped);
}

/* ---- the components ----------------------------------------------------------------------------- */

static void component_write(struct check *check, const struct manifest_component *entry,
			    const struct component *component, const struct error *err)
{
	struct json_writer *writer = &check->writer;
	char digest[SHA256_HEX_BYTES];

	json_begin_object(writer);
	json_member_string(writer, "name", entry->name);
	json_member_cstring(writer, "role", manifest_role_word(entry->role));
	json_member_string(writer, "path", entry->path);
	json_member_bool(writer, "ok", component != NULL);
	if (component != NULL) {
		sha256_format(&component->digest, digest);
		json_member_cstring(writer, "digest", digest);
		json_member_u64(writer, "size_bytes", component->size_bytes);
	} else {
		json_member_cstring(writer, "error", error_text(err));
	}
	json_end_object(writer);
}

static void component_show(const struct check *check, const struct manifest_component *entry,
			   const struct component *component, int name_width)
{
	char digest[SHA256_HEX_BYTES];

	sha256_format(&component->digest, digest);
	(void)fprintf(check->output->out, "%sok%s  %-15s  %-*.*s  sha256:%.*s  %8llu bytes\n",
		      output_on(check->output, COLOUR_GREEN), output_off(check->output),
		      manifest_role_word(entry->role), name_width, SPAN_ARG(entry->name),
		      check->output->terminal ? 16 : SHA256_HEX_BYTES - 1, digest,
		      (unsigned long long)component->size_bytes);
}

static int name_width(const struct manifest *manifest)
{
	size_t width = 0;

	for (size_t i = 0; i < manifest->component_count; i++) {
		if (manifest->components[i].name.size > width)
			width = manifest->components[i].name.size;
	}
	return (int)width;
}

/* What is wrong with a component has been told by components_load(), with its place. */
static void component_check(struct check *check, const struct manifest_component *entry, int width)
{
	struct manifest one = *check->manifest;
	struct components *loaded = NULL;
	struct error err = { 0 };
	enum status s;

	one.components = entry;
	one.component_count = 1;
	s = components_load(&one, check->cache_directory, NULL, &loaded, &err);
	if (check->output->json)
		component_write(check, entry, s == OK ? components_list(loaded)[0] : NULL, &err);
	else if (s == OK)
		component_show(check, entry, components_list(loaded)[0], width);
	else if (s != ERR_INVALID)
		(void)output_fail_status(check->output, s, &err, NULL);
	check->bad_count += s != OK;
	components_free(loaded);
}

/* ---- both --------------------------------------------------------------------------------------- */

static enum status check_all(struct check *check, struct error *err)
{
	enum status s = manifest_load(check->path, vfs_system(), check->arena, &check->manifest,
				      &check->problems, err);

	if (s != OK && s != ERR_INVALID)
		return s;
	json_writer_init(&check->writer, &check->text);
	json_begin_object(&check->writer);
	json_member_cstring(&check->writer, "file", check->path);
	json_key(&check->writer, "problems");
	json_begin_array(&check->writer);
	problems_show(check);
	json_end_array(&check->writer);
	json_key(&check->writer, "components");
	json_begin_array(&check->writer);
	for (size_t i = 0; s == OK && i < check->manifest->component_count; i++)
		component_check(check, &check->manifest->components[i],
				name_width(check->manifest));
	json_end_array(&check->writer);
	check->bad_count += check->problems.count + check->problems.dropped;
	json_member_bool(&check->writer, "ok", check->bad_count == 0);
	json_end_object(&check->writer);
	if (check->output->json)
		(void)fprintf(check->output->out, "%.*s\n", SPAN_ARG(buf_span(&check->text)));
	return OK;
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	const char *file = arguments_text(arguments, "file");
	struct check check = { .output = &cli->output,
			       .path = file != NULL ? file : "concordance.yaml",
			       .cache_directory = arguments_text(arguments, "cache"),
			       .arena = arena_new(MANIFEST_ARENA_BYTES) };
	struct error err = { 0 };
	enum status s = check.arena != NULL ? check_all(&check, &err)
					    : ERROR(&err, ERR_NOMEM, "no memory for the manifest");

	arena_free(check.arena);
	buf_fini(&check.text);
	if (s != OK)
		return output_fail_status(
			&cli->output, s, &err,
			s == ERR_NOT_FOUND && file == NULL
				? "Go to the application's folder, or name it: -f FILE."
				: NULL);
	return check.bad_count == 0 ? EXIT_CODE_OK : EXIT_CODE_INVALID;
}

const struct cli_command cli_check_command = {
	.name = "check",
	.usage = "",
	.summary = "check a manifest and its components",
	.description = "Tells everything that is wrong, then each component that can be served.",
	.examples = "  concordance check\n"
		    "  concordance check -f examples/bank/concordance.yaml --json\n",
	.options = options,
	.option_count = ARRAY_COUNT(options),
	.run = run,
};
