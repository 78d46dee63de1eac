/* match.c - which answers are judged, by which prompt, in which order. */
#include "mtbench/match.h"

#include "mtbench/judgment.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *judge_mode_word(enum judge_mode mode)
{
    static const char *const word[] = { "single", "pairwise-baseline", "pairwise-all" };
    return word[mode];
}

bool category_has_reference(const char *category)
{
    static const char *const name[] = { "math", "reasoning", "coding", "arena-hard-200" }; /* FastChat's NEED_REF_CATS */
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (!strcmp(category, name[i]))
            return true;
    return false;
}

/* ---- building ---- */

/* The judges of a turn: without and with reference. */
static const struct judge {
    const char *single, *pair;           /* names of prompts; of the third turn on a number follows */
    bool with_reference;
} first_turn[] = {{"single-v1", "pair-v2", false}, {"single-math-v1", "pair-math-v1", true}},
  later_turn[] = {{"single-v1-multi-turn", "pair-v2-multi-turn", false}, {"single-math-v1-multi-turn", "pair-math-v1-multi-turn", true}};

static void add_match(struct matches *out, const struct match *m)
{
    if (out->n % 1024 == 0)
        out->match = xrealloc(out->match, (size_t)out->n + 1024, sizeof *out->match);
    out->match[out->n++] = *m;
}

