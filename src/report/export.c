/* export.c - a campaign's tables as text for other programs: CSV, JSON, JSON lines, and a CSV of which nothing has to be guessed. */
#include "mtbench/exporting.h"

#include "campaign_open.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns before a run's own: whose row it is. */
static const char *const whose[] = { "run", "bench", "model", "seed" };

struct exporting_state {
    const struct exporting *o;
    struct buf line;
    bool first;
};

static const struct h5_table *find_table(const char *name)
{
    for (const struct run_part *p = run_parts; p->table; p++)
        if (!strcmp(p->table->name, name))
            return p->table;
    return strcmp(name, runs_table.name) ? NULL : &runs_table;
}

/* ---- one value ---- */

static void put_quoted(struct buf *b, const char *s, bool always)
{
    if (!always && !strpbrk(s, ",\"\r\n")) {
        buf_str(b, s);
        return;
    }
    buf_char(b, '"');
    for (; *s; s++) {
        if (*s == '"')
            buf_char(b, '"');
        buf_char(b, *s);
    }
    buf_char(b, '"');
}

static void put_text(struct exporting_state *x, const char *s)
{
    if (x->o->format == EXPORT_JSON || x->o->format == EXPORT_JSONL)
        json_put_string(&x->line, s, strlen(s));
    else
        put_quoted(&x->line, s, x->o->format == EXPORT_PARQUET); /* "007" stays a text for whoever guesses types */
}

static void put_null(struct exporting_state *x)
{
    if (x->o->format == EXPORT_JSON || x->o->format == EXPORT_JSONL)
        buf_str(&x->line, "null");
}

static void put_value(struct exporting_state *x, const struct h5_field *f, const char *at)
{
    switch (f->type) {
    case H5_INT: json_put_int(&x->line, *(const int64_t *)at); break;
    case H5_INT32: json_put_int(&x->line, *(const int32_t *)at); break;
    case H5_FLAG: json_put_int(&x->line, *(const uint8_t *)at); break;
    case H5_WORD: put_text(x, f->words[*(const uint8_t *)at]); break;
    case H5_HASH: put_text(x, at); break;
    case H5_TEXT: put_text(x, *(char *const *)at ? *(char *const *)at : ""); break;
    case H5_REAL:
        if (isfinite(*(const double *)at))
            json_put_double(&x->line, *(const double *)at);
        else
            put_null(x);
    }
}

/* ---- one row ---- */

static bool is_json(const struct exporting_state *x)
{
    return x->o->format == EXPORT_JSON || x->o->format == EXPORT_JSONL;
}

static void begin_value(struct exporting_state *x, const char *name, bool first)
{
    if (!is_json(x)) {
        buf_str(&x->line, first ? "" : ",");
        return;
    }
    buf_str(&x->line, first ? "{" : ", ");
    json_put_string(&x->line, name, strlen(name));
    buf_str(&x->line, ": ");
}

static void put_whose(struct exporting_state *x, const struct run_row *run)
{
    char key[GROUP_KEY + 1] = "";
    memcpy(key, run->key, GROUP_KEY);
    const char *text[] = { key, run->bench ? run->bench : "", run->model ? run->model : "" };
    for (int i = 0; i < 3; i++) {
        begin_value(x, whose[i], i == 0);
        put_text(x, text[i]);
    }
    begin_value(x, whose[3], false);
    json_put_int(&x->line, run->seed);
}

static void put_head(struct exporting_state *x, const struct h5_table *t)
{
    const bool of_runs = t == &runs_table;
    for (int i = 0; i < 4 && !of_runs; i++)
        buf_printf(&x->line, "%s%s", i ? "," : "", whose[i]);
    for (int f = 0; f < t->n_fields; f++)
        buf_printf(&x->line, "%s%s", f || !of_runs ? "," : "", t->field[f].name);
    buf_char(&x->line, '\n');
}

static int flush(struct exporting_state *x, struct err *err)
{
    if (x->line.len && fwrite(x->line.data, 1, x->line.len, x->o->out) < x->line.len)
        return err_errno(err, "--export: cannot write");
    buf_clear(&x->line);
    return 0;
}

static int put_rows(struct exporting_state *x, const struct h5_table *t, const struct run_row *run, const char *row, size_t n,
                    struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (x->o->format == EXPORT_JSON)
            buf_str(&x->line, x->first ? "[" : ",\n");
        x->first = false;
        if (run)
            put_whose(x, run);
        for (int f = 0; f < t->n_fields; f++) {
            begin_value(x, t->field[f].name, f == 0 && !run);
            put_value(x, &t->field[f], row + i * t->size + t->field[f].at);
        }
        buf_str(&x->line, is_json(x) ? "}" : "\n");
        if (x->o->format == EXPORT_JSONL)
            buf_char(&x->line, '\n');
        if (x->line.len > 1 << 20)
            rc = flush(x, err);
    }
    return rc;
}

static int put_table(struct exporting_state *x, struct campaign *c, const struct h5_table *t, struct err *err)
{
    int rc = 0;
    if (t == &runs_table)
        return put_rows(x, t, NULL, (const char *)c->run, c->n, err);
    for (size_t i = 0; i < c->n && rc == 0; i++) {
        char *group = campaign_group(&c->run[i]);
        void *row;
        size_t n;
        rc = h5_read(c->h, group, t, &row, &n, err);
        if (rc == 0)
            rc = put_rows(x, t, &c->run[i], row, n, err);
        h5_free(t, row, n);
        free(group);
    }
    return rc;
}

int campaign_export(const struct exporting *o, struct err *err)
{
    struct exporting_state x = { .o = o, .first = true };
    const struct h5_table *t = find_table(o->table);
    if (!t)
        return err_set(err, ERR_USAGE, "--table %s: is unknown; give runs, turns, answers, judgments, pairs, asked, calls, files or phases",
                       o->table);
    struct campaign *c = campaign_open(o->path, err);
    if (!c)
        return -1;
    if (!is_json(&x))
        put_head(&x, t);
    int rc = put_table(&x, c, t, err);
    if (rc == 0 && o->format == EXPORT_JSON)
        buf_str(&x.line, x.first ? "[]\n" : "]\n");
    if (rc == 0)
        rc = flush(&x, err);
    buf_free(&x.line);
    campaign_close(c, NULL);
    return rc;
}
