/* gallery.c - questions, answers and models of a gallery. */
#include "gallery.h"

#include "mtbench/bench.h"
#include "mtbench/io.h"
#include "mtbench/lines.h"
#include "mtbench/json_scan.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static void find_categories(struct gallery *g)
{
    g->category = xcalloc((size_t)g->questions.n + 1, sizeof *g->category);
    for (int q = 0; q < g->questions.n; q++) {
        int c = 0;
        while (c < g->n_categories && strcmp(g->category[c], g->questions.q[q].category))
            c++;
        if (c == g->n_categories)
            g->category[g->n_categories++] = g->questions.q[q].category;
    }
}

/* ---- answers ---- */

/* The named models that have answers here: the others may have judgments. '*n' 0: none of them. */
static const char **with_answers(const char *folder, const struct opt_list *models, int *n)
{
    const char **there = xcalloc((size_t)models->n + 1, sizeof *there);
    *n = 0;
    for (int i = 0; i < models->n; i++) {
        char *path = bench_answers_file(folder, models->word[i]);
        if (io_exists(path, NULL) != 0)  /* what cannot be looked at is told of by whoever reads it */
            there[(*n)++] = models->word[i];
        free(path);
    }
    return there;
}

static int read_answers(struct gallery *g, const struct gallery_choice *o, struct err *err)
{
    char *folder = bench_answers_folder(o->data_dir, o->bench), *references = bench_references_folder(o->data_dir, o->bench);
    int n, rc = io_exists(references, err);
    const char **there = with_answers(folder, &o->models, &n);
    if (rc > 0)
        rc = answer_set_read(&g->references, references, NULL, 0, err);
    if (rc == 0)
        rc = io_exists(folder, err);
    if (rc > 0)
        rc = o->models.n && n == 0 ? 0 : answer_set_read(&g->answers, folder, there, n, err);
    g->answer_file = xcalloc((size_t)g->answers.n + 1, sizeof *g->answer_file);
    for (int i = 0; i < g->answers.n; i++) {     /* asked for as ORG/NAME, perhaps, and in a file of that name */
        g->answer_file[i] = bench_answers_file(folder, g->answers.model[i].model);
        bench_name_make_plain(g->answers.model[i].model);
    }
    free(there);
    free(folder);
    free(references);
    return rc;
}

static int by_question(const void *a, const void *b)
{
    const struct gallery_line *x = a, *y = b;
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Where each answer stands in the file; answer_set has checked its lines, of which the last of a question counts. */
static void index_lines(struct gallery_model *m)
{
    struct lines lines;
    struct slice line;
    int n = 0;
    lines_begin(&lines, m->bytes.data, m->bytes.len);
    while (lines_next(&lines, &line)) {
        struct json_member id = { .name = "question_id" };
        struct gallery_line at = { .at = (size_t)(line.ptr - m->bytes.data), .length = line.len, .order = (size_t)n };
        if (json_scan_members(line.ptr, line.len, &id, 1, NULL) < 0 || !json_member_whole(id.value, &at.question_id))
            continue;                    /* the file changed since it was checked */
        if ((n & (n - 1)) == 0)
            m->line = xrealloc(m->line, n ? 2 * (size_t)n : 1, sizeof *m->line);
        m->line[n++] = at;
    }
    if (n)
        qsort(m->line, (size_t)n, sizeof *m->line, by_question);
    for (int i = 0; i < n; i++)
        if (i + 1 == n || m->line[i + 1].question_id != m->line[i].question_id)
            m->line[m->n_lines++] = m->line[i];
}

/* ---- models ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct gallery_model *)a)->name, ((const struct gallery_model *)b)->name);
}

static void add_model(struct gallery *g, const char *name)
{
    if (map_add_text(&g->model_of, name, (size_t)g->n_models) != (size_t)g->n_models)
        return;
    if ((g->n_models & (g->n_models - 1)) == 0)
        g->model = xrealloc(g->model, g->n_models ? 2 * (size_t)g->n_models : 1, sizeof *g->model);
    g->model[g->n_models++] = (struct gallery_model){ .name = xstrdup(name) };
}

static void add_judged(struct gallery *g, const struct gallery_source *s)
{
    int32_t last = -1;                   /* files are written model by model */
    for (size_t i = 0; i < s->table.n; i++) {
        const struct judgment_row *r = &s->table.row[i];
        if (r->model_1 != last)
            add_model(g, s->table.name[last = r->model_1]);
        if (r->model_2 >= 0)
            add_model(g, s->table.name[r->model_2]);
    }
}

