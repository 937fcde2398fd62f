/* SPDX-License-Identifier: Apache-2.0 */
/* cli_version.c - `concordance version`: of the program and of what it is made with. */
#include "app/cli.h"
#include "host/version.h"
#include "http_client/http_client.h"
#include "yaml/yaml.h"
#include "json/json_writer.h"

static void versions_write(const struct output *output)
{
	OWNED(buf) struct buf text = { 0 };
	struct json_writer writer;

	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_member_cstring(&writer, "version", CONCORDANCE_VERSION);
	json_member_cstring(&writer, "wasmtime", host_engine_version());
	json_member_cstring(&writer, "libcurl", http_client_library_version());
	json_member_cstring(&writer, "libyaml", yaml_library_version());
	json_member_cstring(&writer, "compiler", __VERSION__);
	json_end_object(&writer);
	(void)fprintf(output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	(void)arguments;
	if (cli->output.json)
		versions_write(&cli->output);
	else
		(void)fprintf(cli->output.out, "concordance %s (wasmtime %s)\n",
			      CONCORDANCE_VERSION, host_engine_version());
	return EXIT_CODE_OK;
}

const struct cli_command cli_version_command = {
	.name = "version",
	.usage = "",
	.summary = "print the version",
	.description = "",
	.examples = "  concordance version --json\n",
	.run = run,
};
