/* SPDX-License-Identifier: Apache-2.0 */
/* cli_inspect.c - `concordance inspect`: what a component file is, asks for and offers. */
#include "app/cli.h"

#include "app/json_layout.h"
#include "host/host.h"
#include "json/json_writer.h"

static const struct option_spec options[] = {
	{ .name = "cache",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "where compiled components are kept\n(default: the user's cache directory)" },
};

static const enum component_role roles[] = { ROLE_AGGREGATE, ROLE_PROCESS_MANAGER, ROLE_PROJECTOR,
					     ROLE_NOTIFIER, ROLE_GATEWAY };

/* What the host tells comes before what it found out, so it is kept as text: imports and exports
 * apart, each as lines or as JSON elements. */
struct inspection {
	bool json;
	struct buf sides[2]; /* owned: imports, exports */
};

static void item_as_json(struct buf *side, const struct host_item *item)
{
	struct json_writer writer;

	if (side->size != 0)
		buf_append_byte(side, ',');
	json_writer_init(&writer, side);
	json_begin_object(&writer);
	json_member_string(&writer, "name", item->name);
	if (item->function.size != 0)
		json_member_string(&writer, "function", item->function);
	if (item->signature.size != 0)
		json_member_string(&writer, "signature", item->signature);
	json_end_object(&writer);
}

static void item_take(const struct host_item *item, void *arg)
{
	struct inspection *inspection = arg;
	struct buf *side = &inspection->sides[item->exported];

	if (inspection->json) {
		item_as_json(side, item);
		return;
	}
	/* A component's own names: not to be trusted with a terminal. */
	buf_append_string(side, item->function.size != 0 ? "    " : "  ");
	text_layout_harmless(side, item->function.size != 0 ? item->function : item->name);
	text_layout_harmless(side, item->signature);
	buf_append_byte(side, '\n');
}

static void found_write(const struct output *output, const char *path,
			const struct host_inspection *found, const struct inspection *inspection)
{
	static const char *const names[] = { "imports", "exports" };
	OWNED(buf) struct buf text = { 0 };
	char digest[SHA256_HEX_BYTES];
	struct json_writer writer;

	sha256_format(&found->digest, digest);
	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_member_cstring(&writer, "path", path);
	json_member_cstring(&writer, "digest", digest);
	json_member_u64(&writer, "size_bytes", found->size_bytes);
	json_key(&writer, "roles");
	json_begin_array(&writer);
	for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
		if ((found->roles & 1U << roles[i]) != 0)
			json_write_string(&writer, span_from_string(component_role_word(roles[i])));
	}
	json_end_array(&writer);
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		json_key(&writer, names[i]);
		json_begin_array(&writer);
		if (inspection->sides[i].size != 0)
			json_write_raw(&writer, buf_span(&inspection->sides[i]));
		json_end_array(&writer);
	}
	json_end_object(&writer);
	(void)fprintf(output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
}

static void found_show(const struct output *output, const char *path,
		       const struct host_inspection *found, const struct inspection *inspection)
{
	static const char *const titles[] = { "imports", "exports" };
	char digest[SHA256_HEX_BYTES];
	const char *divider = "";

	sha256_format(&found->digest, digest);
	(void)fprintf(output->out, "%s%s%s\nrole     ", output_on(output, COLOUR_BOLD), path,
		      output_off(output));
	for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
		if ((found->roles & 1U << roles[i]) == 0)
			continue;
		(void)fprintf(output->out, "%s%s", divider, component_role_word(roles[i]));
		divider = ", ";
	}
	if (found->roles == 0)
		(void)fputs("none: it exports no role's interface", output->out);
	(void)fprintf(output->out, "\ndigest   sha256:%s\nsize     %llu bytes\n", digest,
		      (unsigned long long)found->size_bytes);
	for (size_t i = 0; i < ARRAY_COUNT(titles); i++) {
		if (inspection->sides[i].size == 0)
			(void)fprintf(output->out, "%s  none\n", titles[i]);
		else
			(void)fprintf(output->out, "%s\n%.*s", titles[i],
				      SPAN_ARG(buf_span(&inspection->sides[i])));
	}
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	const struct host_options host_options = { .cache_directory =
							   arguments_text(arguments, "cache") };
	struct inspection inspection = { .json = cli->output.json };
	const char *path = arguments->positionals[0];
	struct host_inspection found = { 0 };
	OWNED(host) struct host *host = NULL;
	struct error err = { 0 };
	enum status s;

	s = host_new(&host_options, &host, &err);
	if (s == OK)
		s = host_inspect(host, path, item_take, &inspection, &found, &err);
	if (s == OK &&
	    (buf_status(&inspection.sides[0]) != OK || buf_status(&inspection.sides[1]) != OK))
		s = ERROR(&err, ERR_NOMEM, "no memory for what the component imports and exports");
	if (s == OK && cli->output.json)
		found_write(&cli->output, path, &found, &inspection);
	else if (s == OK)
		found_show(&cli->output, path, &found, &inspection);
	buf_fini(&inspection.sides[0]);
	buf_fini(&inspection.sides[1]);
	return s == OK ? EXIT_CODE_OK : output_fail_status(&cli->output, s, &err, NULL);
}

const struct cli_command cli_inspect_command = {
	.name = "inspect",
	.usage = "FILE.wasm",
	.summary = "show a component's role, imports, exports and digest",
	.description = "Looks at the file alone; nothing of it is run.",
	.examples = "  concordance inspect build/bankaccount.wasm\n"
		    "  concordance inspect build/bankaccount.wasm --json | jq -r .digest\n",
	.options = options,
	.option_count = ARRAY_COUNT(options),
	.positionals_min = 1,
	.positionals_max = 1,
	.run = run,
};
