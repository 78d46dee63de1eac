/* gallery.c - what a page would show: which models, judges and judgments there are, whose words they are, and why some are none. */
#include "src/report/gallery.h"

#include "mtbench/game_key.h"
#include "mtbench/journal.h"

#include "folder.h"
#include "tap.h"

#include <math.h>

static struct gallery g;
static struct err err;

static const char questions[] =
    "{\"question_id\": 81, \"category\": \"writing\", \"turns\": [\"Write.\", \"Again.\"], \"reference\": [\"so\", \"or so\"]}\n"
    "{\"question_id\": 82, \"category\": \"math\", \"turns\": [\"1 + 1?\", \"2 + 2?\"]}\n"
    "{\"question_id\": 83, \"category\": \"writing\", \"turns\": [\"One turn.\"]}\n";

static void put_answer(struct buf *b, int question, const char *choices)
{
    buf_printf(b, "{\"question_id\": %d, \"model_id\": \"m\", \"choices\": [%s], \"tstamp\": 1.0}\n", question, choices);
}

static void put_single(struct buf *b, int question, const char *model, const char *judge, int turn, const char *score, const char *text)
{
    buf_printf(b, "{\"question_id\": %d, \"model\": \"%s\", \"judge\": [\"%s\", \"single-v1\"], \"user_prompt\": \"shown\", "
                  "\"judgment\": \"%s\", \"score\": %s, \"turn\": %d, \"tstamp\": 1.0}\n", question, model, judge, text, score, turn);
}

static void put_pair(struct buf *b, int question, const char *one, const char *two, const char *g1, const char *g2)
{
    buf_printf(b, "{\"question_id\": %d, \"model_1\": \"%s\", \"model_2\": \"%s\", \"g1_winner\": \"%s\", \"g2_winner\": \"%s\", "
                  "\"judge\": [\"gpt-4\", \"pair-v2\"], \"g1_user_prompt\": \"p\", \"g1_judgment\": \"first\", \"g2_user_prompt\": \"p\", "
                  "\"g2_judgment\": \"second\", \"turn\": 1, \"tstamp\": 1.0}\n", question, one, two, g1, g2);
}

/* The texts are gone afterwards. */
static void put_file(const char *name, struct buf *b)
{
    own_put(name, b->data);
    buf_free(b);
}

static void make_folder(void)
{
    struct buf b = {0};
    own_put("b/question.jsonl", questions);
    put_answer(&b, 82, "{\"index\": 0, \"turns\": [\"old\", \"old\"]}");
    put_answer(&b, 81, "{\"index\": 0, \"turns\": [\"hi\", null]}, {\"index\": 1, \"turns\": [\"ho\", \"hum\", \"more\"]}");
    put_answer(&b, 82, "{\"index\": 0, \"turns\": [\"2\", \"\"]}");
    put_answer(&b, 99, "{\"index\": 0, \"turns\": [\"of another bench\"]}");
    put_file("b/model_answer/able.jsonl", &b);
    put_answer(&b, 81, "{\"index\": 0, \"turns\": [\"shown\", \"shown\"]}");
    put_file("b/model_answer/zed.jsonl", &b);
    put_single(&b, 82, "able", "gpt-4", 1, "3", "bad");
    put_single(&b, 81, "zed", "gpt-4", 1, "8.5", "good");
    put_single(&b, 81, "zed", "stand-in", 2, "7", "by another");
    put_single(&b, 82, "able", "gpt-4", 1, "4", "better");
    put_single(&b, 82, "able", "gpt-4", 1, "-1", "$ERROR$");
    put_single(&b, 81, "ghost", "gpt-4", 1, "-1", "hm");
    put_single(&b, 99, "able", "gpt-4", 1, "9", "elsewhere");
    put_file("b/model_judgment/gpt-4_single.jsonl", &b);
    put_single(&b, 81, "zed", "gpt-4", 1, "9", "asked again");
    put_file("b/model_judgment/gpt-4_single.repeat2.jsonl", &b);
    put_pair(&b, 81, "zed", "able", "model_1", "tie");
    put_pair(&b, 81, "able", "able", "tie", "tie");
    put_pair(&b, 82, "able", "zed", "model_1", "error");
    put_file("b/model_judgment/gpt-4_pair.jsonl", &b);
}

static struct gallery_choice all(void)
{
    return (struct gallery_choice){ .data_dir = own_dir(), .bench = "b" };
}

