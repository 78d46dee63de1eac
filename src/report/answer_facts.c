/* answer_facts.c - what the answers that lie there say about the judgments of them. */
#include "mtbench/answer_facts.h"

#include "mtbench/journal.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- judgments of other answers ---- */

struct line {
    int64_t question, turn;              /* turn: from 1 */
    struct json_text model[2], prompt;   /* slices of the line, not decoded; model[1]: of pairs */
    bool has_prompt;
};

/* A whole number from 'least' on; NaN, fractions and what no integer holds are none. */
static bool scan_whole(struct json_scan *s, int64_t least, int64_t *out)
{
    double v;
    bool is_int;
    if (!json_scan_number(s, &v, &is_int) || !(fabs(v) < 9007199254740992.0) || v != floor(v) || v < (double)least)
        return false;
    *out = (int64_t)v;
    return true;
}

/* What is needed of a line, in one pass and without a tree: there are tens of thousands of them. */
static bool scan(const struct slice *in, struct line *out)
{
    struct json_scan s;
    struct json_text key;
    bool first = true;
    int k;
    *out = (struct line){ .turn = 1 };   /* FastChat's older records have no turn */
    json_scan_begin(&s, in->ptr, in->len);
    if (!json_scan_open(&s, '{'))
        return false;
    while ((k = json_scan_key(&s, &first, &key)) == 1) {
        bool fine = true;
        if (json_text_is(&key, "question_id"))
            fine = scan_whole(&s, -9007199254740991, &out->question);
        else if (json_text_is(&key, "turn"))
            fine = scan_whole(&s, 1, &out->turn);
        else if (json_text_is(&key, "model") || json_text_is(&key, "model_1"))
            fine = json_scan_string(&s, &out->model[0]);
        else if (json_text_is(&key, "model_2"))
            fine = json_scan_string(&s, &out->model[1]);
        else if (json_text_is(&key, "user_prompt") || json_text_is(&key, "g1_user_prompt"))
            fine = out->has_prompt = json_scan_string(&s, &out->prompt);
        else
            fine = json_scan_skip(&s);
        if (!fine)
            return false;
    }
    return k == 0 && out->has_prompt;    /* without the prompt nobody knows which answer was judged */
}

/* By the name as it stands in the line, without decoding it: nearly all lines are of few models. */
static const struct model_answers *find_model(const struct answer_set *answers, const struct json_text *name)
{
    for (int m = 0; name->ptr && m < answers->n; m++)
        if (json_text_is(name, answers->model[m].model))
            return &answers->model[m];
    return NULL;
}

/* Compared as JSON spells it, as Python and we write it; whoever spells it otherwise is read letter by letter. */
bool answer_is_shown(const struct json_text *prompt, const char *text)
{
    struct buf b = {0};
    json_put_string(&b, text, strlen(text));
    /* Without the quotes; an empty answer is in every prompt. */
    bool found = b.len <= 2 || memmem(prompt->ptr, prompt->len, b.data + 1, b.len - 2);
    if (!found) {
        char *plain = xcalloc(prompt->len + 1, 1);
        long n = json_text_decode(prompt, plain);
        found = n < 0 || memmem(plain, (size_t)n, text, strlen(text)); /* what cannot be decoded is not called outdated */
        free(plain);
    }
    buf_free(&b);
    return found;
}

/* The judged text must stand in the prompt. A failed answer was never judged, so nothing about it is outdated. */
static bool is_outdated(const struct line *l, const struct model_answers *m)
{
    const struct model_answer *a = answer_set_find(m, l->question);
    if (!a || l->turn > a->n_turns || answer_is_failure(a->turn[l->turn - 1]))
        return false;
    return !answer_is_shown(&l->prompt, a->turn[l->turn - 1]);
}

static int find_outdated(struct answer_facts *f, const char *path, const struct answer_set *answers, struct err *err)
{
    struct lines_file *in = lines_open(path, err);
    bool *of = xcalloc((size_t)answers->n + 1, sizeof *of); /* models with an outdated judgment */
    struct buf names = {0};
    struct slice s;
    struct line l;
    int rc = in ? 0 : -1;
    /* Line by line: judgment files are the largest ones, most of their bytes are prompts. */
    while (in && (rc = lines_read(in, &s, err)) == 1) {
        const int sides = scan(&s, &l) ? 2 : 0; /* a line that is no such record is scoring's to refuse */
        bool outdated = false;
        for (int side = 0; side < sides; side++) {
            const struct model_answers *m = find_model(answers, &l.model[side]);
            if (m && is_outdated(&l, m)) /* answers that are not here say nothing */
                outdated = of[m - answers->model] = true;
        }
        f->outdated += outdated;         /* judgments, not sides */
    }
    for (int m = 0; m < answers->n; m++)
        if (of[m])
            buf_printf(&names, "%s%s", names.len ? ", " : "", answers->model[m].model);
    f->outdated_models = names.len ? buf_steal(&names) : NULL;
    buf_free(&names);
    lines_close(in);
    free(of);
    return rc;
}

/* ---- answers that were cut ---- */

static long count_cut(const struct model_answers *m, const char *folder)
{
    struct err none = {0};
    char *file = bench_answers_file(folder, m->model), *path = bench_beside(file, ".journal");
    struct journal *j = journal_peek(path, NULL, &none);     /* that of an API is of another kind, and none */
    long n = 0;
    for (int i = 0; j && i < m->n; i++) {
        for (int t = 1; t <= m->answer[i].n_turns; t++) {
            const struct turn_record *r = journal_find(j, m->answer[i].question_id, 0, t);
            n += r && r->finish && !strcmp(r->finish, "length"); /* choice 0: the one that is judged */
        }
    }
    journal_close(j);                    /* NULL is fine: answers of others have no journal */
    free(path);
    free(file);
    return n;
}

/* Only our own journals know why an answer ended; answers of others, and those of an API, say nothing here. */
static void find_cut(struct answer_facts *f, const struct answer_set *answers, const char *folder)
{
    struct buf names = {0};
    for (int m = 0; m < answers->n; m++) {
        long n = count_cut(&answers->model[m], folder);
        f->cut += n;
        if (n)
            buf_printf(&names, "%s%ld of %s", names.len ? ", " : "", n, answers->model[m].model);
    }
    f->cut_models = names.len ? buf_steal(&names) : NULL;
}

int answer_facts_read(struct answer_facts *f, const char *judgments, const struct answer_set *answers, const char *folder, struct err *err)
{
    *f = (struct answer_facts){0};
    find_cut(f, answers, folder);
    return find_outdated(f, judgments, answers, err);
}

void answer_facts_free(struct answer_facts *f)
{
    free(f->outdated_models);
    free(f->cut_models);
    *f = (struct answer_facts){0};
}
