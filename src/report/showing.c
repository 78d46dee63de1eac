/* showing.c - from what somebody wants to see to the text of it: the files are found and read, the view is made, the form is chosen. */
#include "mtbench/showing.h"

#include "campaign_views.h"
#include "chosen.h"

#include "mtbench/bench.h"
#include "mtbench/fastchat_table.h"
#include "mtbench/io.h"
#include "mtbench/judge_files.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/transcript.h"
#include "mtbench/views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- input ---- */

struct input {
    const char *path, *judge;            /* judge NULL: the file must have one */
    struct judgment_table table;         /* all repeats, one behind the other */
    size_t *repeat_end;                  /* (n_repeats) */
    int n_repeats;
    struct questions questions;          /* with has_questions */
    bool has_questions;                  /* only these count */
    struct chosen chosen;                /* of a campaign; what stands above is the input's own */
};

/* Only where categories or a slice are asked for: judgments are shown without the bench's files too. */
static int read_questions(struct input *in, const struct showing *o, struct err *err)
{
    int rc = bench_questions(o->data_dir, o->bench_name, &o->slicing, &in->questions, err);
    in->has_questions = true;
    return rc;
}

/* Files of others may know a model as ORG/NAME; ours say ORG_NAME. */
static void name_plainly(const struct judgment_table *t, const struct opt_list *models)
{
    for (int i = 0; i < models->n; i++)
        if (judgment_table_name(t, models->word[i]) < 0)
            bench_name_make_plain(models->word[i]); /* in the program's arguments, which are ours to write */
}

static int input_campaign(struct input *in, const struct showing *o, struct err *err)
{
    struct chosen *c = &in->chosen;
    int rc = chosen_read(c, o, err);
    in->table = c->table;
    in->repeat_end = c->repeat_end;
    in->n_repeats = c->n_repeats;
    in->questions = c->questions;
    in->has_questions = c->has_questions;
    if (!in->judge && o->judges.n == 0 && judgment_table_name(&in->table, "gpt-4") >= 0)
        in->judge = "gpt-4";             /* FastChat's default, as in a folder */
    name_plainly(&in->table, &o->model_list);
    name_plainly(&in->table, &o->compare);
    return rc;
}

static int input_read(struct input *in, const struct showing *o, struct err *err)
{
    int rc = 0;
    if (o->campaign)
        return input_campaign(in, o, err);
    in->n_repeats = (int)o->repeat;
    in->repeat_end = xcalloc((size_t)o->repeat, sizeof *in->repeat_end);
    for (int r = 0; r < o->repeat && rc == 0; r++) {
        char *path = bench_repeat_path(in->path, r + 1);
        const int there = io_exists(path, err);
        if (there < 0)
            rc = -1;
        else if (there == 0)
            rc = err_set(err, ERR_IO, "%s%s: no such file; judge first, or name another with --input-file",
                         o->input_file ? "--input-file " : "", path);
        else
            rc = judgment_table_read(&in->table, path, err);
        in->repeat_end[r] = in->table.n; /* all repeats in one table: where each ends tells them apart */
        free(path);
    }
    name_plainly(&in->table, &o->model_list); /* when the table is there: its names win */
    name_plainly(&in->table, &o->compare);
    if (rc == 0 && showing_needs_questions(o))
        rc = read_questions(in, o, err);
    return rc;
}

static void input_free(struct input *in)
{
    judgment_table_free(&in->table);
    questions_free(&in->questions);
    free(in->repeat_end);
    for (size_t i = 0; i < in->chosen.n_runs; i++)
        free(in->chosen.model[i]);
    free(in->chosen.model);
    free(in->chosen.cut);
    free(in->chosen.run);
    free(in->chosen.seed);
}

/* ---- output ---- */

/* A file that was named by hand may be of any bench: NULL. */
static const char *bench_of(const struct showing *o)
{
    return o->bench_given || (!o->campaign && !o->input_file) ? o->bench_name : NULL;
}

