/* plan_answers.c - what answering would take. */
#include "mtbench/plan_answers.h"

#include "mtbench/candidate.h"
#include "mtbench/mem.h"
#include "mtbench/prompt.h"

#include <stdlib.h>
#include <string.h>

/* Tokens of the prompt of turn 1, and of the last turn without the answers before it. */
static int count_prompts(const struct question *q, const struct rig *r, long *first, long *last, struct err *err)
{
    int rc = 0;
    struct chat_message *m = xcalloc(2 * (size_t)q->n_turns, sizeof *m);
    for (int t = 0; t < q->n_turns && rc == 0; t++) {
        struct prompt p = {0};
        m[2 * t] = (struct chat_message){ "user", q->turn[t], strlen(q->turn[t]) };
        m[2 * t + 1] = (struct chat_message){ "assistant", "", 0 };
        /* Those between them are in the last one. */
        if ((t == 0 || t == q->n_turns - 1) && (rc = prompt_build(&p, r->tokenizer, r->chat, m, 2 * t + 1, err)) == 0)
            *(t == 0 ? first : last) = (long)p.ids.n;
        if (rc == 0 && t == 0)
            *last = *first;
        prompt_free(&p);
    }
    free(m);
    return rc < 0 ? err_wrap(err, "question %lld", (long long)q->id) : 0;
}

static int add_question(struct answers_plan *p, const struct answer_opts *o, const struct question *q, const struct rig *r, struct err *err)
{
    long first = 0, last = 0;
    if (count_prompts(q, r, &first, &last, err) < 0)
        return -1;
    p->tight += last + (long)q->n_turns * o->max_new_token > r->model->config.context; /* at worst: every answer as long as allowed */
    for (int c = 0; c < o->num_choices; c++) {
        int done = journal_count(p->journal, q->id, q->sha256, c, q->n_turns, err), left = q->n_turns - done;
        if (done < 0)
            return -1;
        p->conversations += left > 0;
        p->turns += q->n_turns;
        p->done += done;
        p->prompt_tokens += done ? 0 : first; /* later turns find their beginning in the cache */
        p->expected += left * answer_expected_tokens(o, q);
        p->most += left * o->max_new_token;
    }
    return 0;
}

int plan_answers(struct answers_plan *p, const struct answer_opts *o, const struct questions *qs, const struct rig *r, struct err *err)
{
    char *answers = answer_opts_path(o), *path = journal_path(answers);
    struct manifest m = {0};
    answer_describe(&m, o, qs, r);
    /* A peek neither writes nor locks: plan may run beside the run itself, and on read-only folders. */
    *p = (struct answers_plan){ .journal = journal_peek(o->fresh ? NULL : path, &m, err) };
    int rc = p->journal ? 0 : -1;
    for (int i = 0; rc == 0 && i < qs->n; i++)
        rc = add_question(p, o, &qs->q[i], r, err);
    if (rc == 0)
        p->rate = journal_rate(p->journal); /* tokens per second, if an earlier start has made any */
    manifest_free(&m);
    free(path);
    free(answers);
    return rc;
}

void plan_answers_free(struct answers_plan *p)
{
    journal_close(p->journal);
    *p = (struct answers_plan){0};
}

/* n words; about as many tokens to most tokenizers. */
static char *words(long n)
{
    static const char word[] = "word ";
    char *s = xcalloc((size_t)n * strlen(word) + 1, 1);
    for (long i = 0; i < n; i++)
        memcpy(s + (size_t)i * strlen(word), word, strlen(word));
    return s;
}

/* Stand-ins for answers to come, so that the judge's calls can be built and counted by the code that will make
 * them. */
long plan_answers_give(const struct answers_plan *p, const struct answer_opts *o, const struct questions *qs, struct answer_set *out)
{
    long to_come = 0;
    for (int i = 0; i < qs->n; i++) {
        const struct question *q = &qs->q[i];
        const char **turn = xcalloc((size_t)q->n_turns, sizeof *turn);
        char *expected = words((long)answer_expected_tokens(o, q));
        int done = journal_count(p->journal, q->id, q->sha256, 0, q->n_turns, NULL);
        for (int t = 0; t < q->n_turns; t++)
            turn[t] = t < done ? journal_find(p->journal, q->id, 0, t + 1)->text : expected;
        to_come += q->n_turns - done;
        answer_set_add(out, o->name, q->id, turn, q->n_turns);
        free(expected);
        free(turn);
    }
    return to_come;
}