static int open_with(const struct gallery_choice *o)
{
    gallery_close(&g);
    err = (struct err){0};
    return gallery_open(&g, o, &err);
}

static void test_models(void)
{
    struct gallery_choice o = all();
    ok(open_with(&o) == 0, "a folder is read: %s", err.text);
    ok(g.n_models == 3 && !strcmp(g.model[0].name, "able") && !strcmp(g.model[1].name, "ghost") && !strcmp(g.model[2].name, "zed"),
       "models with answers, and one that has only a judgment, by name");
    ok(g.model[0].answers && !g.model[1].answers, "whose answers are not here");
    ok(g.n_categories == 2 && !strcmp(g.category[1], "math"), "categories in the order of the questions");
}

static void test_answers(void)
{
    cJSON *a = gallery_answer(&g, 0, 0, &err);
    ok(a && gallery_choices(a) == 2 && gallery_turns(a, 0) == 2 && gallery_turns(a, 1) == 3, "two choices, of two and three turns");
    ok(!strcmp(gallery_text(a, 0, 1), "hi") && !strcmp(gallery_text(a, 1, 3), "more"), "their texts");
    ok(!strcmp(gallery_text(a, 0, 2), "$ERROR$") && !gallery_text(a, 0, 3) && !gallery_text(a, 2, 1), "a null turn, and none");
    cJSON_Delete(a);
    a = gallery_answer(&g, 0, 1, &err);
    ok(a && !strcmp(gallery_text(a, 0, 1), "2"), "of two lines of a question the last");
    cJSON_Delete(a);
    ok(!gallery_answer(&g, 2, 1, &err) && !err.kind && !gallery_answer(&g, 1, 0, &err) && !err.kind, "no answer is no error");
}

static void test_judges(void)
{
    ok(g.n_judges == 2 && !strcmp(g.judge[0].name, "gpt-4") && !strcmp(g.judge[1].name, "stand-in"), "whoever judged in a file is a judge");
    ok(g.judge[0].single >= 0 && g.judge[0].pairs >= 0 && g.judge[1].pairs < 0, "its single and pair judgments are one judge's");
    const struct gallery_source *single = &g.source[g.judge[0].single];
    ok(single->n_repeats == 2 && single->elsewhere == 1, "repeats are read, others' questions counted");
}

static const struct gallery_row *find(int question, int a, int b, int judge, int turn, int repeat)
{
    for (size_t i = 0; i < g.n_rows; i++) {
        const struct gallery_row *r = &g.row[i];
        if (r->question == question && r->a == a && r->b == b && r->judge == judge && r->turn == turn && r->repeat == repeat)
            return r;
    }
    return NULL;
}

static void test_rows(void)
{
    struct gallery_words w = {0};
    const char *reason;
    bool sorted = true;
    for (size_t i = 1; i < g.n_rows; i++)
        sorted &= g.row[i - 1].question <= g.row[i].question;
    ok(g.n_rows == 7 && sorted, "judgments that count, by question: %zu", g.n_rows);
    const struct gallery_row *r = find(1, 0, -1, 0, 1, 1);
    ok(r && gallery_table_row(&g, r)->score == 4, "of three of a key the last good one");
    ok(r && gallery_words_read(&g, r, &w, &err) == 0 && !strcmp(w.text[0].data, "better"), "and its words");
    r = find(0, 2, -1, 0, 1, 2);
    ok(r && gallery_words_read(&g, r, &w, &err) == 0 && !strcmp(w.text[0].data, "asked again"), "of a repeat its own");
    r = find(0, 2, -1, 1, 2, 1);
    ok(r && gallery_words_read(&g, r, &w, &err) == 0 && !strcmp(w.text[0].data, "by another"), "of a stand-in its own");
    r = find(0, 1, -1, 0, 1, 1);
    ok(r && gallery_status(&g, r, 1, &reason) == JUDGMENT_UNPARSABLE && !reason, "a verdict that could not be read says so");
    r = find(0, 0, 2, 0, 1, 1);
    ok(r && r->swapped && gallery_words_read(&g, r, &w, &err) == 0 && !strcmp(w.text[0].data, "first") && !strcmp(w.text[1].data, "second"),
       "a pair lies under its lesser model, and knows the order of its games");
    r = find(1, 0, 2, 0, 1, 1);
    ok(r && !r->swapped && gallery_status(&g, r, 1, &reason) == JUDGMENT_OK && gallery_status(&g, r, 2, &reason) == JUDGMENT_UNPARSABLE,
       "one game of a pair may fail");
    gallery_words_free(&w);
}

