/* review_missing.c - answers that a judge that judged their model has not judged. */
#include "review_sheets.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED = 8 };                     /* questions that a row names */

struct missing {
    long answers, missing;
    int questions;                       /* of the missing ones */
    struct buf ids;                      /* the first of them */
    const struct origin_call *call;      /* what the journal says of the first that it knows; NULL: nothing */
    int last;                            /* the question that was counted last */
};

static int by_place(const void *a, const void *b)
{
    return review_compare_items(a, b);
}

/* By this judge, or in its file by whoever stood in for it: the scores say how many those are. */
static bool is_judged(const struct review_judge *j, int row, int64_t question_id, int turn, int repeat)
{
    const struct scores *s = &j->by_category;
    const struct judgment_table *t = &j->table;
    const struct score_item key = { .question_id = question_id, .turn = (uint8_t)turn, .repeat = (uint8_t)repeat };
    const int32_t model = judgment_table_name(t, s->model[row]);
    bool judged = bsearch(&key, s->item + s->first[row], s->first[row + 1] - s->first[row], sizeof key, by_place) != NULL;
    for (size_t i = repeat ? j->repeat_end[repeat - 1] : 0; s->by_others && i < j->repeat_end[repeat] && !judged; i++)
        judged = t->row[i].model_1 == model && t->row[i].question_id == question_id && t->row[i].turn == turn;
    return judged;
}

static bool was_asked(const struct scores *s, int row, int repeat)
{
    bool asked = false;
    for (size_t i = s->first[row]; i < s->first[row + 1]; i++)
        asked |= s->item[i].repeat == repeat;
    return asked;
}

/* Judges see the first choice. */
static bool is_answer(const struct review_model *m, int64_t question_id, int turn)
{
    for (int i = 0; i < m->n_gaps; i++)
        if (m->gap[i].question_id == question_id && m->gap[i].choice == 0 && m->gap[i].turn == turn)
            return false;
    return true;
}

static void add_missing(struct missing *u, const struct review *r, const struct review_judge *j, const char *model, int question, int turn,
                        int repeat)
{
    const int64_t id = r->questions.q[question].id;
    const struct game_name n = { j->scores.judge ? j->scores.judge : j->name, NULL, model, NULL, id, turn, 1, repeat + 1 };
    u->missing++;
    if (!u->call)
        u->call = origin_calls_single(&r->calls, &n, j->name);
    if (u->last == question)
        return;
    u->last = question;
    if (u->questions++ < LISTED)
        buf_printf(&u->ids, "%s%lld", u->ids.len ? ", " : "", (long long)id);
}

/* Of one of the judge's models, repeat by repeat; a repeat in which the model is not at all was not asked for. */
static struct missing see_model(const struct review *r, const struct review_judge *j, int row)
{
    const struct scores *s = &j->by_category;
    const struct review_model *m = review_model(r, s->model[row]);
    struct missing u = {0};
    for (int repeat = 0; m && m->answered && repeat < s->n_repeats; repeat++) {
        u.last = -1;
        for (int q = 0; was_asked(s, row, repeat) && q < r->questions.n; q++)
            for (int t = 1; t <= r->questions.q[q].n_turns && t <= UINT8_MAX; t++) {
                if (!is_answer(m, r->questions.q[q].id, t))
                    continue;
                u.answers++;
                if (!is_judged(j, row, r->questions.q[q].id, t, repeat))
                    add_missing(&u, r, j, s->model[row], q, t, repeat);
            }
    }
    return u;
}

long review_missing(const struct review *r, const struct review_judge *j, long *answers)
{
    long n = 0;
    *answers = 0;
    for (int i = 0; !j->pairs && i < j->by_category.n_models; i++) {
        struct missing u = see_model(r, j, i);
        n += u.missing;
        *answers += u.answers;
        buf_free(&u.ids);
    }
    return n;
}

static void put_row(struct sheet *out, const char *judge, const char *model, const struct missing *u)
{
    sheet_text(out, judge);
    sheet_text(out, model);
    sheet_int(out, u->answers);
    sheet_int(out, u->missing);
    if (u->questions > LISTED)
        sheet_printf(out, "%s and %d more", u->ids.data, u->questions - LISTED);
    else
        sheet_text(out, u->ids.data);
    if (u->call && !u->call->ok)
        sheet_printf(out, "%s%s%s", u->call->status, u->call->reason ? ": " : "", u->call->reason ? u->call->reason : "");
    else
        sheet_text(out, u->call ? "the judge replied; judge again, which writes it down" : NOT_RECORDED);
}

void sheet_missing_judgments(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "judge", NULL }, { "model", NULL }, { "answers", NULL }, { "not_judged", "not judged" },
                                           { "questions", "of questions" }, { "reason", "reason, of the first" } };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        sheet_column(out, name[i][0], name[i][1], 0, SHEET_ALL);
    for (int k = 0; k < r->n_single; k++)
        for (int i = 0; i < r->judge[k].by_category.n_models; i++) {
            struct missing u = see_model(r, &r->judge[k], i);
            if (u.missing)
                put_row(out, r->judge[k].name, r->judge[k].by_category.model[i], &u);
            buf_free(&u.ids);
        }
}
