/* gallery_judgments.c - judges, their files, and their judgments of a gallery. */
#include "gallery.h"

#include "choice.h"

#include "mtbench/game_key.h"
#include "mtbench/io.h"
#include "mtbench/json_scan.h"
#include "mtbench/judge_files.h"
#include "mtbench/lines.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files ---- */

static int find_source(const struct gallery *g, const char *path)
{
    for (int i = 0; i < g->n_sources; i++)
        if (!strcmp(g->source[i].path, path))
            return i;
    return -1;
}

static char *stem_of(const char *path, bool pairs)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return xstrndup(name, strlen(name) - strlen(pairs ? "_pair.jsonl" : "_single.jsonl"));
}

static int add_row(struct gallery_source *s, const struct slice *line, int64_t at, struct err *err)
{
    const size_t n = s->table.n;
    if (judgment_table_line(&s->table, line->ptr, line->len, err) < 0)
        return -1;
    if ((n & (n - 1)) == 0) {
        s->at = xrealloc(s->at, n ? 2 * n : 1, sizeof *s->at);
        s->length = xrealloc(s->length, n ? 2 * n : 1, sizeof *s->length);
    }
    s->at[n] = at;
    s->length[n] = (uint32_t)line->len;  /* at most LINES_LONGEST */
    return 0;
}

static int read_file(struct gallery_source *s, const char *path, struct err *err)
{
    struct slice line;
    struct lines_file *f = lines_open(path, err);
    if (!f)
        return -1;
    int rc = 1, fd = lines_descriptor(f, err);
    while (rc == 1 && fd >= 0 && (rc = lines_read(f, &line, err)) == 1)
        if (add_row(s, &line, lines_start(f, &line), err) < 0)
            rc = err_wrap(err, "%s:%ld", path, lines_number(f));
    if (rc == 0 && s->table.n && s->table.pairs != s->pairs)
        rc = err_set(err, ERR_FORMAT, "%s: %s judgments in it; give it the name that they have in FastChat", path,
                     s->table.pairs ? "pair" : "single");
    if (fd >= 0) {
        s->fd = xrealloc(s->fd, (size_t)s->n_repeats + 1, sizeof *s->fd);
        s->repeat_end = xrealloc(s->repeat_end, (size_t)s->n_repeats + 1, sizeof *s->repeat_end);
        s->fd[s->n_repeats] = fd;
        s->repeat_end[s->n_repeats++] = s->table.n;
    }
    lines_close(f);
    return fd < 0 ? -1 : rc;
}

/* The file and its repeats, without a gap: what `judge --repeat` wrote. */
static int read_source(struct gallery_source *s, struct err *err)
{
    int rc = read_file(s, s->path, err);
    for (int r = 2; r <= 255 && rc == 0; r++) {
        char *path = bench_repeat_path(s->path, r);
        const int there = io_exists(path, err);
        rc = there > 0 ? read_file(s, path, err) : there;
        free(path);
        if (there <= 0)
            break;
    }
    return rc;
}

/* '*at' gets its number, whether it was read before or is read here. */
static int open_source(struct gallery *g, const char *path, bool pairs, int *at, struct err *err)
{
    if ((*at = find_source(g, path)) >= 0)
        return 0;
    g->source = xrealloc(g->source, (size_t)g->n_sources + 1, sizeof *g->source);
    g->source[*at = g->n_sources++] = (struct gallery_source){ .path = xstrdup(path), .stem = stem_of(path, pairs), .pairs = pairs };
    return read_source(&g->source[*at], err);
}

/* ---- judges ---- */

