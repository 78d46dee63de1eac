/* finished.c - what is known of a task without its model. */
#include "finished.h"

#include "mtbench/io.h"
#include "mtbench/journal.h"

#include <stdlib.h>

/* The turns of one conversation; false: one is missing, or its question reads otherwise. */
static bool see_turns(const struct journal *j, const struct question *q, int choice, const struct answer_watch *watch,
                      struct answer_result *res)
{
    const int n = journal_count(j, q->id, q->sha256, choice, q->n_turns, NULL);
    for (int t = 0; t < n; t++) {
        const struct turn_record *turn = journal_find(j, q->id, choice, t + 1);
        res->tokens += (uint64_t)turn->n_new;
        res->done++;
        if (watch->turn)
            watch->turn(watch->ctx, turn);
    }
    res->total += q->n_turns;
    return n == q->n_turns;
}

bool finished_task(const struct campaign_task *t, const struct questions *qs, const struct answer_watch *watch, struct answer_result *res)
{
    char *file = answer_opts_path(&t->answer), *path = journal_path(file);
    struct manifest same = {0};
    *res = (struct answer_result){0};
    manifest_add(&same, true, "max_new_token", "%ld", t->answer.max_new_token);
    manifest_add(&same, true, "seed", "%ld", t->answer.seed);
    struct journal *j = !t->answer.fresh && io_exists(file, NULL) == 1 ? journal_peek(path, &same, NULL) : NULL;
    bool all = j != NULL;
    for (int i = 0; i < qs->n && all; i++)
        for (int c = 0; c < t->answer.num_choices && all; c++)
            all = see_turns(j, &qs->q[i], c, watch, res);
    journal_close(j);
    manifest_free(&same);
    free(file);
    free(path);
    return all;
}
