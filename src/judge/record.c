/* record.c - judgments of a grader as FastChat's records and lines, and its file. */
#include "grader_priv.h"

#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/repr.h"

#include <stdlib.h>
#include <string.h>

/* ---- records ---- */

static const struct game *game_of(const struct grader *g, int unit, int k)
{
    return &g->game[unit * g->n_games + k];
}

char *grader_prompt(const struct grader *g, int unit, int game)
{
    struct buf b = {0};
    if (match_render(grader_match(g, unit), game, g->o.answers, g->o.reference, &b, NULL) < 0)
        buf_clear(&b);                   /* a first turn failed, and there is no second */
    return buf_steal(&b);
}

/* An empty reply that came whole is one; all else without a text is FastChat's sign of failure. */
static const char *judgment_of(const struct game *game)
{
    bool replied = game->text && (*game->text || game->status == JUDGMENT_UNPARSABLE);
    return replied ? game->text : "$ERROR$";
}

static enum winner winner_of(const struct game *game, int number)
{
    char letter = game->status == JUDGMENT_OK ? game->verdict.letter : 'E';
    if (letter == 'A' || letter == 'B')
        return (letter == 'A') == (number == 1) ? WINNER_MODEL_1 : WINNER_MODEL_2; /* in game 2 A is model_2 */
    return letter == 'C' ? WINNER_TIE : WINNER_ERROR;
}

static double score_of(const struct game *game, bool *is_int)
{
    bool fine = game->status == JUDGMENT_OK;
    *is_int = !fine || game->verdict.score_is_int; /* -1 as FastChat writes it, an int */
    return fine ? game->verdict.score : -1;
}

/* A judgment that a fallback had a part in carries its name, unless both judges filtered it. */
static const char *judge_of(const struct grader *g, int unit)
{
    for (int k = 0; k < g->n_games; k++)
        if (game_of(g, unit, k)->judge && game_of(g, unit, k)->status != JUDGMENT_FILTERED)
            return game_of(g, unit, k)->judge;
    return g->o.judge;
}

static void put_single(const struct grader *g, int unit, struct buf *out)
{
    const struct match *m = grader_match(g, unit);
    const struct game *game = game_of(g, unit, 0);
    /* Rendered anew, not stored: prompts are most of the bytes, and the same inputs give the same text. */
    char *prompt = grader_prompt(g, unit, 1);
    struct single_judgment j = {m->question->id, m->model_1, judge_of(g, unit), m->prompt->name, prompt, judgment_of(game), 0,
                                false,           m->turn,    game->tstamp};
    j.score = score_of(game, &j.score_is_int);
    single_judgment_put(out, &j);
    free(prompt);
}

static void put_pair(const struct grader *g, int unit, struct buf *out)
{
    const struct match *m = grader_match(g, unit);
    const struct game *one = game_of(g, unit, 0), *two = game_of(g, unit, 1);
    char *prompt[2] = { grader_prompt(g, unit, 1), grader_prompt(g, unit, 2) };
    struct pair_judgment j = {m->question->id,
                              m->model_1,
                              m->model_2,
                              winner_of(one, 1),
                              winner_of(two, 2),
                              judge_of(g, unit),
                              m->prompt->name,
                              prompt[0],
                              judgment_of(one),
                              prompt[1],
                              judgment_of(two),
                              m->turn,
                              one->tstamp > two->tstamp ? one->tstamp : two->tstamp}; /* when the second game ended */
    pair_judgment_put(out, &j);
    free(prompt[0]);
    free(prompt[1]);
}

double record_score(const struct grader *g, int unit)
{
    bool is_int;
    return score_of(game_of(g, unit, 0), &is_int);
}

enum winner record_winner(const struct grader *g, int unit, int game)
{
    return winner_of(game_of(g, unit, game - 1), game);
}

void record_put(const struct grader *g, int unit, struct buf *out)
{
    if (g->n_games == 1)
        put_single(g, unit, out);
    else
        put_pair(g, unit, out);
}

void record_line(const struct grader *g, int unit, struct buf *out)
{
    const struct match *m = grader_match(g, unit);
    const struct game *one = game_of(g, unit, 0);
    bool is_int;
    buf_printf(out, "question: %lld, turn: %d, ", (long long)m->question->id, m->turn);
    if (g->n_games == 1) {
        double score = score_of(one, &is_int);
        buf_printf(out, "model: %s, score: ", m->model_1);
        score_put(out, score, is_int);
    } else
        buf_printf(out, "model_1: %s, model_2: %s, g1_winner: %s, g2_winner: %s", m->model_1, m->model_2, winner_name(winner_of(one, 1)),
                   winner_name(winner_of(game_of(g, unit, 1), 2)));
    buf_str(out, ", judge: (");
    repr_put(out, judge_of(g, unit));
    buf_str(out, ", ");
    repr_put(out, m->prompt->name);
    buf_char(out, ')');
}

/* ---- the file ---- */

struct merge {
    const struct grader *g;
    int repeat;                          /* from 1 */
    bool *written;                       /* (units of this repeat) */
    struct buf out;                      /* the new file */
};

