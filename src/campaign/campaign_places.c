/* campaign_places.c - which tasks of a list write the same answers. */
#include "campaign_places.h"

#include "campaign_judges.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* One spelling for one file: links and dots in its folder are resolved as far as the folder is there. */
static char *spell(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("."), *real = realpath(folder, NULL);
    char *spelt = real ? xasprintf("%s/%s", real, slash ? slash + 1 : path) : xstrdup(path);
    free(folder);
    free(real);
    return spelt;
}

static bool same_sampler(const struct generation *a, const struct generation *b)
{
    return a->has_temperature == b->has_temperature && a->temperature == b->temperature && a->has_top_p == b->has_top_p &&
           a->top_p == b->top_p && a->has_top_k == b->has_top_k && a->top_k == b->top_k && a->has_min_p == b->has_min_p &&
           a->min_p == b->min_p && a->has_repetition_penalty == b->has_repetition_penalty &&
           a->repetition_penalty == b->repetition_penalty;
}

/* Judgments that go into another file. */
static bool other_judge(const struct judge_opts *a, const struct judge_opts *b)
{
    return !same_text(a->judge_model, b->judge_model) || a->mode != b->mode;
}

/* The same answers for another judge: made once, by the first of both. */
static bool judged_again(const struct campaign_task *a, const struct campaign_task *b)
{
    const struct answer_opts *x = &a->answer, *y = &b->answer;
    return a->judged && b->judged && other_judge(&a->judge, &b->judge) && campaign_same_model(a, b) && !x->fresh && !y->fresh &&
           x->seed == y->seed && x->max_new_token == y->max_new_token && x->num_choices == y->num_choices &&
           same_text(x->chat_template, y->chat_template) && same_sampler(&x->sampler, &y->sampler) &&
           campaign_same_slice(&x->slicing, &y->slicing);
}

static char *place_of(const struct campaign_task *t)
{
    char *path = answer_opts_path(&t->answer), *place = spell(path);
    free(path);
    return place;
}

int campaign_check_places(const char *list, const struct campaign_task *task, int n, struct err *err)
{
    char **place = xcalloc((size_t)n, sizeof *place);
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        char *path = answer_opts_path(&task[i].answer);
        place[i] = place_of(&task[i]);
        for (int k = 0; k < i && rc == 0; k++) /* a list has some hundred lines */
            if (!strcmp(place[i], place[k]) && !judged_again(&task[i], &task[k]))
                rc = err_set(err, ERR_USAGE, "%s:%ld: would write %s, which line %ld writes; give each line a --model-id of its own, or "
                             "another --judge-model for the same answers", list, task[i].number, path, task[k].number);
        free(path);
    }
    for (int i = 0; i < n; i++)
        free(place[i]);
    free(place);
    return rc;
}

bool campaign_made_before(const char *list, const struct campaign_task *task, int k)
{
    char *mine = place_of(&task[k]);
    int other = 0;
    for (bool same = false; other < k && !same; other += !same) {
        char *place = place_of(&task[other]);
        same = !strcmp(place, mine);
        free(place);
    }
    free(mine);
    if (other < k)
        log_note("%s:%ld: the task of line %ld makes these answers, for another judge; nothing is left for this one", list, task[k].number,
                 task[other].number);
    return other < k;
}
