/* answer_file.c - from the finished turns of a run to its answer file, its digest and its manifest. */
#include "mtbench/answer_file.h"

#include "mtbench/answer.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* The answer of a question whose turns of all choices are done; false if one is missing. */
static bool complete_answer(const struct answered *r, const struct question *q, struct answer *a)
{
    struct answer_choice *choice = xcalloc((size_t)r->n_choices, sizeof *choice);
    *a = (struct answer){ .question_id = q->id, .model_id = r->model_id, .seed = r->seed, .n_choices = r->n_choices, .choice = choice };
    for (int c = 0; c < r->n_choices; c++) {
        const char **turn = xcalloc((size_t)q->n_turns, sizeof *turn);
        choice[c] = (struct answer_choice){ q->n_turns, turn };
        for (int t = 0; t < q->n_turns; t++) {
            double tstamp;
            if (!(turn[t] = r->text(r->ctx, q, c, t + 1, &tstamp)))
                return false;
            a->tstamp = tstamp > a->tstamp ? tstamp : a->tstamp;
        }
    }
    return true;
}

static void answer_free(struct answer *a)
{
    for (int c = 0; c < a->n_choices; c++)
        free((void *)a->choice[c].turn);
    free((void *)a->choice);
}

int answer_file_write(const char *path, const struct answered *r, struct err *err)
{
    struct answer *a = xcalloc((size_t)r->questions->n, sizeof *a);
    int n = 0;
    for (int i = 0; i < r->questions->n; i++) {
        if (complete_answer(r, &r->questions->q[i], &a[n]))
            n++;
        else
            answer_free(&a[n]);
    }
    int rc = n ? answers_merge(path, a, n, err) : 0;
    for (int i = 0; i < n; i++)
        answer_free(&a[i]);
    free(a);
    return rc;
}

static int by_question(const void *a, const void *b)
{
    const struct question *x = *(const struct question *const *)a, *y = *(const struct question *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

void answer_file_digest(const struct answered *r, char hex[65])
{
    struct digest *d = digest_begin();
    int n = r->questions->n;
    const struct question **order = xcalloc((size_t)n, sizeof *order);
    for (int i = 0; i < n; i++)
        order[i] = &r->questions->q[i];
    qsort(order, (size_t)n, sizeof *order, by_question);
    for (int i = 0; i < n; i++) {
        for (int c = 0; c < r->n_choices; c++) {
            for (int t = 1; t <= order[i]->n_turns; t++) {
                double tstamp;
                const char *text = r->text(r->ctx, order[i], c, t, &tstamp);
                if (text)
                    digest_turn(d, order[i]->id, c, t, text);
            }
        }
    }
    free(order);
    digest_end(d, hex);
}

int answer_file_manifest(const char *journal, const char *line, struct err *err)
{
    char *text = xasprintf("%s\n", line), *path = xasprintf("%.*s.manifest", (int)(strlen(journal) - strlen(".journal")), journal);
    int rc = io_replace(path, text, strlen(text), err);
    free(path);
    free(text);
    return rc;
}