static int unit_by(const struct grader *g, int repeat, const struct judgment_table *t, const struct judgment_row *row, const char *judge)
{
    char key[CALL_KEY_MAX + 1];
    /* Game 1 stands for the judgment, as it does in grader_find(). */
    struct game_name n = { judge, t->name[row->prompt], t->name[row->model_1], row->model_2 < 0 ? NULL : t->name[row->model_2],
                           row->question_id, row->turn, 1, repeat };
    game_key(&n, key);
    int i = grader_find(g, key);
    return i < 0 ? -1 : i / g->n_games;
}

/* Did this one reply in our judge's place once, to this prompt or to one that has changed since? */
static bool stood_in(const struct grader *g, int unit, const char *name)
{
    for (int k = 0; k < g->n_games; k++)
        if (call_journal_stood_in(g->o.journal, game_of(g, unit, k)->key, name))
            return true;
    return false;
}

int record_unit(const struct grader *g, int repeat, const struct judgment_table *t, const struct judgment_row *row)
{
    if (row->judge < 0 || row->prompt < 0) /* older records have no judge: nobody can say whether they are ours */
        return -1;
    int unit = unit_by(g, repeat, t, row, t->name[row->judge]);
    if (unit >= 0)
        return unit;
    unit = unit_by(g, repeat, t, row, g->o.judge);
    return unit >= 0 && stood_in(g, unit, t->name[row->judge]) ? unit : -1;
}

/* Compared as JSON spells it: FastChat's lines and ours spell alike, to the byte. */
static bool judges_same_prompt(const struct grader *g, int unit, const char *line, size_t n)
{
    struct buf b = {0};
    char *prompt = grader_prompt(g, unit, 1);
    json_put_string(&b, prompt, strlen(prompt));
    bool same = *prompt && memmem(line, n, b.data, b.len); /* an empty prompt would be found in every line */
    buf_free(&b);
    free(prompt);
    return same;
}

/* A judgment that was not made is no better than the old line: a failed call leaves what judges the same prompt, a failed answer what does
 * not count either. */
static bool keep_old(const struct grader *g, int unit, const struct judgment_row *row, const char *line, size_t n)
{
    enum judgment_status s = grader_status(g, unit);
    return (s == JUDGMENT_FAILED && judges_same_prompt(g, unit, line, n)) || (s == JUDGMENT_NO_ANSWER && row->status != JUDGMENT_OK);
}

/* Every old line is kept, replaced by ours, or dropped as a second one of ours. Lines of other models, judges and
 * benches are bytes to us. */
static void merge_line(struct merge *m, const struct judgment_table *t, const struct judgment_row *row, const char *line, size_t n)
{
    int unit = record_unit(m->g, m->repeat, t, row), first = (m->repeat - 1) * m->g->o.matches->n;
    if (unit >= 0 && grader_is_done(m->g, unit)) { /* what is not done keeps its old line */
        if (m->written[unit - first])    /* FastChat appends: a file may hold several of one key */
            return;
        m->written[unit - first] = true;
        if (!keep_old(m->g, unit, row, line, n)) {
            record_put(m->g, unit, &m->out);
            buf_char(&m->out, '\n');
            return;
        }
    }
    buf_add(&m->out, line, n);
    buf_char(&m->out, '\n');
}

/* FastChat's readers take a file for one kind by its first line. */
int record_same_kind(const struct grader *g, const char *path, const struct judgment_table *t, struct err *err)
{
    if (t->n == 0 || g->n_units == 0 || t->pairs == (g->n_games == 2))
        return 0;
    return err_set(err, ERR_FORMAT, "%s: holds %s judgments, these are %s; name another file by --output", path,
                   t->pairs ? "pair" : "single", t->pairs ? "single" : "pair");
}

static int merge_old(struct merge *m, const char *path, const struct buf *old, struct err *err)
{
    struct judgment_table t = {0};
    struct lines lines;
    struct slice line;
    int rc = judgment_table_parse(&t, path, old->data, old->len, err);
    if (rc == 0)
        rc = record_same_kind(m->g, path, &t, err);
    lines_begin(&lines, old->data, old->len);
    for (size_t row = 0; rc == 0 && row < t.n && lines_next(&lines, &line); row++)
        merge_line(m, &t, &t.row[row], line.ptr, line.len);
    judgment_table_free(&t);
    return rc;
}

int grader_write(struct grader *g, int repeat, const char *path, struct err *err)
{
    struct merge m = { .g = g, .repeat = repeat, .written = xcalloc((size_t)g->o.matches->n, sizeof(bool)) };
    struct buf old = {0};
    int exists = io_exists(path, err), n = g->o.matches->n, rc = exists > 0 ? io_read(path, &old, err) : exists;
    if (rc == 0)
        rc = merge_old(&m, path, &old, err);
    for (int i = 0; rc == 0 && i < n; i++) { /* what the old file did not hold, in the order of the matches */
        int unit = (repeat - 1) * n + i;
        /* A judgment that is not done has no line: the next start makes it, and nothing counts as -1 meanwhile. */
        if (m.written[i] || g->twin[unit] || !grader_is_done(g, unit))
            continue;
        record_put(g, unit, &m.out);
        buf_char(&m.out, '\n');
    }
    if (rc == 0 && (m.out.len || exists)) /* no empty file where there was none */
        /* Beside, then renamed: a killed start leaves the old file. */
        rc = io_make_parents(path, err) < 0 ? -1 : io_replace(path, m.out.data ? m.out.data : "", m.out.len, err);
    buf_free(&m.out);
    buf_free(&old);
    free(m.written);
    return rc;
}