/* What the table is of, as a paper's caption says it. */
static char *title_of(const struct showing *o)
{
    static const char *const mode[] = { "Scores", "Win rates against ", "Win rates of all pairs" };
    const bool pairs = o->mode != SHOW_SINGLE;
    struct buf b = {0};
    if (o->compare.n)
        buf_printf(&b, "%s of %s and %s", pairs ? "Games" : "Paired difference", o->compare.word[0], o->compare.word[1]);
    else if (o->length_slope)
        buf_str(&b, "Points per doubling of the answers' length");
    else if (o->noise)
        buf_str(&b, "Scatter of questions, answers and judgments");
    else
        buf_printf(&b, "%s%s", mode[o->mode], o->mode == SHOW_BASELINE ? o->baseline_model : "");
    if (o->history)
        buf_str(&b, " of checkpoints");
    else if (o->group_by)
        buf_printf(&b, " by %s", o->group_by);
    else if (showing_panel(o))
        buf_str(&b, " by judge");
    if (bench_of(o))
        buf_printf(&b, ", %s", bench_of(o));
    return buf_steal(&b);
}

static void put_sheet(struct buf *out, const struct sheet *s, const struct showing *o)
{
    char *title = title_of(o);
    sheet_put(s, (enum sheet_form)o->format, title, out);
    free(title);
}

static const char *const *names(const struct opt_list *list)
{
    return (const char *const *)list->word;
}

static int show_fastchat(struct buf *out, const struct input *in, const struct showing *o, struct err *err)
{
    static const char *const mode[] = { "single", "pairwise-baseline", "pairwise-all" };
    buf_printf(out, "Mode: %s\nInput file: %s\n", mode[o->mode], in->path); /* FastChat's first two lines */
    for (int i = 0; i < o->model_list.n; i++)
        /* Law 5: FastChat ignores a misspelt name in silence, and its table then just lacks a row. */
        if (judgment_table_name(&in->table, o->model_list.word[i]) < 0)
            log_note("--model-list %s: not in %s; passed over, as FastChat does", o->model_list.word[i], in->path);
    if (o->mode == SHOW_SINGLE)
        /* By the bench's very name, as FastChat has it. */
        return fastchat_put_single(out, in->path, &in->table, names(&o->model_list), o->model_list.n, !strcmp(o->bench_name, "mt_bench"),
                                   err);
    return fastchat_put_pairs(out, in->path, &in->table, names(&o->model_list), o->model_list.n,
                              o->mode == SHOW_BASELINE ? o->baseline_model : NULL, err);
}

/* Those of the models whose answers lie where they belong. */
static int read_answers_of(struct answer_set *answers, const char *const *model, int n, const char *folder, struct err *err)
{
    const char **there = xcalloc((size_t)n + 1, sizeof *there);
    int n_there = 0;
    for (int i = 0; i < n; i++) {
        char *path = bench_answers_file(folder, model[i]);
        if (access(path, R_OK) == 0)     /* answers may have stayed on another machine */
            there[n_there++] = model[i];
        else if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
            log_note("%s: cannot be read (%s), so nothing is said about these answers", path, strerror(errno));
        free(path);
    }
    int rc = n_there ? answer_set_read(answers, folder, there, n_there, err) : 0;
    free(there);
    return rc;
}

/* A campaign knows how its answers ended; it has the answers that were judged, so that none is outdated. */
static void put_campaign_facts(struct sheet *sheet, const struct chosen *c, const char *const *model, int n)
{
    struct buf names = {0};
    struct answer_facts facts = {0};
    for (int m = 0; m < n; m++) {
        long cut = 0;
        for (size_t i = 0; i < c->n_runs; i++)
            cut += strcmp(c->model[i], model[m]) ? 0 : c->cut[i];
        facts.cut += cut;
        if (cut)
            buf_printf(&names, "%s%ld of %s", names.len ? ", " : "", cut, model[m]);
    }
    facts.cut_models = names.len ? buf_steal(&names) : NULL;
    if (c->n_runs)
        view_answer_facts(sheet, &facts);
    answer_facts_free(&facts);
}

