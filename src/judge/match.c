/* match.c - which answers are judged, by which prompt, in which order. */
#include "mtbench/match.h"

#include "mtbench/judgment.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

bool category_has_reference(const char *category)
{
    static const char *const name[] = { "math", "reasoning", "coding", "arena-hard-200" };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (!strcmp(category, name[i]))
            return true;
    return false;
}

/* ---- building ---- */

/* The four judges of a run, in the order of their matches. */
static const struct judge {
    const char *single, *pair;
    bool with_reference;
    int turn;
} judges[] = {
    { "single-v1", "pair-v2", false, 1 },
    { "single-math-v1", "pair-math-v1", true, 1 },
    { "single-v1-multi-turn", "pair-v2-multi-turn", false, 2 },
    { "single-math-v1-multi-turn", "pair-math-v1-multi-turn", true, 2 },
};

static void add_match(struct matches *out, const struct match *m)
{
    if (out->n % 1024 == 0)
        out->match = xrealloc(out->match, (size_t)out->n + 1024, sizeof *out->match);
    out->match[out->n++] = *m;
}

/* All matches of one question by one judge. */
static void add_question(const struct match_opts *o, struct match m, struct matches *out)
{
    for (int i = 0; i < o->n_models; i++) {
        m.model_1 = o->model[i];
        if (o->mode == MODE_SINGLE)
            add_match(out, &m);
        else if (o->mode == MODE_PAIRWISE_BASELINE) {
            m.model_2 = o->baseline;
            if (strcmp(m.model_1, m.model_2))
                add_match(out, &m);
        }
        for (int j = i + 1; o->mode == MODE_PAIRWISE_ALL && j < o->n_models; j++) {
            m.model_2 = o->model[j];
            add_match(out, &m);
        }
    }
}

/* ---- what a prompt shows ---- */

enum part { QUESTION, ANSWER_A, ANSWER_B, REFERENCE, N_PARTS };
struct shown {
    char *const *turn[N_PARTS];          /* texts by turn; NULL: there is no such part */
};

/* The names of the parts in FastChat's templates. */
static const struct field {
    int turn;                            /* of the match; 0: both */
    bool in_single, in_pairs;
    const char *name;
    enum part part;
    int of;                              /* turn that it shows, from 0 */
} fields[] = {
    { 1, true, true, "question", QUESTION, 0 }, { 1, true, false, "answer", ANSWER_A, 0 },
    { 1, false, true, "answer_a", ANSWER_A, 0 }, { 1, false, true, "answer_b", ANSWER_B, 0 },
    { 2, true, true, "question_1", QUESTION, 0 }, { 2, true, true, "question_2", QUESTION, 1 },
    { 2, true, false, "answer_1", ANSWER_A, 0 }, { 2, true, false, "answer_2", ANSWER_A, 1 },
    { 2, false, true, "answer_a_1", ANSWER_A, 0 }, { 2, false, true, "answer_a_2", ANSWER_A, 1 },
    { 2, false, true, "answer_b_1", ANSWER_B, 0 }, { 2, false, true, "answer_b_2", ANSWER_B, 1 },
    { 0, true, true, "ref_answer_1", REFERENCE, 0 }, { 2, true, true, "ref_answer_2", REFERENCE, 1 },
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static int fill(const struct match *m, const struct shown *s, struct buf *user, struct err *err)
{
    struct prompt_field f[N_FIELDS];
    int n = 0;
    for (int i = 0; i < N_FIELDS; i++)
        if ((!fields[i].turn || fields[i].turn == m->turn) && (m->model_2 ? fields[i].in_pairs : fields[i].in_single) && s->turn[fields[i].part])
            f[n++] = (struct prompt_field){ fields[i].name, s->turn[fields[i].part][fields[i].of] };
    return judge_prompt_fill(m->prompt, f, n, user, err);
}

/* Find the judge's prompt, and see that its fields are those that its matches fill. */
static int find_prompt(const struct match_opts *o, const struct judge *j, struct match *m, struct err *err)
{
    char *blank[] = { "", "" };
    bool pairs = o->mode != MODE_SINGLE;
    const char *name = pairs ? j->pair : j->single;
    m->prompt = judge_prompts_find(o->prompts, name);
    if (!m->prompt)
        return err_set(err, ERR_USAGE, "no judge prompt \"%s\"; use the judge_prompts.jsonl of FastChat or add it", name);
    if (m->prompt->pairwise != pairs)
        return err_set(err, ERR_USAGE, "judge prompt \"%s\" is of type %s; this mode needs the other one", name, pairs ? "single" : "pairwise");
    struct shown s = { { blank, blank, pairs ? blank : NULL, j->with_reference ? blank : NULL } };
    struct match probe = { .model_2 = pairs ? "" : NULL, .prompt = m->prompt, .turn = j->turn };
    struct buf b = {0};
    int rc = fill(&probe, &s, &b, err);
    buf_free(&b);
    return rc;
}

int matches_build(const struct match_opts *o, struct matches *out, struct err *err)
{
    *out = (struct matches){0};
    if (o->mode == MODE_PAIRWISE_BASELINE && !o->baseline)
        return err_set(err, ERR_USAGE, "--mode pairwise-baseline: no baseline; name one with --baseline-model");
    for (size_t k = 0; k < sizeof judges / sizeof *judges; k++) {
        struct match m = { .turn = judges[k].turn, .with_reference = judges[k].with_reference };
        for (int i = 0; i < o->questions->n; i++) {
            const struct question *q = m.question = &o->questions->q[i];
            if (category_has_reference(q->category) != m.with_reference || (m.turn == 2 && q->n_turns != 2))
                continue;
            if (!m.prompt && find_prompt(o, &judges[k], &m, err) < 0) {
                matches_free(out);
                return -1;
            }
            add_question(o, m, out);
        }
    }
    return 0;
}

void matches_free(struct matches *m)
{
    free(m->match);
    *m = (struct matches){0};
}

/* ---- answers of a match ---- */

static const struct model_answer *answer_of(const struct answer_set *answers, const char *model, const struct match *m)
{
    const struct model_answers *of = answer_set_model(answers, model);
    return of ? answer_set_find(of, m->question->id) : NULL;
}

static int answer_ready(const struct model_answer *a, int turn)
{
    for (int i = 0; a && i < turn && i < a->n_turns; i++)
        if (answer_is_failure(a->turn[i]))
            return JUDGMENT_NO_ANSWER;
    return a && a->n_turns >= turn ? JUDGMENT_OK : -1;
}

int match_ready(const struct match *m, const struct answer_set *answers)
{
    int one = answer_ready(answer_of(answers, m->model_1, m), m->turn);
    int two = m->model_2 ? answer_ready(answer_of(answers, m->model_2, m), m->turn) : JUDGMENT_OK;
    return one < 0 || two < 0 ? -1 : one == JUDGMENT_NO_ANSWER ? one : two;
}

static int missing(const struct match *m, const char *model, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: no answer to turn %d of question %lld; generate the answers first", model, m->turn,
                   (long long)m->question->id);
}

