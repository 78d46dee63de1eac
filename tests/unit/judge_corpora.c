/* judge_corpora.c - judgments that others published: verdicts re-parse, prompts rebuild, records re-serialise to their bytes.
 * The files are not ours to ship; where ../shared/corpora (or $MTBENCH_CORPORA) is absent, this is skipped. */
#include "tap.h"

#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/judgment.h"
#include "mtbench/match.h"
#include "mtbench/mem.h"
#include "mtbench/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

/* What is known of each file: rows, rows whose verdict re-parses to what is stored, rows that are written the same, prompts and how many of
 * them rebuild from the answers beside it. SelfEval's answers of llama2-7b-chat are later ones than those that were judged: 2 of its 160
 * are the same. */
static const struct corpus {
    const char *file, *bench, *answers;
    bool pairs;
    int rows, verdicts, bytes, prompts, rebuilt;
} corpora[] = {
    {"FasterDecoding+Medusa/mt_bench/model_judgment/gpt-4_single.jsonl.gz", "mt_bench", "FasterDecoding+Medusa/mt_bench/model_answer",
     false, 480, 480, 480, 160, 160},
    {"FasterDecoding+Medusa/mt_bench/model_judgment/gpt-4_single.v2.jsonl.gz", "mt_bench", "FasterDecoding+Medusa/mt_bench/model_answer",
     false, 640, 640, 640, 160, 160},
    {"FasterDecoding+Medusa/mt_bench/model_judgment/gpt-4_single.v3.jsonl.gz", "mt_bench", "FasterDecoding+Medusa/mt_bench/model_answer",
     false, 640, 640, 640, 160, 160},
    {"HuihuiChyan+SelfEval/mt_bench/model_judgment/gpt-4_single.jsonl.gz", "mt_bench", "HuihuiChyan+SelfEval/mt_bench/model_answer", false,
     320, 320, 320, 320, 162},
    {"HuihuiChyan+SelfEval/vicuna_bench/model_judgment/gpt-4_single.jsonl.gz", "vicuna_bench",
     "HuihuiChyan+SelfEval/vicuna_bench/model_answer", false, 160, 160, 160, 160, 160},
    {"Stefanstud+FastChat/mt_bench/model_judgment/gpt-4_pair.jsonl.gz", "mt_bench", "Stefanstud+FastChat/mt_bench/model_answer", true, 75,
     75, 75, 150, 150},
    {"Stefanstud+FastChat/mt_bench/model_judgment/gpt-4_single.jsonl.gz", "mt_bench", "Stefanstud+FastChat/mt_bench/model_answer", false,
     160, 160, 160, 160, 160},
};

static char *base;                       /* the folder that holds the corpora */

static int slurp(const char *path, struct buf *out)
{
    size_t n = strlen(path);
    if (n < 3 || strcmp(path + n - 3, ".gz"))
        return io_read(path, out, &err);
    char *command = xasprintf("gzip -dc '%s'", path);
    FILE *f = popen(command, "r");
    size_t got;
    while (f && (got = fread(buf_reserve(out, 1 << 16), 1, 1 << 16, f)) > 0)
        out->len += got;
    free(command);
    return f && pclose(f) == 0 && out->len ? 0 : -1;
}

/* ---- what a bench needs ---- */

struct bench {
    struct questions questions;
    struct judge_prompts prompts;
    struct model_answers reference;
    struct answer_set answers;
};

static int read_answers(struct answer_set *s, const char *folder)
{
    char *command = xasprintf("ls '%s/%s'", base, folder), name[512];
    FILE *f = popen(command, "r");
    int rc = 0;
    free(command);
    while (f && rc == 0 && fgets(name, sizeof name, f)) {
        name[strcspn(name, "\n")] = '\0';
        char *path = xasprintf("%s/%s/%s", base, folder, name);
        struct buf b = {0};
        s->model = xrealloc(s->model, (size_t)s->n + 1, sizeof *s->model);
        s->model[s->n] = (struct model_answers){ .model = xstrndup(name, strlen(name) - strlen(".jsonl.gz")) };
        rc = slurp(path, &b) < 0 ? -1 : model_answers_parse(path, b.data, b.len, &s->model[s->n], &err);
        s->n++;
        buf_free(&b);
        free(path);
    }
    return f && pclose(f) == 0 ? rc : -1;
}

