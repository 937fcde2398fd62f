/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_TABLE_H
#define APP_TABLE_H

#include "app/output.h"
#include "base/arena.h"

/* table.h - rows of text in columns.
 *
 * On a terminal: aligned, two spaces between columns, the last one cut to the terminal's width. Rows
 * are collected, at most TABLE_ROWS_MAX, and written together; later ones keep the widths so far.
 * Otherwise: one tab between columns, written at once, nothing cut. */

#define TABLE_COLUMNS_MAX 8
#define TABLE_ROWS_MAX    256

struct table_column {
	const char *title; /* written once, on a terminal only */
	bool right;        /* aligned to the right */
};

struct table {
	const struct output *output; /* borrowed */
	const struct table_column *columns;
	size_t column_count;
	struct arena *arena; /* owned: the cells of collected rows */
	struct span cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX];
	size_t row_count;
	size_t widths[TABLE_COLUMNS_MAX];
	bool titled;
};

enum status table_init(struct table *table, const struct output *output,
		       const struct table_column *columns, size_t count,
		       struct error *err) NODISCARD;
void table_fini(struct table *table); /* without writing what is collected */

/* One span for each column; copied. ERR_NOMEM. */
enum status table_add(struct table *table, const struct span *cells, struct error *err) NODISCARD;
void table_flush(struct table *table);

#endif
