/* reporting.c - the sections of a report, in their order. Numbers are those of `show`: the same views of the same scores. */
#include "reporting_priv.h"

#include "campaign_views.h"
#include "review_sheets.h"

#include "mtbench/agree_view.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct paper_section sections[] = {
    { "notes", "What to know first" },   { "scores", "Scores" },
    { "categories", "By category and turn" },     { "pairs", "Pairs" },
    { "plots", "Plots" },                { "noise", "Noise, and the smallest difference that counts" },
    { "agreement", "Agreement of judges" },       { "failures", "Failures" },
    { "setup", "Setup" },                { "hashes", "Hashes" },
    { "versions", "Versions" },          { "unrecorded", "Not recorded" },
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

/* Takes the sheet. */
static void put_sheet(struct report *r, struct sheet *s, const char *caption, const char *data)
{
    paper_sheet(r->p, s, caption, data);
    sheet_free(s);
}

/* One that may have no rows, and what is said then. */
static void put_any(struct report *r, struct sheet *s, const char *caption, const char *data, const char *none)
{
    if (s->n_cells)
        paper_sheet(r->p, s, caption, data);
    else
        paper_text(r->p, "%s", none);
    sheet_free(s);
}

/* ---- scores, as show prints them ---- */

struct showing report_showing(const struct report *r, const struct review_judge *j)
{
    const struct reporting *o = r->o;
    return (struct showing){
        .bench_name = o->bench_name, .data_dir = o->data_dir, .judges = { (char **)&j->name, 1 }, .slicing = o->slicing,
        .sliced = o->sliced, .repeat = j->n_repeats, .mode = j->pairs ? SHOW_ALL : SHOW_SINGLE,
    };
}

/* Models that this judge has judged, of those that were asked for; none where all were. The array is the caller's. */
static struct opt_list judged(const struct report *r, const struct review_judge *j)
{
    struct opt_list l = {0};
    if (!r->o->models.n)
        return l;
    const int n = j->pairs ? j->pairwise.n : j->scores.n_models;
    l.word = xcalloc((size_t)n + 1, sizeof *l.word);
    for (; l.n < n; l.n++)
        l.word[l.n] = j->pairs ? (char *)j->pairwise.row[l.n].model : j->scores.model[l.n];
    return l;
}

static int show_judge(struct report *r, const struct review_judge *j, struct sheet *s, struct err *err)
{
    struct showing what = report_showing(r, j);
    what.model_list = judged(r, j);
    int rc = showing_sheet(s, &what, err);
    free(what.model_list.word);
    return rc;
}

static int put_judges(struct report *r, bool pairs, const char *form, const char *data, struct err *err)
{
    int rc = 0;
    for (int i = 0; i < r->v.n_judges && rc == 0; i++) {
        const struct review_judge *j = &r->v.judge[i];
        struct sheet s = {0};
        if (j->pairs != pairs)
            continue;
        char *caption = xasprintf("%s by %s", form, j->name), *name = xasprintf("%s-%d", data, i);
        if ((rc = show_judge(r, j, &s, err)) == 0)
            paper_sheet(r->p, &s, caption, name);
        sheet_free(&s);
        free(caption);
        free(name);
    }
    return rc;
}

/* Of each judge the first repeat, which is what `show` has of several judges. */
static int count_first(const struct report *r, const struct review_judge *j, struct scores *s, struct err *err)
{
    struct opt_list models = judged(r, j);
    struct judgment_table first = j->table;      /* lent, cut behind the first repeat */
    first.n = j->repeat_end[0];
    const struct score_choice choice = { .model = (const char *const *)models.word, .n_models = models.n, .judge = j->name,
                                         .questions = r->o->sliced ? &r->v.questions : NULL };
    int rc = scores_build(s, j->path, &first, &choice, err);
    free(models.word);
    return rc;
}

static void put_panel(struct report *r)
{
    const int n = r->v.n_single;
    struct sheet s = {0};
    struct scores *all = xcalloc((size_t)n + 1, sizeof *all);
    const char **name = xcalloc((size_t)n + 1, sizeof *name);
    struct err err = {0};
    bool repeated = false;
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        name[i] = r->v.judge[i].name;
        repeated |= r->v.judge[i].n_repeats > 1;
        rc = count_first(r, &r->v.judge[i], &all[i], &err);
    }
    if (rc == 0) {
        view_panel(&s, all, name, n, true);
        if (repeated)
            view_panel_repeats(&s);
        paper_sheet(r->p, &s, "All judges side by side", "panel");
    } else {
        char *words = review_words(&r->v, err.text);
        paper_text(r->p, "Judges are not shown side by side: %s", words);
        free(words);
    }
    for (int i = 0; i < n; i++)
        scores_free(&all[i]);
    sheet_free(&s);
    free(all);
    free(name);
}

static int put_scores(struct report *r, struct err *err)
{
    if (!r->v.n_single)
        paper_text(r->p, "No single judgments.");
    int rc = put_judges(r, false, "Scores", "scores", err);
    if (rc == 0 && r->v.n_single > 1)
        put_panel(r);
    return rc;
}

