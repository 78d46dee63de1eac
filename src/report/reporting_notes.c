/* reporting_notes.c - what a reader of a report must know before he looks at a score. */
#include "reporting_priv.h"
#include "review_sheets.h"

#include "mtbench/paths.h"

#include <stdlib.h>
#include <string.h>

static void note_answers(struct report *r, const struct review_model *m)
{
    const char *questions = origin_fact(&m->origin.facts, "question_file_sha256");
    const char *now = r->v.n_files ? r->v.file[0].sha256 : "";
    if (!m->answered)
        paper_item(r->p, "%s: judged, but its answers are not here.", m->name);
    else if (m->n_gaps)
        paper_item(r->p, "%s: %d of %ld turns have no answer.", m->name, m->n_gaps, m->turns + m->n_gaps);
    if (m->elsewhere)
        paper_item(r->p, "%s: %ld answers are to questions that this bench does not have.", m->name, m->elsewhere);
    if (m->beyond)
        paper_item(r->p, "%s: %ld turns are more than the questions ask for.", m->name, m->beyond);
    if (m->cut)
        paper_item(r->p, "%s: %ld of %ld answers ran into a limit.", m->name, m->cut, m->turns);
    if (questions && *now && strcmp(questions, now))
        paper_item(r->p, "%s: answered when question.jsonl was another file (SHA-256 %.12s..., now %.12s...).", m->name, questions, now);
}

/* Where models were made in two ways, their scores differ for more than one reason. */
static void note_difference(struct report *r, const char *fact, const char *words)
{
    const char *first = NULL;
    bool differ = false;
    for (int m = 0; m < r->v.n_models; m++) {
        const char *value = origin_fact(&r->v.model[m].origin.facts, fact);
        differ |= first && value && strcmp(first, value);
        first = first ? first : value;
    }
    if (differ)
        paper_item(r->p, "The models were not all made with the same %s; see the setup.", words);
}

static void note_judge(struct report *r, const struct review_judge *j)
{
    const struct origin_journal *o = review_journal(&r->v, j);
    const char *prompts = o ? origin_fact(&o->facts, "judge_prompts_sha256") : NULL;
    const struct review_file *now = r->v.n_files > 1 ? &r->v.file[1] : NULL;
    long failed = j->pairs ? j->pairwise.failed : 0, all = j->pairs ? j->pairwise.games + failed : 0;
    for (size_t i = 0; !j->pairs && i < j->scores.first[j->scores.n_models]; i++) {
        failed += j->scores.item[i].status != JUDGMENT_OK;
        all++;
    }
    const char *by = j->pairs ? j->pairwise.judge : j->scores.judge;
    char *plain = bench_name_plain(by ? by : "nobody who is named");
    if (strcmp(plain, j->name))
        paper_item(r->p, "%s: its file's judgments are by %s.", j->name, by ? by : plain);
    free(plain);
    if (failed)
        paper_item(r->p, "%s: %ld of %ld %s have no verdict, and are in no score.", j->name, failed, all,
                   j->pairs ? "judged pairs" : "judgments");
    const long missing = review_missing(&r->v, j, &all);
    if (missing)
        paper_item(r->p, "%s: %ld of %ld answers are not judged.", j->name, missing, all);
    if (prompts && now && now->there && strcmp(prompts, now->sha256))
        paper_item(r->p, "%s: judged when %s was another file.", j->name, now->name);
}

void report_notes(struct report *r)
{
    for (int i = 0; i < r->v.n_troubles; i++)
        paper_item(r->p, "Left out: %s", r->v.trouble[i]);
    if (!r->v.n_judges)
        paper_item(r->p, "Nothing was judged.");
    for (int m = 0; m < r->v.n_models; m++)
        note_answers(r, &r->v.model[m]);
    note_difference(r, "numerics", "numerics");
    note_difference(r, "max_new_token", "token limit");
    note_difference(r, "sampler", "sampler");
    for (int i = 0; i < r->v.n_judges; i++)
        note_judge(r, &r->v.judge[i]);
    if (r->o->sliced)
        paper_item(r->p, "Only a part of the questions is told of: %d.", r->v.questions.n);
    paper_text(r->p,
               "Every score is a mean over judgments that gave one, with its number n, its failures, and a 95 %% interval clustered by "
               "question (Student's t). Numbers are those that mtbench show prints.");
}
