/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - collects rows, then writes them as wide as they need to be. */
#include "app/table.h"

#include "app/json_layout.h"
#include "base/check.h"

#define ARENA_MAX_BYTES ((size_t)256 << 20)
#define GAP             2
#define LAST_MIN        10 /* columns that the last cell gets, however narrow the terminal */

enum status table_init(struct table *table, const struct output *output,
		       const struct table_column *columns, size_t count, struct error *err)
{
	CHECK(count > 0 && count <= TABLE_COLUMNS_MAX);
	memset(table, 0, sizeof(*table));
	table->output = output;
	table->columns = columns;
	table->column_count = count;
	table->arena = arena_new(ARENA_MAX_BYTES);
	if (table->arena == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for a table");
	return OK;
}

void table_fini(struct table *table)
{
	arena_free(table->arena);
	table->arena = NULL;
}

static void pad(FILE *out, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		(void)fputc(' ', out);
}

static void last_write(const struct table *table, struct span cell)
{
	size_t before = GAP * (table->column_count - 1), left = LAST_MIN;
	bool cut = false;

	for (size_t i = 0; i + 1 < table->column_count; i++)
		before += table->widths[i];
	if (table->output->width > before + LAST_MIN)
		left = table->output->width - before;
	cell = text_layout_cut(cell, left, &cut);
	(void)fprintf(table->output->out, "%.*s%s\n", SPAN_ARG(cell), cut ? "\xE2\x80\xA6" : "");
}

static void row_write(const struct table *table, const struct span *cells)
{
	FILE *out = table->output->out;

	for (size_t i = 0; i + 1 < table->column_count; i++) {
		size_t columns = text_layout_columns(cells[i]);
		size_t missing = table->widths[i] > columns ? table->widths[i] - columns : 0;

		if (table->columns[i].right)
			pad(out, missing);
		(void)fprintf(out, "%.*s", SPAN_ARG(cells[i]));
		if (!table->columns[i].right)
			pad(out, missing);
		pad(out, GAP);
	}
	last_write(table, cells[table->column_count - 1]);
}

static void titles_write(struct table *table)
{
	struct span titles[TABLE_COLUMNS_MAX] = { 0 };

	table->titled = true;
	if (table->columns[0].title == NULL)
		return;
	for (size_t i = 0; i < table->column_count; i++)
		titles[i] = span_from_string(table->columns[i].title);
	(void)fputs(output_on(table->output, COLOUR_DIM), table->output->out);
	row_write(table, titles);
	(void)fputs(output_off(table->output), table->output->out);
}

void table_flush(struct table *table)
{
	if (table->row_count == 0)
		return;
	for (size_t c = 0; c < table->column_count; c++) {
		if (!table->titled && table->columns[c].title != NULL)
			table->widths[c] = strlen(table->columns[c].title);
		for (size_t r = 0; r < table->row_count; r++) {
			size_t columns = text_layout_columns(table->cells[r][c]);

			if (columns > table->widths[c])
				table->widths[c] = columns;
		}
	}
	if (!table->titled)
		titles_write(table);
	for (size_t r = 0; r < table->row_count; r++)
		row_write(table, table->cells[r]);
	table->row_count = 0;
	arena_clear(table->arena);
}

enum status table_add(struct table *table, const struct span *cells, struct error *err)
{
	if (!table->output->terminal) {
		for (size_t i = 0; i < table->column_count; i++)
			(void)fprintf(table->output->out, "%.*s%c", SPAN_ARG(cells[i]),
				      i + 1 < table->column_count ? '\t' : '\n');
		return OK;
	}
	for (size_t i = 0; i < table->column_count; i++) {
		struct span copy = arena_copy(table->arena, cells[i]);

		if (copy.data == NULL)
			return ERROR(err, ERR_NOMEM, "no memory for a table's row");
		table->cells[table->row_count][i] = copy;
	}
	if (++table->row_count == TABLE_ROWS_MAX)
		table_flush(table);
	return OK;
}
