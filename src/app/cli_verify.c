/* SPDX-License-Identifier: Apache-2.0 */
/* cli_verify.c - `concordance verify`: is a data directory as it was written?
 *
 * Every place of damage is told as it is found, the summary at the end. Nothing is changed. */
#include "app/cli.h"

#include <unistd.h>

#include "app/progress.h"
#include "store_journal/journal.h"
#include "json/json_writer.h"

struct verification {
	const struct output *output;
	struct buf damages; /* owned; JSON array elements, when asked for */
	struct progress *progress;
};

static void damage_write(struct json_writer *writer, const struct journal_damage *damage)
{
	json_begin_object(writer);
	json_member_u64(writer, "segment", damage->segment);
	json_member_u64(writer, "offset", damage->offset);
	if (damage->last_sequence >= damage->first_sequence) {
		json_member_u64(writer, "first_sequence", damage->first_sequence);
		json_member_u64(writer, "last_sequence", damage->last_sequence);
	}
	json_member_cstring(writer, "what", damage->what);
	json_end_object(writer);
}

static void damage_show(const struct journal_damage *damage, void *arg)
{
	struct verification *v = arg;
	struct json_writer writer;

	if (v->output->json) {
		if (v->damages.size != 0)
			buf_append_byte(&v->damages, ',');
		json_writer_init(&writer, &v->damages);
		damage_write(&writer, damage);
		return;
	}
	progress_end(v->progress);
	(void)fprintf(v->output->out, "%sdamaged%s  segment-%08llu  offset %llu  %s",
		      output_on(v->output, COLOUR_RED), output_off(v->output),
		      (unsigned long long)damage->segment, (unsigned long long)damage->offset,
		      damage->what);
	if (damage->last_sequence >= damage->first_sequence)
		(void)fprintf(v->output->out, "  (frames %llu to %llu)",
			      (unsigned long long)damage->first_sequence,
			      (unsigned long long)damage->last_sequence);
	(void)fputc('\n', v->output->out);
}

static void report_write(const struct verification *v, const struct journal_report *report, bool ok)
{
	OWNED(buf) struct buf text = { 0 };
	char log_id[UUID_TEXT_BYTES], chain[SHA256_HEX_BYTES];
	struct json_writer writer;

	uuid_format(&report->log_id, log_id);
	sha256_format(&report->chain_head, chain);
	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_member_bool(&writer, "ok", ok);
	json_member_cstring(&writer, "log_id", log_id);
	json_member_u64(&writer, "events", report->event_count);
	json_member_u64(&writer, "frames", report->frame_count);
	/* Behind lost frames, streams can no longer be told apart. */
	if (ok)
		json_member_u64(&writer, "streams", report->stream_count);
	json_member_u64(&writer, "commits", report->commit_count);
	json_member_u64(&writer, "segments", report->segment_count);
	json_member_u64(&writer, "last_sequence", report->last_sequence);
	json_member_cstring(&writer, "chain_head", chain);
	json_member_bool(&writer, "closed_in_order", report->closed);
	json_member_bool(&writer, "unfinished_write", report->unfinished);
	json_key(&writer, "damages");
	json_begin_array(&writer);
	if (v->damages.size != 0)
		json_write_raw(&writer, buf_span(&v->damages));
	json_end_array(&writer);
	json_end_object(&writer);
	(void)fprintf(v->output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
}

static void report_show(const struct verification *v, const struct journal_report *report)
{
	FILE *out = v->output->out;
	char log_id[UUID_TEXT_BYTES], chain[SHA256_HEX_BYTES];

	uuid_format(&report->log_id, log_id);
	sha256_format(&report->chain_head, chain);
	if (report->damage_count == 0)
		(void)fprintf(out, "%sok%s  %llu events of %llu streams, in %llu frames\n",
			      output_on(v->output, COLOUR_GREEN), output_off(v->output),
			      (unsigned long long)report->event_count,
			      (unsigned long long)report->stream_count,
			      (unsigned long long)report->frame_count);
	else
		(void)fprintf(out, "damaged places: %llu; events that can be read: %llu\n",
			      (unsigned long long)report->damage_count,
			      (unsigned long long)report->event_count);
	(void)fprintf(out, "  log         %s\n", log_id);
	(void)fprintf(out, "  segments    %llu of %llu bytes\n",
		      (unsigned long long)report->segment_count,
		      (unsigned long long)report->segment_bytes);
	(void)fprintf(out, "  end         segment-%08llu, offset %llu\n",
		      (unsigned long long)report->tail_segment,
		      (unsigned long long)report->tail_offset);
	(void)fprintf(out, "  chain head  %s\n", chain);
	(void)fprintf(out, "  last stop   %s\n",
		      report->closed       ? "in order"
		      : report->unfinished ? "in the middle of a write, which was not answered"
					   : "without shutting down; nothing is missing");
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	struct verification v = { .output = &cli->output };
	const char *directory = arguments->positionals[0];
	struct journal_report report = { 0 };
	struct progress progress;
	struct error err = { 0 };
	const char *hint = NULL;
	enum status s;

	progress_begin(&progress, vfs_system(), clock_system(),
		       cli->output.terminal && isatty(STDERR_FILENO) == 1 ? cli->output.err : NULL,
		       "reading", directory, "segment-");
	v.progress = &progress;
	s = journal_verify(directory, &progress.vfs, damage_show, &v, &report, &err);
	progress_end(&progress);
	if (cli->output.json && (s == OK || s == ERR_CORRUPT))
		report_write(&v, &report, s == OK);
	else if (s == OK || report.damage_count != 0) /* else it could not even be walked */
		report_show(&v, &report);
	buf_fini(&v.damages);
	if (s == OK)
		return EXIT_CODE_OK;
	if (s == ERR_BUSY)
		hint = "Stop `concordance run` first.";
	else if (s == ERR_CORRUPT)
		hint = "Keep the directory as it is, and go back to a backup.";
	return output_fail_status(&cli->output, s, &err, hint);
}

const struct cli_command cli_verify_command = {
	.name = "verify",
	.usage = "DIR",
	.summary = "check every byte of a data directory",
	.description = "Walks the whole journal: checksums, the chain over all commits, the "
		       "numbers of every\n"
		       "stream. Changes nothing. The server must not be running.",
	.examples = "  concordance verify data\n"
		    "  concordance verify /var/lib/bank --json\n",
	.positionals_min = 1,
	.positionals_max = 1,
	.run = run,
};