/* A file that was named by hand may be of any answers, so nothing is said about it. */
static int put_facts(struct sheet *sheet, const struct input *in, const char *const *model, int n, const struct showing *o,
                     struct err *err)
{
    struct answer_set answers = {0};
    struct answer_facts facts = {0};
    char *folder = bench_answers_folder(o->data_dir, o->bench_name);
    if (o->campaign)
        put_campaign_facts(sheet, &in->chosen, model, n);
    int rc = o->input_file || o->campaign ? 0 : read_answers_of(&answers, model, n, folder, err);
    if (rc == 0 && answers.n && (rc = answer_facts_read(&facts, in->path, &answers, folder, err)) == 0)
        view_answer_facts(sheet, &facts);
    answer_facts_free(&facts);
    answer_set_free(&answers);
    free(folder);
    return rc;
}

/* Without answers there are no lengths: here they are needed. */
static int view_of_length(struct sheet *out, const struct scores *s, const struct showing *o, struct err *err)
{
    struct answer_set answers = {0};
    char *folder = bench_answers_folder(o->data_dir, o->bench_name);
    int rc = answer_set_read(&answers, folder, (const char *const *)s->model, s->n_models, err);
    if (rc == 0)
        view_length(out, s, &answers);
    answer_set_free(&answers);
    free(folder);
    return rc;
}

static int build_scores(struct scores *s, const struct input *in, const struct showing *o, struct err *err)
{
    const struct opt_list *models = o->compare.n ? &o->compare : &o->model_list; /* --compare names its models itself */
    const struct score_choice choice = {
        .model = names(models), .n_models = models->n, .judge = in->judge, .questions = in->has_questions ? &in->questions : NULL,
        .repeat_end = in->repeat_end, .n_repeats = in->n_repeats,
    };
    return scores_build(s, in->path, &in->table, &choice, err);
}

static int view_of_single(struct sheet *out, const struct scores *s, const struct input *in, const struct showing *o, struct err *err)
{
    const struct row_runs runs = { in->chosen.run, in->chosen.seed };
    if (o->length_slope || o->plot == PLOT_LENGTH)
        return view_of_length(out, s, o, err);
    if (o->group)
        view_groups(out, s, &runs, o->group);
    else if (o->history || o->plot == PLOT_HISTORY)
        view_history(out, s);
    else if (o->noise)
        view_noise(out, s, &runs);
    else if (o->compare.n)
        view_compare(out, s, scores_model(s, o->compare.word[0], err), scores_model(s, o->compare.word[1], err));
    else if (o->by == BY_TURN || o->plot == PLOT_TURNS)
        view_turns(out, s);
    else if (o->by == BY_CATEGORY || o->plot == PLOT_RADAR)
        view_categories(out, s, sheet_is_read((enum sheet_form)o->format) && !o->plot);
    else
        view_scores(out, s);
    return 0;
}

static int single_sheet(struct sheet *sheet, const struct input *in, const struct showing *o, struct err *err)
{
    struct scores s;
    int rc = build_scores(&s, in, o, err);
    if (rc == 0)
        rc = view_of_single(sheet, &s, in, o, err);
    if (rc == 0)
        /* Behind the view: facts stand below the table, whichever it is. */
        rc = put_facts(sheet, in, (const char *const *)s.model, s.n_models, o, err);
    scores_free(&s);
    return rc;
}

static int put_pair_facts(struct sheet *sheet, const struct input *in, const struct pairwise *p, const struct showing *o, struct err *err)
{
    const char **model = xcalloc((size_t)p->n + 1, sizeof *model);
    for (int i = 0; i < p->n; i++)
        model[i] = p->row[i].model;
    int rc = put_facts(sheet, in, model, p->n, o, err);
    free(model);
    return rc;
}