static int read_bench(struct bench *b, const struct corpus *c)
{
    struct buf q = {0}, p = {0};
    char *questions = xasprintf("%s/../%s/question.jsonl", base, c->bench),
         *prompts = xasprintf("%s/../mt_bench/judge_prompts.jsonl", base),
         *reference = xasprintf("%s/../%s/reference_answer/gpt-4.jsonl", base, c->bench);
    *b = (struct bench){0};
    int rc = slurp(questions, &q) < 0 || slurp(prompts, &p) < 0 || questions_parse(questions, q.data, q.len, &b->questions, &err) < 0 ||
             judge_prompts_parse(prompts, p.data, p.len, &b->prompts, &err) < 0 || model_answers_read(reference, &b->reference, &err) < 0 ||
             read_answers(&b->answers, c->answers) < 0;
    buf_free(&q);
    buf_free(&p);
    free(questions);
    free(prompts);
    free(reference);
    return rc ? -1 : 0;
}

static void free_bench(struct bench *b)
{
    questions_free(&b->questions);
    judge_prompts_free(&b->prompts);
    model_answers_free(&b->reference);
    answer_set_free(&b->answers);
}

/* ---- one row ---- */

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *v = json_get(j, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static bool verdict_is(enum verdict_format format, const char *text, int game, const cJSON *row, const char *key)
{
    struct verdict v = verdict_parse(format, text, strlen(text));
    if (format == VERDICT_RATING)
        return v.score == json_get(row, key)->valuedouble;
    const char *winner = v.letter == 'C' ? "tie" : v.letter == 'E' ? "error" : (v.letter == 'A') == (game == 1) ? "model_1" : "model_2";
    return !strcmp(winner, text_of(row, key));
}

static enum winner winner_named(const char *name)
{
    enum winner w = WINNER_MODEL_1;
    while (w < WINNER_ERROR && strcmp(winner_name(w), name))
        w++;
    return w;
}

static void put_row(struct buf *b, const cJSON *j, const struct judgment_row *row)
{
    const cJSON *judge = json_get(j, "judge");
    int64_t id = (int64_t)json_get(j, "question_id")->valuedouble;
    const char *name = cJSON_GetArrayItem(judge, 0)->valuestring, *prompt = cJSON_GetArrayItem(judge, 1)->valuestring;
    int turn = json_get(j, "turn")->valueint;
    double stamp = json_get(j, "tstamp")->valuedouble;
    if (json_get(j, "model_1")) {
        struct pair_judgment p = {id,
                                  text_of(j, "model_1"),
                                  text_of(j, "model_2"),
                                  winner_named(text_of(j, "g1_winner")),
                                  winner_named(text_of(j, "g2_winner")),
                                  name,
                                  prompt,
                                  text_of(j, "g1_user_prompt"),
                                  text_of(j, "g1_judgment"),
                                  text_of(j, "g2_user_prompt"),
                                  text_of(j, "g2_judgment"),
                                  turn,
                                  stamp};
        pair_judgment_put(b, &p);
    } else {
        struct single_judgment s = { id, text_of(j, "model"), name, prompt, text_of(j, "user_prompt"), text_of(j, "judgment"),
                                     json_get(j, "score")->valuedouble, row->score_is_int, turn, stamp };
        single_judgment_put(b, &s);
    }
}

struct seen {
    int rows, verdicts, bytes, prompts, rebuilt;
};

/* Build the match of a row and its prompts again. Rows of models without answers here do not count as prompts. */
static void rebuild(const struct bench *b, const cJSON *j, const struct judge_prompt *p, struct seen *seen)
{
    bool pair = json_get(j, "model_1") != NULL;
    struct match m = { .model_1 = text_of(j, pair ? "model_1" : "model"), .model_2 = pair ? text_of(j, "model_2") : NULL, .prompt = p,
        .turn = json_get(j, "turn")->valueint };
    for (int i = 0; i < b->questions.n; i++)
        if (b->questions.q[i].id == (int64_t)json_get(j, "question_id")->valuedouble)
            m.question = &b->questions.q[i];
    if (!m.question || !answer_set_model(&b->answers, m.model_1))
        return;
    m.with_reference = category_has_reference(m.question->category);
    for (int game = 1; game <= 1 + pair; game++) {
        struct buf out = {0};
        int rc = match_render(&m, game, &b->answers, &b->reference, &out, &err);
        seen->prompts++;
        seen->rebuilt += rc == 0 && !strcmp(out.data, text_of(j, !pair ? "user_prompt" : game == 1 ? "g1_user_prompt" : "g2_user_prompt"));
        buf_free(&out);
    }
}

static void look_at(const struct bench *b, const char *line, size_t n, const struct judgment_table *t, struct seen *seen)
{
    cJSON *j = json_parse(line, n, &err);
    struct buf again = {0};
    const struct judgment_row *row = &t->row[seen->rows++];
    const struct judge_prompt *p = j ? judge_prompts_find(&b->prompts, cJSON_GetArrayItem(json_get(j, "judge"), 1)->valuestring) : NULL;
    if (!p)
        return;
    seen->verdicts += p->pairwise ? verdict_is(p->format, text_of(j, "g1_judgment"), 1, j, "g1_winner") && verdict_is(p->format, text_of(j,
        "g2_judgment"), 2, j, "g2_winner")
                                  : verdict_is(p->format, text_of(j, "judgment"), 1, j, "score");
    put_row(&again, j, row);
    seen->bytes += again.len == n && !memcmp(again.data, line, n);
    rebuild(b, j, p, seen);
    buf_free(&again);
    cJSON_Delete(j);
}

static void test_corpus(const struct corpus *c)
{
    struct bench b;
    struct buf text = {0};
    struct judgment_table t = {0};
    struct seen seen = {0};
    char *path = xasprintf("%s/%s", base, c->file);
    err.text[0] = '\0';
    if (ok(read_bench(&b, c) == 0 && slurp(path, &text) == 0 && judgment_table_parse(&t, path, text.data, text.len, &err) == 0,
           "%s is read %s", c->file, err.text))
        for (size_t at = 0; at < text.len;) {
            size_t n = strcspn(text.data + at, "\n");
            look_at(&b, text.data + at, n, &t, &seen);
            at += n + 1;
        }
    ok(seen.rows == c->rows && (int)t.n == c->rows && t.pairs == c->pairs, "%d rows", seen.rows);
    ok(seen.verdicts == c->verdicts, "%d verdicts re-parse", seen.verdicts);
    ok(seen.bytes == c->bytes, "%d records have the same bytes again", seen.bytes);
    ok(seen.prompts == c->prompts && seen.rebuilt == c->rebuilt, "%d of %d prompts rebuild", seen.rebuilt, seen.prompts);
    free_bench(&b);
    buf_free(&text);
    judgment_table_free(&t);
    free(path);
}

int main(void)
{
    const char *given = getenv("MTBENCH_CORPORA");
    base = xstrdup(given ? given : "../shared/corpora");
    if (access(base, R_OK) < 0) {
        skip(5 * (int)(sizeof corpora / sizeof *corpora), "no published judgments in ../shared/corpora or $MTBENCH_CORPORA");
        free(base);
        return done_testing();
    }
    for (size_t i = 0; i < sizeof corpora / sizeof *corpora; i++)
        test_corpus(&corpora[i]);
    free(base);
    return done_testing();
}