/* All matches of one question by one judge. */
/* FastChat's order: the first of a pair is the earlier one of the list, and is model_1 in the file. */
static void add_question(const struct match_opts *o, struct match m, struct matches *out)
{
    for (int i = 0; i < o->n_models; i++) {
        m.model_1 = o->model[i];
        if (o->mode == MODE_SINGLE)
            add_match(out, &m);
        else if (o->mode == MODE_PAIRWISE_BASELINE) {
            m.model_2 = o->baseline;
            if (strcmp(m.model_1, m.model_2)) /* the baseline is not judged against itself */
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

/* FastChat's names of the fields: the part's, and of a later turn's match (and of references) the number of the turn that it shows. */
static int fill(const struct match *m, const struct shown *s, struct buf *user, struct err *err)
{
    static const char *const single[N_PARTS] = { "question", "answer", NULL, "ref_answer" };
    static const char *const pair[N_PARTS] = { "question", "answer_a", "answer_b", "ref_answer" };
    char name[N_PARTS * JUDGE_MAX_TURNS][16];
    struct prompt_field f[N_PARTS * JUDGE_MAX_TURNS];
    int n = 0;
    for (int part = 0; part < N_PARTS; part++)
        for (int of = 0; s->turn[part] && of < m->turn; of++, n++) { /* all turns so far are shown */
            const char *base = m->model_2 ? pair[part] : single[part];
            bool plain = m->turn == 1 && part != REFERENCE; /* "answer", but "ref_answer_1" already for the first turn */
            snprintf(name[n], sizeof *name, plain ? "%s" : "%s_%d", base, of + 1);
            f[n] = (struct prompt_field){ name[n], s->turn[part][of] };
        }
    return judge_prompt_fill(m->prompt, f, n, user, err);
}

/* Find the judge's prompt, and see that its fields are those that its matches fill. */
static int find_prompt(const struct match_opts *o, const struct judge *j, struct match *m, struct err *err)
{
    char *blank[JUDGE_MAX_TURNS];
    for (int i = 0; i < JUDGE_MAX_TURNS; i++)
        blank[i] = "";
    bool pairs = o->mode != MODE_SINGLE;
    const char *base = pairs ? j->pair : j->single;
    char name[64];
    snprintf(name, sizeof name, m->turn > 2 ? "%s-%d" : "%s", base, m->turn); /* "single-v1-multi-turn-3" is the third */
    m->prompt = judge_prompts_find(o->prompts, name);
    if (!m->prompt && m->turn > 2)
        return err_set(err, ERR_USAGE,
                       "no judge prompt \"%s\" for turn %d of question %lld, and \"%s\" cannot be extended to it; add it to the file", name,
                       m->turn, (long long)m->question->id, base);
    if (!m->prompt)
        return err_set(err, ERR_USAGE, "no judge prompt \"%s\"; use the judge_prompts.jsonl of FastChat or add it", name);
    if (m->prompt->pairwise != pairs)
        return err_set(err, ERR_USAGE, "judge prompt \"%s\" is of type %s; this mode needs the other one", name,
                       pairs ? "single" : "pairwise");
    /* A template with a field that nobody fills is FastChat's KeyError; here it is found before the first call is paid
     * for. */
    struct shown s = { { blank, blank, pairs ? blank : NULL, j->with_reference ? blank : NULL } };
    struct match probe = { .model_2 = pairs ? "" : NULL, .prompt = m->prompt, .turn = m->turn };
    struct buf b = {0};
    int rc = fill(&probe, &s, &b, err);
    buf_free(&b);
    return rc;
}

/* All matches of one turn by one judge. */
static int add_turn(const struct match_opts *o, const struct judge *j, int turn, struct matches *out, struct err *err)
{
    struct match m = { .turn = turn, .with_reference = j->with_reference }; /* the prompt is found at the first question that needs it */
    for (int i = 0; i < o->questions->n; i++) {
        const struct question *q = m.question = &o->questions->q[i];
        /* FastChat judges a second turn of questions with exactly two; here each turn that a question has. */
        if (category_has_reference(q->category) != j->with_reference || q->n_turns < turn)
            continue;
        if (!m.prompt && find_prompt(o, j, &m, err) < 0) /* only of judges that are needed: vicuna_bench has no second turn */
            return -1;
        add_question(o, m, out);
    }
    return 0;
}

int matches_build(const struct match_opts *o, struct matches *out, struct err *err)
{
    int turns = 0, rc = 0;
    *out = (struct matches){0};
    if (o->mode == MODE_PAIRWISE_BASELINE && !o->baseline)
        return err_set(err, ERR_USAGE, "--mode pairwise-baseline: no baseline; name one with --baseline-model");
    for (int i = 0; i < o->questions->n; i++) {
        const struct question *q = &o->questions->q[i];
        turns = q->n_turns > turns ? q->n_turns : turns;
        if (q->n_turns > JUDGE_MAX_TURNS)
            return err_set(err, ERR_USAGE, "question %lld has %d turns; at most %d can be judged", (long long)q->id, q->n_turns,
                           JUDGE_MAX_TURNS);
    }
    /* FastChat's order of matches: default, math, default of turn 2, math of turn 2. --parallel 1 asks in it. */
    for (int turn = 1; turn <= turns && rc == 0; turn++)
        for (int k = 0; k < 2 && rc == 0; k++)
            rc = add_turn(o, turn == 1 ? &first_turn[k] : &later_turn[k], turn, out, err);
    if (rc < 0)
        matches_free(out);
    return rc;
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

/* JUDGMENT_OK, JUDGMENT_NO_ANSWER (this turn or one before it failed: it answers a conversation that never was),
 * -1: not there yet. */
static int answer_ready(const struct model_answer *a, int turn)
{
    for (int i = 0; a && i < turn && i < a->n_turns; i++)
        if (answer_is_failure(a->turn[i]))
            return JUDGMENT_NO_ANSWER;
    return a && a->n_turns >= turn ? JUDGMENT_OK : -1;
}

/* An error text as reference would make the judge punish right answers: it counts as none. */
bool match_reference_failed(const struct match *m, const struct model_answers *reference)
{
    const struct model_answer *a = m->with_reference && reference ? answer_set_find(reference, m->question->id) : NULL;
    return a && a->n_turns >= m->turn && answer_ready(a, m->turn) == JUDGMENT_NO_ANSWER;
}

int match_ready(const struct match *m, const struct answer_set *answers, const struct model_answers *reference)
{
    if (match_reference_failed(m, reference))
        return JUDGMENT_NO_ANSWER;
    int one = answer_ready(answer_of(answers, m->model_1, m), m->turn);
    int two = m->model_2 ? answer_ready(answer_of(answers, m->model_2, m), m->turn) : JUDGMENT_OK;
    return one < 0 || two < 0 ? -1 : one == JUDGMENT_NO_ANSWER ? one : two;
}

bool match_judges_empty(const struct match *m, const struct answer_set *answers)
{
    const char *model[2] = { m->model_1, m->model_2 };
    for (int k = 0; k < 2 && model[k]; k++) {
        const struct model_answer *a = answer_of(answers, model[k], m);
        if (a && a->n_turns >= m->turn && !*a->turn[m->turn - 1])
            return true;
    }
    return false;
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
            reference && reference->model ? reference->model : "reference answers", m->turn, (long long)m->question->id,
            m->question->category);
    return NULL;
}

int match_check_reference(const struct match *m, const struct model_answers *reference, struct err *err)
{
    return m->with_reference && !reference_of(m, reference, err) ? -1 : 0;
}

/* 1: an answer is missing (err says which), where a share of the matches may do without. */
static int check_match(const struct match *m, const char *coming, const struct answer_set *answers, const struct model_answers *reference,
                       struct err *err)
{
    const char *model[2] = { m->model_1, m->model_2 };
    bool lacks = false;
    for (int k = 0; answers && k < 2 && model[k]; k++) {
        if (coming && !strcmp(model[k], coming)) /* its answers are being made */
            continue;
        if (!answer_set_model(answers, model[k]))
            return err_set(err, ERR_USAGE, "%s: no answers of this model; generate them first, or check --model-list", model[k]);
        if (answer_ready(answer_of(answers, model[k], m), m->turn) < 0)
            lacks = missing(m, model[k], err);
    }
    return match_check_reference(m, reference, err) < 0 ? -1 : lacks;
}

int matches_check(const struct match_opts *o, const struct answer_set *answers, const struct model_answers *reference, struct err *err)
{
    struct matches m;
    struct err why, first = {0};
    int rc = matches_build(o, &m, err), lacking = 0;
    for (int i = 0; rc == 0 && i < m.n; i++) {
        int is = check_match(&m.match[i], o->coming, answers, reference, &why);
        if (is > 0 && lacking++ == 0)
            first = why;
        if (is < 0) {
            first = why;
            rc = -1;
        }
    }
    /* A few missing answers are failures to be counted; more than --max-error-rate are a mistake, refused before
     * anything is paid for. */
    if (first.kind && (rc < 0 || lacking > o->may_lack * m.n)) {
        *err = first;
        rc = -1;
    }
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
    const struct model_answer *a = answer[game == 2], *b = answer[game != 2]; /* game 2 shows model_2 as A; of single matches b is NULL */
    struct shown s = { { m->question->turn, a->turn, b ? b->turn : NULL, ref ? ref->turn : NULL } };
    return fill(m, &s, user, err);
}