static void put_parts(struct report *r)
{
    for (int i = 0; i < r->v.n_single; i++) {
        const struct review_judge *j = &r->v.judge[i];
        struct sheet categories = {0}, turns = {0};
        char *of_categories = xasprintf("Categories by %s: score and 95 %% interval", j->name);
        char *of_turns = xasprintf("Turns by %s", j->name), *name = xasprintf("categories-%d", i), *turn = xasprintf("turns-%d", i);
        if (r->v.has_questions) {
            view_categories(&categories, &j->by_category, true);
            put_sheet(r, &categories, of_categories, name);
        }
        view_turns(&turns, &j->scores);
        put_sheet(r, &turns, of_turns, turn);
        free(of_categories);
        free(of_turns);
        free(name);
        free(turn);
    }
    if (!r->v.has_questions)
        paper_text(r->p, "No categories: there is no question.jsonl.");
    else if (!r->v.n_single)
        paper_text(r->p, "No single judgments.");
}

static int put_pairs(struct report *r, struct err *err)
{
    if (r->v.n_single == r->v.n_judges)
        paper_text(r->p, "No pair judgments.");
    return put_judges(r, true, "Games of pairs", "pairs", err);
}

/* ---- noise ---- */

static void put_noise_of(struct report *r, int judge)
{
    const struct review_judge *j = &r->v.judge[judge];
    /* A folder holds one run of a model: all its answers are of one seed. */
    int32_t *run = xcalloc(j->table.n + 1, sizeof *run);
    struct sheet neighbours = {0}, noise = {0};
    int *order = scores_order(&j->scores);
    const double smallest = scores_smallest(&j->scores, order);
    char *caption = xasprintf("Neighbours in the scores by %s", j->name), *name = xasprintf("neighbours-%d", judge);
    char *of_noise = xasprintf("Where the scatter of scores by %s comes from", j->name), *data = xasprintf("noise-%d", judge);
    if (isnan(smallest))
        paper_text(r->p, "By %s: too few questions to say what difference counts.", j->name);
    else
        paper_text(r->p, "By %s the smallest difference between two %s that this run can show is %.2f points (80 %% power, 5 %% level).",
                   j->name, j->scores.n_models > 1 ? "neighbours" : "such models", smallest);
    sheet_neighbours(&neighbours, &j->scores);
    put_any(r, &neighbours, caption, name, "One model has no neighbour.");
    view_noise(&noise, &j->scores, &(struct row_runs){ run, NULL });
    put_sheet(r, &noise, of_noise, data);
    if (j->n_repeats < 2)
        paper_text(r->p, "%s was asked once for each answer: how much it would differ from itself is not known (mtbench judge --repeat 3).",
                   j->name);
    free(caption);
    free(name);
    free(of_noise);
    free(data);
    free(order);
    free(run);
}

static void put_noise(struct report *r)
{
    for (int i = 0; i < r->v.n_single; i++)
        put_noise_of(r, i);
    if (!r->v.n_single)
        paper_text(r->p, "No single judgments.");
}

/* ---- agreement ---- */

static void put_votes(struct report *r)
{
    struct agree_view a = {0};
    struct sheet s = {0};
    struct err err = {0};
    const int n = r->v.n_judges - r->v.n_single;
    char **path = xcalloc((size_t)n + 1, sizeof *path);
    for (int i = 0; i < n; i++)
        path[i] = r->v.judge[r->v.n_single + i].path;
    a.votefiles = (struct opt_list){ path, n };
    if (n && agree_view_sheet(&s, &a, &err) == 0)
        paper_sheet(r->p, &s, "Pairs: verdicts that agree", "votes");
    else if (n && err.kind == ERR_USAGE)
        paper_text(r->p, "Pairs: no two verdicts on the same two answers, so that nothing can agree.");
    else if (n) {
        char *words = review_words(&r->v, err.text);
        paper_text(r->p, "Pairs: %s.", words);
        free(words);
    }
    sheet_free(&s);
    free(path);
}

static void put_agreement(struct report *r)
{
    struct sheet s = {0};
    sheet_judges_agree(&s, &r->v);
    put_any(r, &s, "Single answers: scores that agree", "judges-agree",
            r->v.n_single ? "One judge of single answers: there is nobody to agree with." : "No single judgments.");
    put_votes(r);
}

/* ---- failures, setup, hashes ---- */

static void put_failures(struct report *r)
{
    struct sheet gaps = {0}, failed = {0}, missing = {0};
    sheet_answer_gaps(&gaps, &r->v);
    put_any(r, &gaps, "Turns without an answer", "gaps", "Every turn has an answer.");
    sheet_failed_judgments(&failed, &r->v);
    put_any(r, &failed, "Judgments that are in no score", "failed",
            r->v.n_judges ? "Every judgment has a verdict." : "Nothing was judged.");
    if (!r->v.n_single)
        return;
    sheet_missing_judgments(&missing, &r->v);
    put_any(r, &missing, "Answers that were not judged", "missing",
            r->v.has_questions ? "Each judge has judged every answer of the models that it has judged."
                               : "Which judgments are missing is not known: there is no question.jsonl.");
}