static const struct model_answer *reference_of(const struct match *m, const struct model_answers *reference, struct err *err)
{
    const struct model_answer *a = reference ? answer_set_find(reference, m->question->id) : NULL;
    if (a && a->n_turns >= m->turn)
        return a;
    err_set(err, ERR_USAGE, "%s: no reference answer to turn %d of question %lld (%s); choose a complete file with --reference",
            reference && reference->model ? reference->model : "reference answers", m->turn, (long long)m->question->id, m->question->category);
    return NULL;
}

static int check_match(const struct match *m, const struct answer_set *answers, const struct model_answers *reference, struct err *err)
{
    const char *model[2] = { m->model_1, m->model_2 };
    for (int k = 0; answers && k < 2 && model[k]; k++) {
        if (!answer_set_model(answers, model[k]))
            return err_set(err, ERR_USAGE, "%s: no answers of this model; generate them first, or check --model-list", model[k]);
        if (answer_ready(answer_of(answers, model[k], m), m->turn) < 0)
            return missing(m, model[k], err);
    }
    return m->with_reference && !reference_of(m, reference, err) ? -1 : 0;
}

int matches_check(const struct match_opts *o, const struct answer_set *answers, const struct model_answers *reference, struct err *err)
{
    struct matches m;
    int rc = matches_build(o, &m, err);
    for (int i = 0; rc == 0 && i < m.n; i++)
        rc = check_match(&m.match[i], answers, reference, err);
    matches_free(&m);
    return rc;
}

int match_render(const struct match *m, int game, const struct answer_set *answers, const struct model_answers *reference, struct buf *user,
                 struct err *err)
{
    const char *model[2] = { m->model_1, m->model_2 };
    const struct model_answer *answer[2] = { NULL, NULL }, *ref = NULL;
    for (int k = 0; k < 2 && model[k]; k++) {
        answer[k] = answer_of(answers, model[k], m);
        if (!answer[k] || answer[k]->n_turns < m->turn)
            return missing(m, model[k], err);
    }
    if (m->with_reference && !(ref = reference_of(m, reference, err)))
        return -1;
    const struct model_answer *a = answer[game == 2], *b = answer[game != 2];
    struct shown s = { { m->question->turn, a->turn, b ? b->turn : NULL, ref ? ref->turn : NULL } };
    return fill(m, &s, user, err);
}