/* The model whose files lie under this name. Judgments of others know as ORG/NAME whose answers lie in ORG_NAME: it is one model, by the
 * name that its judgments and tables have. */
static const char *name_of_file(const struct gallery *g, const char *file)
{
    const char *name = file;
    for (int i = 0; i < g->n_models && map_find_text(&g->model_of, file) == MAP_NONE && name == file; i++) {
        char *plain = bench_name_plain(g->model[i].name);
        if (!strcmp(plain, file))
            name = g->model[i].name;
        free(plain);
    }
    return name;
}

static void add_answered(struct gallery *g)
{
    for (int i = 0; i < g->answers.n; i++) {
        char *name = xstrdup(name_of_file(g, g->answers.model[i].model));
        free(g->answers.model[i].model);
        g->answers.model[i].model = name;
    }
    for (int i = 0; i < g->answers.n; i++)
        add_model(g, g->answers.model[i].model);
}

/* Journals alone: of a run whose answers all failed, or that was stopped before it wrote them. */
static void add_journals(struct gallery *g)
{
    char *folder = bench_answers_folder(g->data_dir, g->bench);
    DIR *d = opendir(folder);            /* whoever reads the answers tells of what cannot be read */
    for (struct dirent *e; d && (e = readdir(d));) {
        const size_t n = strlen(e->d_name), k = strlen(".journal");
        if (n <= k || e->d_name[0] == '.' || strcmp(e->d_name + n - k, ".journal"))
            continue;
        char *model = xstrndup(e->d_name, n - k);
        add_model(g, name_of_file(g, model));
        free(model);
    }
    if (d)
        closedir(d);
    free(folder);
}

/* 'keep' (n_models): of a list only these, each of which must be there. */
static int mark_wanted(const struct gallery *g, const struct opt_list *wanted, bool *keep, struct err *err)
{
    memset(keep, wanted->n == 0, (size_t)g->n_models);
    for (int i = 0; i < wanted->n; i++) {
        if (map_find_text(&g->model_of, wanted->word[i]) == MAP_NONE)
            bench_name_make_plain(wanted->word[i]);  /* ours to write: files have ORG_NAME */
        const size_t at = map_find_text(&g->model_of, name_of_file(g, wanted->word[i]));
        if (at == MAP_NONE)
            return err_set(err, ERR_USAGE, "--model-list %s: no answers and no judgments of it in %s/%s; name one that is there",
                           wanted->word[i], g->data_dir, g->bench);
        keep[at] = true;
    }
    return 0;
}

/* The marked ones, by name. */
static void keep_models(struct gallery *g, const bool *keep)
{
    int kept = 0;
    for (int i = 0; i < g->n_models; i++)
        if (keep[i])
            g->model[kept++] = g->model[i];
        else
            free(g->model[i].name);
    g->n_models = kept;
    if (kept)
        qsort(g->model, (size_t)kept, sizeof *g->model, by_name);
    map_free(&g->model_of);
    g->model_of = (struct map){0};
    for (int i = 0; i < kept; i++)
        map_set(&g->model_of, g->model[i].name, strlen(g->model[i].name), (size_t)i);
}

/* With answers, or judged. */
static int find_models(struct gallery *g, const struct opt_list *wanted, struct err *err)
{
    for (int i = 0; i < g->n_sources; i++)
        add_judged(g, &g->source[i]);
    add_answered(g);
    add_journals(g);
    bool *keep = xcalloc((size_t)g->n_models + 1, sizeof *keep);
    int rc = mark_wanted(g, wanted, keep, err);
    if (rc == 0)
        keep_models(g, keep);
    free(keep);
    return rc;
}

static int fill_model(struct gallery *g, struct gallery_model *m, const char *folder, struct err *err)
{
    if (utf8_bad(m->name, strlen(m->name)) >= 0)
        return err_set(err, ERR_FORMAT, "%s: a file here has a name that is no UTF-8; rename it", folder);
    m->answers = answer_set_model(&g->answers, m->name);
    char *file = m->answers ? xstrdup(g->answer_file[m->answers - g->answers.model]) : bench_answers_file(folder, m->name);
    origin_read(&m->origin, file);       /* of answers that are not here yet, too: they may have failed */
    int rc = m->answers ? io_read(file, &m->bytes, err) : 0;
    if (rc == 0)
        index_lines(m);
    free(file);
    return rc;
}

