/* cmd_show.c - the verb `show`: judgments in, tables out. */
#include "cmd.h"
#include "show_opts.h"

#include "mtbench/bench.h"
#include "mtbench/fastchat_table.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- input ---- */

struct input {
    struct judgment_table table;
    size_t *repeat_end;                  /* (opts.repeat) */
    struct questions questions;
    bool has_questions;
};

static int read_questions(struct input *in, const struct show_opts *o, struct err *err)
{
    int rc = bench_questions(o->data_dir, o->bench_name, &o->slicing, &in->questions, err);
    in->has_questions = true;
    return rc < 0 && err->kind == ERR_IO ? err_wrap(err, "--by category, --question-begin, --question-end and --first-n need the questions") : rc;
}

/* Files of others may know a model as ORG/NAME; ours say ORG_NAME. */
static void name_plainly(const struct judgment_table *t, const struct opt_list *models)
{
    for (int i = 0; i < models->n; i++)
        if (judgment_table_name(t, models->word[i]) < 0)
            bench_name_make_plain(models->word[i]);
}

static int input_read(struct input *in, const struct show_opts *o, struct err *err)
{
    int rc = 0;
    in->repeat_end = xcalloc((size_t)o->repeat, sizeof *in->repeat_end);
    for (int r = 0; r < o->repeat && rc == 0; r++) {
        char *path = bench_repeat_path(o->path, r + 1);
        if (access(path, F_OK))
            rc = err_set(err, ERR_IO, "%s: no such file; judge first, or name another with --input-file", path);
        else
            rc = judgment_table_read(&in->table, path, err);
        in->repeat_end[r] = in->table.n;
        free(path);
    }
    name_plainly(&in->table, &o->model_list);
    name_plainly(&in->table, &o->compare);
    if (rc == 0 && (o->by == BY_CATEGORY || o->sliced))
        rc = read_questions(in, o, err);
    return rc;
}

static void input_free(struct input *in)
{
    judgment_table_free(&in->table);
    questions_free(&in->questions);
    free(in->repeat_end);
}

/* ---- output ---- */

static void print(const struct buf *b)
{
    if (b->len)
        fwrite(b->data, 1, b->len, stdout);
}

static void print_sheet(const struct sheet *s, enum show_format format)
{
    struct buf b = {0};
    if (format == SHOW_CSV)
        sheet_put_csv(s, &b);
    else if (format == SHOW_JSON)
        sheet_put_json(s, &b);
    else
        sheet_put_text(s, &b);
    print(&b);
    buf_free(&b);
}

static const char *const *names(const struct opt_list *list)
{
    return (const char *const *)list->word;
}

static int show_fastchat(const struct input *in, const struct show_opts *o, struct err *err)
{
    static const char *const mode[] = { "single", "pairwise-baseline", "pairwise-all" };
    struct buf b = {0};
    int rc;
    buf_printf(&b, "Mode: %s\nInput file: %s\n", mode[o->mode], o->path);
    for (int i = 0; i < o->model_list.n; i++)
        if (judgment_table_name(&in->table, o->model_list.word[i]) < 0)
            log_note("--model-list %s: not in %s; passed over, as FastChat does", o->model_list.word[i], o->path);
    if (o->mode == SHOW_SINGLE)
        rc = fastchat_put_single(&b, o->path, &in->table, names(&o->model_list), o->model_list.n, !strcmp(o->bench_name, "mt_bench"), err);
    else
        rc = fastchat_put_pairs(&b, o->path, &in->table, names(&o->model_list), o->model_list.n, o->mode == SHOW_BASELINE ? o->baseline_model : NULL, err);
    if (rc == 0)
        print(&b);
    buf_free(&b);
    return rc;
}

static int view_of_length(struct sheet *out, const struct scores *s, const struct show_opts *o, struct err *err)
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

static int show_single(const struct input *in, const struct show_opts *o, struct err *err)
{
    struct scores s;
    struct sheet sheet = {0};
    const struct score_choice choice = {
        .model = names(o->compare.n ? &o->compare : &o->model_list), .n_models = o->compare.n ? o->compare.n : o->model_list.n,
        .judge = o->given_judge ? o->judge_model : NULL, .questions = in->has_questions ? &in->questions : NULL,
        .repeat_end = in->repeat_end, .n_repeats = (int)o->repeat,
    };
    int rc = scores_build(&s, o->path, &in->table, &choice, err);
    if (rc == 0) {
        if (o->compare.n)
            view_compare(&sheet, &s, scores_model(&s, o->compare.word[0], err), scores_model(&s, o->compare.word[1], err));
        else if (o->length_slope)
            rc = view_of_length(&sheet, &s, o, err);
        else if (o->by == BY_TURN)
            view_turns(&sheet, &s);
        else if (o->by == BY_CATEGORY)
            view_categories(&sheet, &s, o->format == SHOW_TABLE);
        else
            view_scores(&sheet, &s);
    }
    if (rc == 0)
        print_sheet(&sheet, o->format);
    sheet_free(&sheet);
    scores_free(&s);
    return rc;
}

static int show_pairs(const struct input *in, const struct show_opts *o, struct err *err)
{
    struct pairwise p;
    struct sheet sheet = {0};
    const char *baseline = o->mode == SHOW_BASELINE && !o->compare.n ? o->baseline_model : NULL;
    const struct pairwise_choice choice = {
        .model = names(o->compare.n ? &o->compare : &o->model_list), .n_models = o->compare.n ? o->compare.n : o->model_list.n, .baseline = baseline,
        .judge = o->given_judge ? o->judge_model : NULL, .questions = in->has_questions ? &in->questions : NULL,
    };
    int rc = pairwise_build(&p, o->path, &in->table, &choice, err);
    if (rc == 0) {
        if (o->compare.n)
            view_pair_compare(&sheet, &p, o->compare.word[0], o->compare.word[1]);
        else
            view_pairs(&sheet, &p, baseline);
        print_sheet(&sheet, o->format);
    }
    sheet_free(&sheet);
    pairwise_free(&p);
    return rc;
}

int cmd_show(struct job *job, int argc, char **argv)
{
    struct show_opts o;
    struct input in = {0};
    struct err err = {0};
    (void)job;
    int rc = show_opts_parse(&o, !strncmp(argv[-1], "show_result", 11), argc, argv, &err);
    if (rc == 0)
        rc = input_read(&in, &o, &err);
    if (rc == 0 && o.format == SHOW_FASTCHAT)
        rc = show_fastchat(&in, &o, &err);
    else if (rc == 0)
        rc = o.mode == SHOW_SINGLE ? show_single(&in, &o, &err) : show_pairs(&in, &o, &err);
    input_free(&in);
    show_opts_free(&o);
    if (rc < 0)
        log_error("%s", err.text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
