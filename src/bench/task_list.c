/* task_list.c - the list file of a campaign, cut into words. */
#include "mtbench/task_list.h"

#include "mtbench/buf.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOLD = 3 };                  /* bad lines in one message */

/* Signs that mean something to the shells that read the same list in a batch script. */
static const char shell_signs[] = "$`*?[]{}()<>|&;!~";

struct cursor {
    const char *at, *end;
};

/* To the closing quote, which is passed over. */
static int take_quoted(struct cursor *c, char quote, struct buf *word, struct err *err)
{
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (quote == '"' && *c->at == '\\' && c->at + 1 < c->end && strchr("\"\\", c->at[1]))
            c->at++;
        else if (quote == '"' && strchr("$`", *c->at)) /* a shell would put something in its place */
            return err_set(err, ERR_FORMAT, "a %c inside \"...\", where nothing is expanded here; write '...' around it", *c->at);
        buf_char(word, *c->at);
    }
    if (c->at++ == c->end)
        return err_set(err, ERR_FORMAT, "a %c that is never closed; close it on the same line", quote);
    return 0;
}

/* A word's end is a blank outside quotes; quotes may stand in its middle. */
static int take_word(struct cursor *c, struct buf *word, struct err *err)
{
    while (c->at < c->end && !strchr(" \t", *c->at)) {
        char sign = *c->at++;
        if (sign == '\'' || sign == '"') {
            if (take_quoted(c, sign, word, err) < 0)
                return -1;
        } else if (sign == '\\') {
            if (c->at == c->end)
                return err_set(err, ERR_FORMAT, "a \\ at its end; a task is one line, write it whole");
            buf_char(word, *c->at++);
        } else if (strchr(shell_signs, sign))
            return err_set(err, ERR_FORMAT, "a %c outside quotes, which a shell would not leave as it is; write it as '%c'", sign, sign);
        else
            buf_char(word, sign);
    }
    return 0;
}

static int read_words(struct slice line, struct task_line *out, struct err *err)
{
    struct cursor c = { line.ptr, line.ptr + line.len };
    struct buf word = {0};
    int rc = 0;
    /* Behind this no byte is a NUL, so strchr() finds none by mistake. */
    if (memchr(line.ptr, '\0', line.len))
        return err_set(err, ERR_FORMAT, "a NUL byte; a list is a text file");
    while (rc == 0) {
        while (c.at < c.end && strchr(" \t", *c.at))
            c.at++;
        if (c.at == c.end || *c.at == '#')
            break;
        buf_str(&word, "");              /* '' is a word, too */
        rc = take_word(&c, &word, err);
        out->word = xrealloc(out->word, (size_t)out->n + 2, sizeof *out->word);
        out->word[out->n++] = buf_steal(&word);
        out->word[out->n] = NULL;
    }
    return rc;
}

static void line_free(struct task_line *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->word[i]);
    free(l->word);
}

int task_list_parse(const char *name, const char *text, size_t n, struct task_list *out, struct err *err)
{
    struct lines lines;
    struct slice at;
    struct buf bad = {0};
    int n_bad = 0;
    *out = (struct task_list){0};
    lines_begin(&lines, text, n);
    while (lines_next(&lines, &at)) {
        struct task_line line = { .number = lines.number };
        struct err why;
        if (read_words(at, &line, &why) < 0 && n_bad++ < MOST_TOLD) /* the first few at once: they are mended in one go */
            buf_printf(&bad, "%s%s:%ld: %s", bad.len ? " | " : "", name, line.number, why.text);
        if (line.n == 0) {
            line_free(&line);
            continue;
        }
        out->line = xrealloc(out->line, (size_t)out->n + 1, sizeof *out->line);
        out->line[out->n++] = line;
    }
    if (n_bad > MOST_TOLD)
        buf_printf(&bad, " | and %d more", n_bad - MOST_TOLD);
    if (n_bad)
        err_set(err, ERR_FORMAT, "%s", bad.data);
    else if (out->n == 0)
        err_set(err, ERR_FORMAT, "%s: no tasks in it; write one a line, as --model-path PATH --model-id NAME --seed 1", name);
    buf_free(&bad);
    if (n_bad == 0 && out->n)
        return 0;
    task_list_free(out);
    return -1;
}

void task_list_free(struct task_list *l)
{
    for (int i = 0; i < l->n; i++)
        line_free(&l->line[i]);
    free(l->line);
    *l = (struct task_list){0};
}