static int pairs_sheet(struct sheet *sheet, const struct input *in, const struct showing *o, struct err *err)
{
    struct pairwise p;
    /* Two named models are compared with each other. */
    const char *baseline = o->mode == SHOW_BASELINE && !o->compare.n ? o->baseline_model : NULL;
    const struct pairwise_choice choice = {
        .model = names(o->compare.n ? &o->compare : &o->model_list),
        .n_models = o->compare.n ? o->compare.n : o->model_list.n,
        .baseline = baseline,
        .judge = in->judge,
        .questions = in->has_questions ? &in->questions : NULL,
        .by_pair = o->mode == SHOW_ALL && (o->by == BY_PAIR || o->plot == PLOT_WINRATE),
    };
    int rc = pairwise_build(&p, in->path, &in->table, &choice, err);
    if (rc == 0) {
        if (o->compare.n)
            view_pair_compare(sheet, &p, o->compare.word[0], o->compare.word[1]);
        else if (p.pair)
            view_pair_matrix(sheet, &p);
        else
            view_pairs(sheet, &p, baseline);
        rc = put_pair_facts(sheet, in, &p, o, err);
    }
    pairwise_free(&p);
    return rc;
}

int showing_group(struct showing *o, struct err *err)
{
    if (!o->group_by)
        return 0;
    o->by = !strcmp(o->group_by, "turn")       ? BY_TURN
            : !strcmp(o->group_by, "category") ? BY_CATEGORY
            : !strcmp(o->group_by, "pair")     ? BY_PAIR
                                               : BY_NOTHING;
    if (o->by)
        return 0;
    if (group_words(o->group_by, &o->group, err) < 0)
        return -1;
    return o->campaign ? 0
                       : err_set(err, ERR_USAGE, "--by %s: only of a campaign file; in a folder --by is turn, category or pair",
                                 o->group_by);
}

bool showing_needs_questions(const struct showing *o)
{
    return o->by == BY_CATEGORY || (o->group & GROUP_BY_CATEGORY) || o->plot == PLOT_RADAR || o->sliced;
}

/* ---- one judge, several, or the texts ---- */

bool showing_panel(const struct showing *o)
{
    return o->judges.n > 1 || (o->judges.n == 1 && !strcmp(o->judges.word[0], "all"));
}

/* Of one file: a sheet, or with 'text' FastChat's table. */
static int show_one(struct sheet *sheet, struct buf *text, const char *path, const char *judge, const struct showing *o, struct err *err)
{
    struct input in = { .path = path, .judge = judge };
    int rc = input_read(&in, o, err);
    if (rc == 0 && text)
        rc = show_fastchat(text, &in, o, err);
    else if (rc == 0)
        rc = (o->mode == SHOW_SINGLE ? single_sheet : pairs_sheet)(sheet, &in, o, err);
    input_free(&in);
    return rc;
}

/* All judges' tables at once: rows are models, so nobody's scores can be printed before everybody's are known. */
static int panel_sheet(struct sheet *sheet, const struct judge_files *f, const struct showing *o, struct err *err)
{
    struct input *in = xcalloc((size_t)f->n, sizeof *in); /* scores point into the tables: these live as long */
    struct scores *s = xcalloc((size_t)f->n, sizeof *s);
    const char **judge = xcalloc((size_t)f->n, sizeof *judge);
    int rc = 0;
    for (int i = 0; i < f->n && rc == 0; i++) {
        in[i] = (struct input){ .path = f->file[i].path, .judge = f->file[i].judge };
        judge[i] = f->file[i].judge;
        if ((rc = input_read(&in[i], o, err)) == 0)
            rc = build_scores(&s[i], &in[i], o, err);
    }
    if (rc == 0)
        view_panel(sheet, s, judge, f->n, sheet_is_read((enum sheet_form)o->format) && !o->plot);
    for (int i = 0; i < f->n; i++) {
        scores_free(&s[i]);
        input_free(&in[i]);
    }
    free(s);
    free(in);
    free(judge);
    return rc;
}

