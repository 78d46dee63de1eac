/* match.h - which answers are judged, by which prompt, in which order: FastChat's matches (room: judge). */
#ifndef MTB_MATCH_H
#define MTB_MATCH_H

#include "mtbench/answer_set.h"
#include "mtbench/judge_prompt.h"
#include "mtbench/question.h"

enum judge_mode { MODE_SINGLE, MODE_PAIRWISE_BASELINE, MODE_PAIRWISE_ALL };
#define JUDGE_MODES "single|pairwise-baseline|pairwise-all"      /* their words, in order */
const char *judge_mode_word(enum judge_mode mode);

struct match {
    const struct question *question;
    const char *model_1, *model_2;       /* model_2 NULL in single mode */
    const struct judge_prompt *prompt;
    int turn;                            /* from 1; every turn of a question is judged */
    bool with_reference;
};

struct matches {
    struct match *match;                 /* default turn 1, math turn 1, default turn 2, math turn 2, ...; question outer, model inner */
    int n;
};

struct match_opts {
    const struct questions *questions;   /* already cut by --first-n */
    const char *const *model;            /* (n_models) */
    int n_models;
    const char *baseline;                /* pairwise-baseline only */
    enum judge_mode mode;
    const struct judge_prompts *prompts;
    const char *coming;                  /* a model whose answers are yet to come: matches_check() does not look for them; NULL: none */
    double may_lack;                     /* share of the matches that may lack an answer, for matches_check() */
};

/* The matches of a run, whether or not the answers are there yet. The strings and questions stay the caller's. -1: err (usage: a prompt
 * that is needed is missing or of the other kind, no baseline, a question has more than JUDGE_MAX_TURNS turns; format: a prompt asks for a
 * field that its matches do not have). */
int matches_build(const struct match_opts *o, struct matches *out, struct err *err);
void matches_free(struct matches *m);

/* FastChat's checks before judging, over what the matches use: every model (the baseline too) has an answer to every question but for
 * 'may_lack', every question of a reference category a reference. -1: err (usage) that names model and question. 'answers' NULL: they are
 * yet to come, only references are checked; 'reference' may be NULL if no match needs it. */
int matches_check(const struct match_opts *o, const struct answer_set *answers, const struct model_answers *reference, struct err *err);

/* Has the match the references that its prompt shows? -1: err (usage). */
int match_check_reference(const struct match *m, const struct model_answers *reference, struct err *err);

/* numpy's legacy shuffle with seed 0 over n things, as FastChat orders matches for --parallel above 1: order[i] is the number of the i-th.
 */
void shuffle_seed_0(int n, int *order);

/* Does the category use references? math, reasoning, coding, arena-hard-200. */
bool category_has_reference(const char *category);

/* Fill the prompt of one game: game 1 shows model_1 as A, game 2 model_2 as A. Single mode: game 1. Appends to 'user'. -1: err (usage)
 * when an answer or a reference is missing, which matches_check() and match_ready() tell before. */
int match_render(const struct match *m, int game, const struct answer_set *answers, const struct model_answers *reference, struct buf *user,
                 struct err *err);
/* Are the answers there? JUDGMENT_OK; JUDGMENT_NO_ANSWER when a turn (or reference) that the prompt would show failed; -1: not yet there.
 */
int match_ready(const struct match *m, const struct answer_set *answers, const struct model_answers *reference);
/* Is a reference that the prompt would show the trace of a failure, which no judge may be told as the truth? */
bool match_reference_failed(const struct match *m, const struct model_answers *reference);
/* Is an answer to the judged turn there, and empty? */
bool match_judges_empty(const struct match *m, const struct answer_set *answers);

#endif
