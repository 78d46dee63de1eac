/* sheet_html.h - a sheet as an HTML table (room: report, its pages' own). */
#ifndef MTB_SHEET_HTML_H
#define MTB_SHEET_HTML_H

#include "mtbench/buf.h"
#include "mtbench/sheet.h"

/* A region that scrolls, in it the table with its caption, and under it the facts that have a sentence, as in the text. Cells read as in
 * the text; what has a number has all its digits in data-v, and columns for programs alone are attributes of their row, data-COLUMN, so
 * that the page holds what CSV and JSON do. 'attributes' of the table are put as they are (' data-judge="0"', or ""). */
void sheet_put_html(struct buf *b, const struct sheet *s, const char *caption, const char *attributes);

#endif
