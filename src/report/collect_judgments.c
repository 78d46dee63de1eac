/* collect_judgments.c - the judgments of a run, what their judges were asked, and the calls that they came from. */
#include "collect_priv.h"

#include "written.h"

#include "mtbench/game_key.h"
#include "mtbench/json_scan.h"
#include "mtbench/judgment.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- judgments ---- */

struct judging {
    const struct bench_folder *s;
    int model;
    struct run_data *d;
    struct filling fill;
    struct turn_index turns;
    struct map asked, games;             /* what was asked: its row; the names' hash of calls that are in 'mine' */
    int *mine, n_mine;                   /* calls of the source */
    struct buf region, made;
};

static int add_asked(struct judging *g, int64_t question_id, const char *judge, const char *prompt, const char *text)
{
    bool holes;
    char *form = prompt_punch(&g->fill, question_id, text ? text : "", &holes);
    char *key = xasprintf("%s\n%s\n%d\n%s", judge, prompt, holes, form);
    size_t at = map_add_text(&g->asked, key, g->d->asked.n);
    if (at == g->d->asked.n) {
        struct asked_row *a = rows_add(&g->d->asked, &asked_table);
        *a = (struct asked_row){ xstrdup(judge), xstrdup(prompt), form, holes };
        form = NULL;
    }
    free(form);
    free(key);
    return (int)at;
}

static const char *name_of(const struct judgment_table *t, int32_t name)
{
    return name < 0 ? "" : t->name[name];
}

/* The names' hash in the keys of its calls. */
static void mark_game(struct judging *g, const char *judge, const char *prompt, const char *model_1, const char *model_2)
{
    char hash[GAME_NAMES];
    game_names(&(struct game_name){ judge, prompt, model_1, model_2, 0, 0, 0, 0 }, hash);
    const size_t n = g->games.n;
    if (map_add_text(&g->games, hash, n) != n)
        return;                          /* its calls are among them */
    size_t first = map_find_text(&g->s->call_of, hash);
    for (int c = first == MAP_NONE ? -1 : (int)first; c >= 0; c = g->s->next[c]) {
        if ((g->n_mine & (g->n_mine - 1)) == 0)
            g->mine = xrealloc(g->mine, g->n_mine ? 2 * (size_t)g->n_mine : 1, sizeof *g->mine);
        g->mine[g->n_mine++] = c;
    }
}

static void add_single(struct judging *g, const struct judgment_table *t, const struct judgment_row *r, const struct json_member *m,
                       struct line_place at, int repeat)
{
    struct judged_row *j = rows_add(&g->d->judgments, &judgments_table);
    const char *judge = name_of(t, r->judge), *prompt = name_of(t, r->prompt);
    char *user_prompt = row_text(m[0].value);
    *j = (struct judged_row){ .question_id = r->question_id, .turn = r->turn, .repeat = repeat, .call = NOT_KNOWN, .status = r->status,
                              .score_is_int = r->score_is_int, .empty = r->empty, .score = r->score, .tstamp = row_number(m[2].value, NAN),
                              .judgment = row_text(m[1].value), .at = at };
    const size_t known = g->d->asked.n;
    j->asked = add_asked(g, r->question_id, judge, prompt, user_prompt);
    if (g->d->asked.n > known)           /* else the game of these names was marked with the row that is there */
        mark_game(g, judge, prompt, g->s->model[g->model], NULL);
    const struct asked_row *a = (const struct asked_row *)g->d->asked.row + j->asked;
    judged_written(&g->made, j, a, g->s->model[g->model], user_prompt ? user_prompt : "");
    line_keep_raw(&j->at, &g->region, &g->made);
    free(user_prompt);
}

static void add_pair(struct judging *g, const struct judgment_table *t, const struct judgment_row *r, const struct json_member *m,
                     struct line_place at, int repeat)
{
    struct pair_row *p = rows_add(&g->d->pairs, &pairs_table);
    const char *judge = name_of(t, r->judge), *prompt = name_of(t, r->prompt);
    char *prompt_1 = row_text(m[3].value), *prompt_2 = row_text(m[5].value);
    *p = (struct pair_row){ .question_id = r->question_id, .model_1 = xstrdup(name_of(t, r->model_1)),
                            .model_2 = xstrdup(name_of(t, r->model_2)), .turn = r->turn, .repeat = repeat, .call_1 = NOT_KNOWN,
                            .call_2 = NOT_KNOWN, .g1_winner = r->g1, .g2_winner = r->g2, .status = r->status, .empty = r->empty,
                            .tstamp = row_number(m[2].value, NAN), .g1_judgment = row_text(m[4].value), .g2_judgment = row_text(m[6].value),
                            .at = at };
    p->asked_1 = add_asked(g, r->question_id, judge, prompt, prompt_1);
    p->asked_2 = add_asked(g, r->question_id, judge, prompt, prompt_2);
    mark_game(g, judge, prompt, p->model_1, p->model_2);
    mark_game(g, judge, prompt, p->model_2, p->model_1);
    pair_written(&g->made, p, (const struct asked_row *)g->d->asked.row + p->asked_1, prompt_1 ? prompt_1 : "", prompt_2 ? prompt_2 : "");
    line_keep_raw(&p->at, &g->region, &g->made);
    free(prompt_1);
    free(prompt_2);
}