static bool same_record(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static void add_judge(struct gallery *g, int source, const char *record)
{
    const struct gallery_source *s = &g->source[source];
    struct gallery_judge *j = NULL;
    for (int i = 0; i < g->n_judges && !j; i++)
        if (!strcmp(g->judge[i].stem, s->stem) && same_record(g->judge[i].record, record))
            j = &g->judge[i];
    if (!j) {
        g->judge = xrealloc(g->judge, (size_t)g->n_judges + 1, sizeof *g->judge);
        j = &g->judge[g->n_judges++];
        *j = (struct gallery_judge){ .record = record, .stem = s->stem, .single = -1, .pairs = -1 };
    }
    *(s->pairs ? &j->pairs : &j->single) = source;
}

/* Everybody who judged in a file. */
static void add_judges(struct gallery *g, int source)
{
    const struct judgment_table *t = &g->source[source].table;
    int32_t last = -2;                   /* most files have one judge */
    for (size_t i = 0; i < t->n; i++)
        if (t->row[i].judge != last) {
            last = t->row[i].judge;
            add_judge(g, source, last < 0 ? NULL : t->name[last]);
        }
}

static int read_kind(struct gallery *g, const struct gallery_choice *o, bool pairs, struct err *err)
{
    static char all[] = "all";
    char *everybody[] = { all };
    struct judge_files f;
    int at, rc = judge_files_find(&f, o->data_dir, o->bench, pairs, all, (const char *const *)everybody, 1, err);
    if (rc < 0 && err->kind == ERR_USAGE)        /* there are none, which is no error here */
        rc = 0, *err = (struct err){0};
    for (int i = 0; i < f.n && rc == 0; i++)
        if ((rc = open_source(g, f.file[i].path, pairs, &at, err)) == 0)
            add_judges(g, at);
    judge_files_free(&f);
    return rc;
}

/* The judge that was asked for, in its own file or in one where it stood in for another; one kind of judgments is enough. */
static int read_named(struct gallery *g, const struct gallery_choice *o, const char *judge, struct err *err)
{
    struct err first = {0};              /* why there are none of the kind that is looked for first */
    int found = 0, rc = 0, at;
    int32_t record;
    for (int pairs = 0; pairs <= 1 && rc == 0; pairs++) {
        struct judge_files f;
        struct err why = {0};
        if (judge_files_find(&f, o->data_dir, o->bench, pairs, judge, &judge, 1, &why) < 0) {
            rc = why.kind == ERR_USAGE ? 0 : -1;
            first = pairs && rc == 0 ? first : why;
        } else if ((rc = open_source(g, f.file[0].path, pairs, &at, err)) == 0 &&
                   (rc = choice_judge(f.file[0].path, &g->source[at].table, judge, &record, err)) == 0) {
            add_judge(g, at, record < 0 ? NULL : g->source[at].table.name[record]);
            found++;
        }
        judge_files_free(&f);
    }
    if (first.kind && (!found || first.kind != ERR_USAGE)) {
        *err = first;
        rc = -1;
    }
    return rc;
}

static int by_record(const void *a, const void *b)
{
    const struct gallery_judge *x = a, *y = b;
    const int c = strcmp(x->record ? x->record : x->stem, y->record ? y->record : y->stem);
    return c ? c : strcmp(x->stem, y->stem);
}

/* By the name in the records; with the file's where that does not tell them apart. */
static void name_judges(struct gallery *g)
{
    if (g->n_judges)
        qsort(g->judge, (size_t)g->n_judges, sizeof *g->judge, by_record);
    for (int i = 0; i < g->n_judges; i++) {
        struct gallery_judge *j = &g->judge[i];
        const char *name = j->record ? j->record : j->stem;
        bool alone = true;
        for (int k = 0; k < g->n_judges; k++)
            alone &= k == i || strcmp(name, g->judge[k].record ? g->judge[k].record : g->judge[k].stem) != 0;
        j->name = alone ? xstrdup(name) : xasprintf("%s (in %s)", name, j->stem);
    }
}

int gallery_read_judgments(struct gallery *g, const struct gallery_choice *o, struct err *err)
{
    int rc = 0;
    if (o->judges.n == 0 || (o->judges.n == 1 && !strcmp(o->judges.word[0], "all")))
        rc = read_kind(g, o, false, err) < 0 ? -1 : read_kind(g, o, true, err);
    else
        for (int i = 0; i < o->judges.n && rc == 0; i++)
            rc = read_named(g, o, o->judges.word[i], err);
    if (rc < 0)
        return -1;
    name_judges(g);
    origin_calls_read(&g->calls, o->data_dir, o->bench);
    for (int i = 0; i < g->calls.n_journals; i++)
        if (g->calls.journal[i].trouble)
            log_note("%s; the page cannot say why judgments failed", g->calls.journal[i].trouble);
    return 0;
}

void gallery_close_judgments(struct gallery *g)
{
    for (int i = 0; i < g->n_sources; i++) {
        struct gallery_source *s = &g->source[i];
        for (int r = 0; r < s->n_repeats; r++)
            close(s->fd[r]);
        judgment_table_free(&s->table);
        free(s->fd);
        free(s->repeat_end);
        free(s->at);
        free(s->length);
        free(s->path);
        free(s->stem);
    }
    for (int i = 0; i < g->n_judges; i++)
        free(g->judge[i].name);
    origin_calls_free(&g->calls);
    free(g->source);
    free(g->judge);
    free(g->row);
}

/* ---- rows ---- */

static bool is_fine(const struct judgment_row *r)
{
    return r->status == JUDGMENT_OK && (r->model_2 < 0 || (r->g1 != WINNER_ERROR && r->g2 != WINNER_ERROR));
}

static int by_key(const struct gallery_row *x, const struct gallery_row *y)
{
    const int key[][2] = { { x->question, y->question }, { x->b >= 0, y->b >= 0 },   { x->a, y->a },          { x->b, y->b },
                           { x->turn, y->turn },         { x->judge, y->judge }, { x->repeat, y->repeat } };
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        if (key[i][0] != key[i][1])
            return key[i][0] < key[i][1] ? -1 : 1;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct gallery_row *x = a, *y = b;
    const int c = by_key(x, y);
    return c ? c : x->row < y->row ? -1 : x->row > y->row;
}

/* Of a source's names: which judge or model of the gallery they are, -1: none. */
static int32_t *number_names(const struct judgment_table *t, const struct map *of)
{
    int32_t *number = xcalloc((size_t)t->n_names + 1, sizeof *number);
    for (int i = 0; i < t->n_names; i++) {
        const size_t at = map_find_text(of, t->name[i]);
        number[i] = at == MAP_NONE ? -1 : (int32_t)at;
    }
    return number;
}

static int16_t *number_judges(const struct gallery *g, int source)
{
    const struct judgment_table *t = &g->source[source].table;
    int16_t *number = xcalloc((size_t)t->n_names + 1, sizeof *number); /* [0]: of records that name none */
    for (int i = 0; i <= t->n_names; i++) {
        number[i] = -1;
        for (int j = 0; j < g->n_judges; j++)
            if ((g->judge[j].single == source || g->judge[j].pairs == source) && same_record(g->judge[j].record, i ? t->name[i - 1] : NULL))
                number[i] = (int16_t)j;
    }
    return number;
}

/* False: it is of a model, judge or question that is not shown. */
static bool take_row(struct gallery *g, int source, size_t i, const int32_t *model, const int16_t *judge, struct gallery_row *out)
{
    struct gallery_source *s = &g->source[source];
    const struct judgment_row *r = &s->table.row[i];
    const int question = questions_find(&g->questions, r->question_id), a = model[r->model_1], b = r->model_2 < 0 ? -1 : model[r->model_2];
    int repeat = 0;
    while (i >= s->repeat_end[repeat])
        repeat++;
    s->elsewhere += question < 0;
    if (question < 0 || judge[r->judge + 1] < 0 || a < 0 || a == b || (s->pairs && b < 0))
        return false;
    *out = (struct gallery_row){ .row = (uint32_t)i, .source = (int16_t)source, .judge = judge[r->judge + 1], .question = question, .a = a,
                                 .b = b, .turn = r->turn, .repeat = (uint8_t)(repeat + 1), .swapped = s->pairs && a > b };
    if (out->swapped) {
        out->a = b;
        out->b = a;
    }
    return true;
}

/* Of several of one key the last good one counts, else the last, as everywhere. */
static void keep_one(struct gallery *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_rows; i++) {
        if (kept == 0 || by_key(&g->row[kept - 1], &g->row[i]))
            g->row[kept++] = g->row[i];
        else if (is_fine(gallery_table_row(g, &g->row[i])) || !is_fine(gallery_table_row(g, &g->row[kept - 1])))
            g->row[kept - 1] = g->row[i];
    }
    g->n_rows = kept;
}