int gallery_open(struct gallery *g, const struct gallery_choice *o, struct err *err)
{
    *g = (struct gallery){ .data_dir = o->data_dir, .bench = o->bench, .models = o->models, .sliced = o->sliced };
    if (bench_questions(o->data_dir, o->bench, &o->slicing, &g->questions, err) < 0 || read_answers(g, o, err) < 0)
        return -1;
    find_categories(g);
    if (gallery_read_judgments(g, o, err) < 0 || find_models(g, &o->models, err) < 0)
        return -1;
    char *folder = bench_answers_folder(o->data_dir, o->bench);
    int rc = 0;
    for (int i = 0; i < g->n_models && rc == 0; i++)
        rc = fill_model(g, &g->model[i], folder, err);
    free(folder);
    if (rc == 0)
        gallery_sort_rows(g);
    return rc;
}

static void free_model(struct gallery_model *m)
{
    origin_free(&m->origin);
    free(m->line);
    buf_free(&m->bytes);
    free(m->name);
}

void gallery_close(struct gallery *g)
{
    gallery_close_judgments(g);
    for (int i = 0; i < g->n_models; i++)
        free_model(&g->model[i]);
    free(g->model);
    map_free(&g->model_of);
    for (int i = 0; i < g->answers.n; i++)
        free(g->answer_file[i]);
    free(g->answer_file);
    answer_set_free(&g->answers);
    answer_set_free(&g->references);
    questions_free(&g->questions);
    free(g->category);
    *g = (struct gallery){0};
}

/* ---- asking ---- */

static const struct gallery_line *find_line(const struct gallery_model *m, int64_t question_id)
{
    int low = 0, high = m->n_lines;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (m->line[middle].question_id < question_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->n_lines && m->line[low].question_id == question_id ? &m->line[low] : NULL;
}

static bool is_answer(const cJSON *record)
{
    const cJSON *choice, *turn;
    if (gallery_choices(record) == 0)
        return false;
    cJSON_ArrayForEach (choice, json_get(record, "choices")) {
        if (!cJSON_IsArray(json_get(choice, "turns")))
            return false;
        cJSON_ArrayForEach (turn, json_get(choice, "turns"))
            if (!cJSON_IsString(turn) && !cJSON_IsNull(turn))
                return false;
    }
    return true;
}

cJSON *gallery_answer(const struct gallery *g, int model, int question, struct err *err)
{
    const struct gallery_model *m = &g->model[model];
    const struct gallery_line *l = find_line(m, g->questions.q[question].id);
    if (!l)
        return NULL;
    cJSON *record = json_parse(m->bytes.data + l->at, l->length, err);
    if (record && !is_answer(record)) {  /* choices behind the first, which nobody has looked at before */
        cJSON_Delete(record);
        record = NULL;
        err_set(err, ERR_FORMAT, "a choice without \"turns\", or a turn that is no text; correct the line");
    }
    if (!record)
        err_wrap(err, "%s, question %lld", m->name, (long long)l->question_id);
    return record;
}

int gallery_choices(const cJSON *answer)
{
    return cJSON_GetArraySize(json_get(answer, "choices"));
}

static const cJSON *turns_of(const cJSON *answer, int choice)
{
    return json_get(cJSON_GetArrayItem(json_get(answer, "choices"), choice), "turns");
}

int gallery_turns(const cJSON *answer, int choice)
{
    return cJSON_GetArraySize(turns_of(answer, choice));
}

const char *gallery_text(const cJSON *answer, int choice, int turn)
{
    const cJSON *t = cJSON_GetArrayItem(turns_of(answer, choice), turn - 1);
    return !t ? NULL : cJSON_IsString(t) ? t->valuestring : "$ERROR$";
}

const struct origin_turn *gallery_origin(const struct gallery *g, int model, int question, int choice, int turn)
{
    return origin_find(&g->model[model].origin, g->questions.q[question].id, choice, turn);
}