static void test_choices(void)
{
    struct gallery_choice o = all();
    char *zed[] = { "zed" }, *nobody[] = { "nobody" }, *stand_in[] = { "stand-in" }, *math[] = { "math" };
    o.models = (struct opt_list){ zed, 1 };
    ok(open_with(&o) == 0 && g.n_models == 1 && g.n_rows == 3, "one model, without the games against others");
    o.models.word = nobody;
    ok(open_with(&o) == -1 && err.kind == ERR_USAGE && strstr(err.text, "nobody"), "one that is not there: %s", err.text);
    o = all();
    o.judges = (struct opt_list){ stand_in, 1 };
    ok(open_with(&o) == 0 && g.n_judges == 1 && g.n_rows == 1, "a judge that has no file of its own");
    o.judges.word = nobody;
    ok(open_with(&o) == -1 && strstr(err.text, "nobody"), "one that is not there: %s", err.text);
    o = all();
    o.slicing.category = (struct opt_list){ math, 1 };
    o.sliced = true;
    ok(open_with(&o) == 0 && g.questions.n == 1 && g.n_rows == 2, "a category");
}

static void test_names(void)
{
    struct gallery_choice o = all();
    struct buf b = {0};
    char deep[] = "org/deep", *word[] = { deep };
    put_answer(&b, 81, "{\"index\": 0, \"turns\": [\"from a folder below\"]}");
    put_file("b/model_answer/org/deep.jsonl", &b);
    o.models = (struct opt_list){ word, 1 };
    ok(open_with(&o) == 0 && g.n_models == 1 && !strcmp(g.model[0].name, "org_deep") && g.model[0].n_lines == 1, "ORG/NAME: %s", err.text);
    o = all();
    put_single(&b, 81, "zed", "gpt-4", 1, "2", "the same name");
    put_file("b/model_judgment/other_single.jsonl", &b);
    ok(open_with(&o) == 0 && g.n_judges == 3 && !strcmp(g.judge[0].name, "gpt-4 (in gpt-4)") &&
           !strcmp(g.judge[1].name, "gpt-4 (in other)"),
       "two judges of one name are told apart");
    own_put("b/model_judgment/other_single.jsonl", "{\"question_id\": 81, \"model\": \"zed\", \"score\": 3}\n");
    ok(open_with(&o) == 0 && g.n_judges == 3 && !strcmp(g.judge[1].name, "other"), "who has no name goes by the file's");
}

static void test_broken(void)
{
    struct gallery_choice o = all();
    own_put("b/model_judgment/other_single.jsonl", "\n{\"question_id\": 81}\n");
    ok(open_with(&o) == -1 && strstr(err.text, "other_single.jsonl:2: "), "a line that is none: %s", err.text);
    struct buf b = {0};
    put_pair(&b, 81, "a", "b", "tie", "tie");
    put_file("b/model_judgment/other_single.jsonl", &b);
    ok(open_with(&o) == -1 && strstr(err.text, "pair judgments in it"), "pairs under the name of single ones: %s", err.text);
    own_put("b/model_judgment/other_single.jsonl", "");
    put_answer(&b, 81, "{\"index\": 0, \"turns\": [\"fine\"]}, {\"index\": 1, \"turns\": [7]}");
    put_file("b/model_answer/zed.jsonl", &b);
    ok(open_with(&o) == 0 && !gallery_answer(&g, 2, 0, &err) && strstr(err.text, "zed, question 81: "),
       "a further choice that is none: %s", err.text);
    o.bench = "none";
    ok(open_with(&o) == -1 && strstr(err.text, "none/question.jsonl"), "no such bench: %s", err.text);
}

static void test_empty(void)
{
    struct gallery_choice o = all();
    own_put("bare/question.jsonl", questions);
    o.bench = "bare";
    ok(open_with(&o) == 0 && g.n_models == 0 && g.n_judges == 0 && g.n_rows == 0, "questions alone");
    struct buf b = {0};
    put_single(&b, 81, "zed", "gpt-4", 1, "2", "x");
    put_file("bare/model_judgment/gpt-4_single.jsonl", &b);
    ok(open_with(&o) == 0 && g.n_models == 1 && g.n_rows == 1, "judgments without answers");
}