void gallery_sort_rows(struct gallery *g)
{
    size_t all = 0;
    for (int s = 0; s < g->n_sources; s++)
        all += g->source[s].table.n;
    g->row = xcalloc(all + 1, sizeof *g->row);
    for (int s = 0; s < g->n_sources; s++) {
        int32_t *model = number_names(&g->source[s].table, &g->model_of);
        int16_t *judge = number_judges(g, s);
        for (size_t i = 0; i < g->source[s].table.n; i++)
            g->n_rows += take_row(g, s, i, model, judge, &g->row[g->n_rows]);
        free(model);
        free(judge);
    }
    qsort(g->row, g->n_rows, sizeof *g->row, by_place);
    keep_one(g);
}

const struct judgment_row *gallery_table_row(const struct gallery *g, const struct gallery_row *r)
{
    return &g->source[r->source].table.row[r->row];
}

/* ---- texts ---- */

static int read_line(const struct gallery_source *s, const struct gallery_row *r, struct buf *line, struct err *err)
{
    const size_t n = s->length[r->row];
    buf_clear(line);
    buf_reserve(line, n + 1);
    while (line->len < n) {
        const ssize_t k = pread(s->fd[r->repeat - 1], line->data + line->len, n - line->len, (off_t)(s->at[r->row] + (int64_t)line->len));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? err_errno(err, "%s: cannot read", s->path)
                         : err_set(err, ERR_IO, "%s: grew shorter while it was read; start again", s->path);
        line->len += (size_t)k;
    }
    line->data[n] = '\0';
    return 0;
}