static void put_setup(struct report *r)
{
    struct sheet made = {0}, count = {0}, judges = {0};
    sheet_answers_made(&made, &r->v);
    put_any(r, &made, "How the answers were made", "made", "How the answers were made is not recorded: neither journals nor manifests lie "
            "beside them.");
    paper_text(r->p, "Temperatures are those of the questions' categories, as in FastChat, unless the sampler says otherwise.");
    sheet_answers_count(&count, &r->v);
    put_any(r, &count, "What came of it", "answers", "No models.");
    sheet_judges(&judges, &r->v);
    put_any(r, &judges, "How they were judged", "judges", "Nothing was judged.");
}

static void put_hashes(struct report *r)
{
    struct sheet files = {0}, models = {0};
    sheet_files(&files, &r->v);
    put_any(r, &files, "Files of the bench, as they are", "files", "None.");
    sheet_model_hashes(&models, &r->v);
    put_any(r, &models, "Answers and weights", "models", "No models.");
}

static void put_versions(struct report *r)
{
    struct sheet s = {0};
    sheet_column(&s, "what", "of what wrote this page", 0, SHEET_ALL);
    sheet_column(&s, "version", NULL, 0, SHEET_ALL);
    for (int i = 0; i < r->o->n_versions; i++) {
        sheet_text(&s, r->o->version[i].what);
        sheet_text(&s, r->o->version[i].version);
    }
    put_sheet(r, &s, "Versions", "versions");
    paper_text(r->p,
               "Questions, answers and judgments lie in the files of FastChat's llm_judge (tested against FastChat 0.2.36), whose scripts "
               "read them.");
    paper_text(r->p, "Which versions made the answers and the judgments stands in the setup, where it was recorded.");
}

static void put_unrecorded(struct report *r)
{
    struct sheet s = {0};
    sheet_not_recorded(&s, &r->v);
    put_any(r, &s, "What nobody wrote down", "unrecorded", "Everything that this program records of answers is there.");
    for (int i = 0; i < r->v.n_judges; i++)
        if (!review_journal(&r->v, &r->v.judge[i]))
            paper_item(r->p, "%s (%s): no journal lies beside its judgments, so that program, prompts, parameters, tokens and cost are not "
                             "known.", r->v.judge[i].name, r->v.judge[i].pairs ? "pairs" : "single answers");
}

/* ---- the whole ---- */

static int put_sections(struct report *r, struct err *err)
{
    int rc;
    paper_section(r->p);
    report_notes(r);
    paper_section(r->p);
    if ((rc = put_scores(r, err)) < 0)
        return rc;
    paper_section(r->p);
    put_parts(r);
    paper_section(r->p);
    if ((rc = put_pairs(r, err)) < 0)
        return rc;
    paper_section(r->p);
    if ((rc = report_plots(r, err)) < 0)
        return rc;
    static void (*const rest[])(struct report *) = { put_noise, put_agreement, put_failures, put_setup, put_hashes, put_versions,
                                                     put_unrecorded };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        paper_section(r->p);
        rest[i](r);
    }
    return 0;
}

/* By their names: who judged single answers and pairs is one. */
static int count_judges(const struct review *v)
{
    int n = 0;
    for (int i = 0; i < v->n_judges; i++) {
        bool seen = false;
        for (int k = 0; k < i; k++)
            seen |= !strcmp(v->judge[k].name, v->judge[i].name);
        n += !seen;
    }
    return n;
}

static int write_report(struct report *r, struct err *err)
{
    const struct reporting *o = r->o;
    const int n_judges = count_judges(&r->v);
    char *title = xasprintf("Report: %s", o->bench_name);
    char *about = xasprintf("%d model%s, %d question%s, %d judge%s", r->v.n_models, r->v.n_models == 1 ? "" : "s", r->v.questions.n,
                            r->v.questions.n == 1 ? "" : "s", n_judges, n_judges == 1 ? "" : "s");
    const struct paper_head head = { title, about, o->n_versions ? o->version[0].version : "mtbench", sections, N_SECTIONS };
    int rc = -1;
    r->p = paper_begin(o->output, o->format == REPORT_HTML ? PAPER_HTML : PAPER_MARKDOWN, &head, err);
    if (r->p && put_sections(r, err) == 0)
        rc = paper_end(r->p, err);
    else
        paper_drop(r->p);
    free(title);
    free(about);
    return rc;
}

int reporting_write(const struct reporting *o, long *bytes, struct err *err)
{
    struct report r = { .o = o };
    const struct review_opts what = { o->data_dir, o->bench_name, o->judges, o->models, o->slicing, o->sliced };
    struct stat st;
    if (bench_output_check(o->output, err) < 0)
        return -1;
    int rc = review_read(&r.v, &what, err) < 0 ? -1 : write_report(&r, err);
    *bytes = rc == 0 && stat(o->output, &st) == 0 ? (long)st.st_size : 0;
    review_free(&r.v);
    return rc;
}
