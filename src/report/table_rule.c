/* table_rule.c - the rule below the heads of a Markdown table. */
#include "table_rule.h"

#include "fence.h"

#include <stdbool.h>
#include <string.h>

/* How many cells a line of a table would have; 0: it has no pipe. */
static int cells(const char *line, size_t n)
{
    int pipes = 0, outer = 0;
    size_t i = 0;
    while (n && strchr(" \t", line[n - 1]))
        n--;
    while (i < n && line[i] == ' ')
        i++;
    outer += i < n && line[i] == '|';
    for (; i < n; i++)
        pipes += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    outer += pipes > outer && line[n - 1] == '|' && line[n - 2] != '\\';
    return pipes ? pipes - outer + 1 : 0;
}

/* Is the line all of a rule, with a cell that is too short? Four blanks before it would be code. */
static bool is_short_rule(const char *line, size_t n)
{
    bool is_short = false, pipe = false;
    size_t i = 0, dashes;
    while (i < n && line[i] == ' ')
        i++;
    if (i > 3 || i == n)
        return false;
    for (; i < n; i += dashes ? dashes : 1) {
        dashes = line[i] == '-' ? fence_run(line, n, i) : 0;
        is_short |= dashes == 1 || dashes == 2;
        pipe |= line[i] == '|';
        if (!line[i] || !strchr("|-: \t", line[i]))
            return false;
    }
    return is_short && pipe;
}

static void put_widened(struct buf *out, const char *line, size_t n)
{
    for (size_t i = 0, dashes; i < n; i += dashes ? dashes : 1) {
        dashes = line[i] == '-' ? fence_run(line, n, i) : 0;
        buf_add(out, line + i, dashes ? dashes : 1);
        if (dashes == 1 || dashes == 2)
            buf_str(out, "--");
    }
}

void table_rules_widen(struct buf *out, const char *text, size_t n)
{
    int heads = 0;                       /* cells of the line before; 0: no table's */
    for (size_t i = 0, end; i < n; i = end) {
        end = fence_end(text, n, i);
        if (end > i) {
            heads = 0;
            buf_add(out, text + i, end - i);
            continue;
        }
        const char *eol = memchr(text + i, '\n', n - i);
        end = eol ? (size_t)(eol - text) + 1 : n;
        const size_t len = end - i - (eol != NULL);
        const int here = cells(text + i, len);
        if (heads && here == heads && is_short_rule(text + i, len))
            put_widened(out, text + i, end - i);
        else
            buf_add(out, text + i, end - i);
        heads = here;
    }
}