/* The answers that are there; none is no error, the judgments may be. */
static int read_answers(struct answer_set *answers, const struct showing *o, struct err *err)
{
    char *folder = bench_answers_folder(o->data_dir, o->bench_name);
    int rc = io_exists(folder, err);
    if (rc > 0)
        rc = answer_set_read(answers, folder, names(&o->model_list), o->model_list.n, err);
    free(folder);
    return rc;
}

static int show_transcripts(struct buf *out, const struct judge_files *f, const struct showing *o, struct err *err)
{
    const struct slicing which = { .ids = o->transcript };
    struct questions qs = {0};
    struct answer_set answers = {0};
    const char **path = xcalloc((size_t)f->n + 1, sizeof *path);
    int rc = bench_questions(o->data_dir, o->bench_name, &which, &qs, err);
    for (int i = 0; i < f->n; i++)
        path[i] = f->file[i].path;
    if (o->input_file)
        path[0] = o->input_file;         /* one more place was kept for it */
    if (rc == 0)
        rc = read_answers(&answers, o, err);
    for (int i = 0; i < qs.n && rc == 0; i++) {
        const struct transcript t = { &qs.q[i], &answers, names(&o->model_list), o->model_list.n, path, o->input_file ? 1 : f->n };
        rc = transcript_put(out, &t, err);
    }
    answer_set_free(&answers);
    questions_free(&qs);
    free(path);
    return rc;
}

/* Whose files are meant; none of a campaign, and of a file that was named by hand. */
static int find_files(struct judge_files *f, const struct showing *o, struct err *err)
{
    static const char usual[] = "gpt-4"; /* FastChat's default judge, shown where nobody is named */
    if (o->input_file || o->campaign)
        return 0;
    int rc = judge_files_find(f, o->data_dir, o->bench_name, o->mode != SHOW_SINGLE, usual, names(&o->judges), o->judges.n, err);
    if (f->fallen_back)
        log_note("no judgments by %s here; these are by %s, the only judge there is", usual, f->file[0].judge);
    return rc;
}

static int show_files(struct sheet *sheet, struct buf *text, const struct judge_files *f, const struct showing *o, struct err *err)
{
    if (f->n)
        return show_one(sheet, text, f->file[0].path, f->file[0].judge, o, err);
    return show_one(sheet, text, o->campaign ? o->campaign : o->input_file, o->judges.n ? o->judges.word[0] : NULL, o, err);
}

int showing_sheet(struct sheet *out, const struct showing *o, struct err *err)
{
    struct judge_files f = {0};
    int rc = find_files(&f, o, err);
    if (rc == 0)
        rc = showing_panel(o) && f.n ? panel_sheet(out, &f, o, err) : show_files(out, NULL, &f, o, err);
    judge_files_free(&f);
    return rc;
}

static int put_transcripts(struct buf *out, const struct showing *o, struct err *err)
{
    struct judge_files f = {0};
    int rc = find_files(&f, o, err);
    if (rc == 0 || o->judges.n == 0)     /* a transcript may be of answers alone */
        rc = show_transcripts(out, &f, o, err);
    judge_files_free(&f);
    return rc;
}

static int put_fastchat(struct buf *out, const struct showing *o, struct err *err)
{
    struct judge_files f = {0};
    int rc = find_files(&f, o, err);
    if (rc == 0)
        rc = show_files(NULL, out, &f, o, err);
    judge_files_free(&f);
    return rc;
}

int showing_put(struct buf *out, const struct showing *o, struct err *err)
{
    struct sheet sheet = {0};
    if (o->output && strcmp(o->output, "-") && bench_output_check(o->output, err) < 0)
        return -1;
    if (o->transcript.n)
        return put_transcripts(out, o, err);
    if (o->format == SHOW_FASTCHAT && !showing_panel(o))
        return put_fastchat(out, o, err);
    int rc = showing_sheet(&sheet, o, err);
    if (rc == 0 && o->plot)
        rc = plot_put(out, o->plot, &sheet, &(struct plot_look){ .bench = bench_of(o), .by_name = o->by_name }, err);
    else if (rc == 0)
        put_sheet(out, &sheet, o);
    sheet_free(&sheet);
    return rc;
}