static int decode(struct slice value, struct buf *out, struct err *err)
{
    struct json_text text;
    buf_clear(out);
    buf_reserve(out, 1)[0] = '\0';
    if (!json_member_string(value, &text))
        return 0;                        /* older records have no text */
    const long n = json_text_decode(&text, buf_reserve(out, text.len + 1));
    if (n < 0)
        return err_set(err, ERR_FORMAT, "a judgment holds half a surrogate pair; correct the line");
    out->len = (size_t)n;
    out->data[n] = '\0';
    return 0;
}

int gallery_words_read(const struct gallery *g, const struct gallery_row *r, struct gallery_words *w, struct err *err)
{
    const struct gallery_source *s = &g->source[r->source];
    struct json_member m[] = { { s->pairs ? "g1_judgment" : "judgment", {0} }, { "g2_judgment", {0} },
                               { s->pairs ? "g1_user_prompt" : "user_prompt", {0} } };
    if (read_line(s, r, &w->line, err) < 0)
        return -1;
    int rc = json_scan_members(w->line.data, w->line.len, m, 3, err);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = decode(m[i].value, &w->text[i], err);
    w->prompt = m[2].value;
    return rc < 0 ? err_wrap(err, "%s", s->path) : 0;
}

void gallery_words_free(struct gallery_words *w)
{
    buf_free(&w->line);
    buf_free(&w->text[0]);
    buf_free(&w->text[1]);
}

/* ---- why there is no verdict ---- */

/* JUDGMENT_OK: the journal knows no failure of it. */
static enum judgment_status said(const struct origin_call *c, const char **reason)
{
    *reason = NULL;
    for (int s = JUDGMENT_TRUNCATED; c && !c->ok && s < JUDGMENT_STATUSES; s++)
        if (!strcmp(c->status, judgment_status_name((enum judgment_status)s))) {     /* calls and judgments fail by the same words */
            *reason = c->reason;
            return (enum judgment_status)s;
        }
    return JUDGMENT_OK;
}

enum judgment_status gallery_status(const struct gallery *g, const struct gallery_row *r, int game, const char **reason)
{
    const struct gallery_source *s = &g->source[r->source];
    const struct judgment_row *t = gallery_table_row(g, r);
    const bool wrong = t->status == JUDGMENT_NO_ANSWER || (s->pairs ? (game == 1 ? t->g1 : t->g2) == WINNER_ERROR
                                                                    : t->status != JUDGMENT_OK);
    *reason = NULL;
    if (!wrong || t->judge < 0 || t->prompt < 0)
        return wrong ? (enum judgment_status)t->status : JUDGMENT_OK;
    const struct game_name n = { s->table.name[t->judge], s->table.name[t->prompt], s->table.name[t->model_1],
                                 t->model_2 < 0 ? NULL : s->table.name[t->model_2], t->question_id, t->turn, game, r->repeat };
    const enum judgment_status status = said(origin_calls_find(&g->calls, &n, s->stem), reason);
    return status != JUDGMENT_OK ? status : (enum judgment_status)t->status;
}

enum judgment_status gallery_missing(const struct gallery *g, int judge, int question, int model, int turn, const char **reason)
{
    const struct gallery_judge *j = &g->judge[judge];
    const struct game_name n = { j->record ? j->record : j->stem, NULL, g->model[model].name, NULL, g->questions.q[question].id, turn, 1,
                                 1 };
    return said(origin_calls_single(&g->calls, &n, j->stem), reason);
}