static int read_judgment(struct judging *g, const struct judged_file *f, struct judgment_table *t, const struct judged_line *l, int file,
                         struct err *err)
{
    struct json_member m[] = { { "user_prompt", {0} }, { "judgment", {0} }, { "tstamp", {0} }, { "g1_user_prompt", {0} },
                               { "g1_judgment", {0} }, { "g2_user_prompt", {0} }, { "g2_judgment", {0} } };
    struct lines lines;
    struct slice line;
    if (judged_read(f, l->start, l->end, &g->region, err) < 0)
        return -1;
    lines_begin(&lines, g->region.data, g->region.len);
    if (!lines_next(&lines, &line))
        return err_set(err, ERR_IO, "%s: changed while it was read; aggregate again", f->path);
    if (judgment_table_parse(t, f->path, line.ptr, line.len, err) < 0)
        return -1;
    if (t->pairs != (f->kind == FILE_PAIRS))
        return err_set(err, ERR_FORMAT, "%s: judgments of %s in it; give it the name that it has in FastChat", f->path,
                       t->pairs ? "pairs" : "single answers");
    json_scan_members(line.ptr, line.len, m, 7, NULL);
    buf_clear(&g->made);
    (t->pairs ? add_pair : add_single)(g, t, &t->row[t->n - 1], m, (struct line_place){ file, l->number, NULL }, f->repeat);
    return 0;
}

/* Only the rows of this model; the file's other lines are other runs'. */
static int read_judgments(struct judging *g, const struct judged_file *f, struct err *err)
{
    struct judgment_table t = {0};
    const struct judged_part *part = judged_part(f, g->model);
    if (!part)
        return 0;
    struct file_row *row = collect_file(g->d, f->name, f->kind, f->sha256, f->bytes, f->n);
    const int file = (int)g->d->files.n - 1;
    int rc = f->tail < f->bytes ? judged_read(f, f->tail, f->bytes, &g->region, err) : 0;
    if (rc == 0 && f->tail < f->bytes)
        row->text = xstrndup(g->region.data, g->region.len);
    for (int i = part->first; i >= 0 && rc == 0; i = f->line[i].next)
        rc = read_judgment(g, f, &t, &f->line[i], file, err);
    judgment_table_free(&t);
    return rc;
}

/* ---- calls ---- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* The calls whose names are this run's, in the order of the journals. */
static void add_calls(struct judging *g)
{
    int *file = xcalloc((size_t)g->s->n_journals + 1, sizeof *file);     /* row of files, from 1; 0: not yet one */
    if (g->n_mine)
        qsort(g->mine, (size_t)g->n_mine, sizeof *g->mine, by_number);
    for (int i = 0; i < g->n_mine; i++) {
        const struct call_row *c = &g->s->call[g->mine[i]];
        if (!file[c->file]) {
            const struct file_row *j = &g->s->journal[c->file];
            collect_file(g->d, j->path, FILE_CALLS, j->sha256, j->bytes, j->lines);
            file[c->file] = (int)g->d->files.n;
        }
        struct call_row *row = rows_add(&g->d->calls, &calls_table);
        *row = *c;
        row->file = file[c->file] - 1;
        row->key = xstrdup(c->key);
        row->model = row_copy(c->model);
        row->judge = row_copy(c->judge);
        row->reason = row_copy(c->reason);
    }
    free(file);
}

/* Which call each judgment came from: by the name that the judge gave it. */
static void link_calls(struct judging *g)
{
    struct judged_row *j = g->d->judgments.row;
    struct pair_row *p = g->d->pairs.row;
    const struct call_row *c = g->d->calls.row;
    const struct asked_row *asked = g->d->asked.row;
    struct map by_key = {0};
    char key[CALL_KEY_MAX + 1];
    char (*names)[GAME_NAMES] = xcalloc(g->d->asked.n + 1, sizeof *names);       /* of each row of asked; "": not yet */
    for (size_t i = 0; i < g->d->calls.n; i++)
        map_set(&by_key, c[i].key, strlen(c[i].key), i);
    for (size_t i = 0; i < g->d->judgments.n; i++) {
        const struct asked_row *a = &asked[j[i].asked];
        const struct game_name name = { a->judge, a->prompt, g->s->model[g->model], NULL, j[i].question_id, j[i].turn, 1, j[i].repeat };
        if (!*names[j[i].asked])
            game_names(&name, names[j[i].asked]);
        game_key_of(&name, names[j[i].asked], key);
        const size_t at = map_find_text(&by_key, key);
        j[i].call = at == MAP_NONE ? NOT_KNOWN : (int32_t)at;
    }
    for (size_t i = 0; i < g->d->pairs.n; i++) {
        const struct asked_row *a = &asked[p[i].asked_1];
        int32_t *call[] = { &p[i].call_1, &p[i].call_2 };
        for (int game = 1; game <= 2; game++) {
            game_key(&(struct game_name){ a->judge, a->prompt, p[i].model_1, p[i].model_2, p[i].question_id, p[i].turn, game, p[i].repeat },
                     key);
            const size_t at = map_find_text(&by_key, key);
            *call[game - 1] = at == MAP_NONE ? NOT_KNOWN : (int32_t)at;
        }
    }
    free(names);
    map_free(&by_key);
}

int collect_judgments(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    struct judging g = { .s = s, .model = model, .d = d, .fill = { &g.turns, &s->questions, &s->reference } };
    int rc = 0;
    turn_index_build(&g.turns, d);       /* no turn is added from here on */
    for (int f = 0; f < s->n_files && rc == 0; f++)
        rc = read_judgments(&g, &s->file[f], err);
    if (rc == 0) {
        add_calls(&g);
        link_calls(&g);
    }
    turn_index_free(&g.turns);
    map_free(&g.asked);
    map_free(&g.games);
    free(g.mine);
    buf_free(&g.region);
    buf_free(&g.made);
    return rc;
}