/* Judgments of others know as ORG/NAME whose answers lie in ORG_NAME. */
static void test_slashes(void)
{
    char under[] = "org_m", with[] = "org/m", *word[] = { under };
    struct gallery_choice o = all();
    struct buf b = {0};
    own_put("s/question.jsonl", questions);
    put_answer(&b, 81, "{\"index\": 0, \"turns\": [\"x\"]}");
    put_file("s/model_answer/org_m.jsonl", &b);
    put_single(&b, 81, "org/m", "gpt-4", 1, "2", "x");
    put_single(&b, 81, "org/n", "gpt-4", 1, "3", "x");
    put_file("s/model_judgment/gpt-4_single.jsonl", &b);
    o.bench = "s";
    ok(open_with(&o) == 0 && g.n_models == 2 && !strcmp(g.model[0].name, "org/m") && g.model[0].answers && !g.model[1].answers,
       "ORG/NAME of judgments and ORG_NAME of answers are one model: %d", g.n_models);
    for (int i = 0; i < 2; i++) {
        o.models = (struct opt_list){ word, 1 };
        word[0] = i ? with : under;
        ok(open_with(&o) == 0 && g.n_models == 1 && g.model[0].answers && g.n_rows == 1, "asked for as %s: %s", i ? "org/m" : "org_m",
           err.text);
    }
}

/* What a run of ours leaves: a turn that failed, one that was cut, one that no file has yet, and a judge's call that was filtered. */
static void make_journals(void)
{
    struct manifest m = {0};
    struct turn_record t = { .question_id = 81, .turn = 1, .status = TURN_OK, .text = "x", .finish = "length", .n_new = 5 };
    manifest_add(&m, true, "sampler", "top_k 50");
    struct journal *j = journal_open(own("r/model_answer/ours.journal"), &m, &err);
    ok(j && journal_begin(j, &m, &err) == 0, "a journal of answers%s", err.text);
    journal_append(j, &t);
    t = (struct turn_record){ .question_id = 81, .turn = 2, .status = TURN_FAILED, .text = "", .reason = "out of memory" };
    journal_append(j, &t);
    journal_sync(j, &err);
    journal_close(j);
    char key[CALL_KEY_MAX + 1];
    const struct game_name names[] = { { "gpt-4", "single-v1", "ours", NULL, 81, 1, 1, 1 },
                                       { "gpt-4", "single-math-v1", "ours", NULL, 82, 1, 1, 1 } };
    struct call_journal *calls = call_journal_open(own("r/model_judgment/gpt-4_single.journal"), &m, &err);
    for (int i = 0; calls && i < 2; i++) {
        game_key(&names[i], key);
        const struct call_record r = { .key = key, .content = 1, .status = i ? CALL_FAILED : CALL_FILTERED,
                                       .reason = i ? "HTTP 500" : "violence", .text = "", .tries = 1, .cost = -1 };
        ok(call_journal_append(calls, &r, &err) == 0, "a call%s", err.text);
    }
    call_journal_close(calls);
    manifest_free(&m);
}

static void test_reasons(void)
{
    struct gallery_choice o = all();
    struct buf b = {0};
    const char *reason;
    own_put("r/question.jsonl", questions);
    put_single(&b, 81, "ours", "gpt-4", 1, "-1", "$ERROR$");
    own_put("r/model_answer/.made", "");
    put_file("r/model_judgment/gpt-4_single.jsonl", &b);
    make_journals();
    o.bench = "r";
    ok(open_with(&o) == 0 && g.n_models == 1 && !g.model[0].answers, "a model that has a journal and no answers yet: %s", err.text);
    const struct origin_turn *t = gallery_origin(&g, 0, 0, 0, 1);
    ok(t && t->ok && t->cut, "a turn that its limit cut");
    t = gallery_origin(&g, 0, 0, 0, 2);
    ok(t && !t->ok && !strcmp(t->reason, "out of memory"), "one that failed, and why");
    ok(gallery_status(&g, &g.row[0], 1, &reason) == JUDGMENT_FILTERED && reason && !strcmp(reason, "violence"),
       "why a judgment is none, from the journal and not from the file");
    ok(gallery_missing(&g, 0, 1, 0, 1, &reason) == JUDGMENT_FAILED && !strcmp(reason, "HTTP 500"), "why one is not there");
    ok(gallery_missing(&g, 0, 2, 0, 1, &reason) == JUDGMENT_OK, "of another nothing is known");
}

int main(void)
{
    make_folder();
    test_models();
    test_answers();
    test_judges();
    test_rows();
    test_choices();
    test_names();
    test_broken();
    test_empty();
    test_slashes();
    test_reasons();
    gallery_close(&g);
    return done_testing();
}
