/* match.c - matches: how many, in which order, with which prompts, ready or not. */
#include "tap.h"

#include "mtbench/io.h"
#include "mtbench/judgment.h"
#include "mtbench/match.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

static struct err err;
static struct questions questions;
static struct judge_prompts prompts;

#define Q(id, category, turns) "{\"question_id\": " id ", \"category\": \"" category "\", \"turns\": " turns "}\n"
#define P(name, type, template, \
    format) "{\"name\": \"" name "\", \"type\": \"" type "\", \"system_prompt\": \"\", \"prompt_template\": \"" template \
    "\", \"output_format\": \"" format "\"}\n"
static const char question_file[] = Q("1", "writing", "[\"q1\", \"q1b\"]") Q("2", "math", "[\"q2\", \"q2b\"]") Q("3", "stem", "[\"q3\"]")
    Q("4", "coding", "[\"q4\", \"q4b\", \"q4c\"]") Q("5", "humanities", "[\"q5\", \"q5b\"]");
static const char prompt_file[] = P("single-v1", "single", "{question}|{answer}",
                                    "[[rating]]") P("single-math-v1", "single", "{question}|{ref_answer_1}|{answer}", "[[rating]]")
    P("single-v1-multi-turn", "single", "{question_1}|{answer_1}|{question_2}|{answer_2}", "[[rating]]")
        P("single-math-v1-multi-turn", "single", "{question_1}|{ref_answer_1}|{question_2}|{ref_answer_2}|{answer_1}|{answer_2}",
          "[[rating]]") P("pair-v2", "pairwise", "{question}|{answer_a}|{answer_b}",
                          "[[A]]") P("pair-math-v1", "pairwise", "{question}|{ref_answer_1}|{answer_a}|{answer_b}", "[[A]]")
            P("pair-v2-multi-turn", "pairwise", "{question_1}|{answer_a_1}|{question_2}|{answer_a_2}|{answer_b_1}|{answer_b_2}", "[[A]]")
                P("pair-math-v1-multi-turn", "pairwise",
                  "{question_1}|{question_2}|{ref_answer_1}|{ref_answer_2}|{answer_a_1}|{answer_a_2}|{answer_b_1}|{answer_b_2}", "[[A]]");

static const char *const models[] = { "x", "y", "z" };

static struct match_opts opts(enum judge_mode mode)
{
    return (struct match_opts){ &questions, models, 3, "y", mode, &prompts, NULL, 0 };
}

/* All matches in one line: question.turn:model_1[-model_2]. */
static char *listed(enum judge_mode mode)
{
    struct match_opts o = opts(mode);
    struct matches m;
    struct buf b = {0};
    if (matches_build(&o, &m, &err) < 0)
        return xstrdup(err.text);
    for (int i = 0; i < m.n; i++)
        buf_printf(&b, "%s%lld.%d:%s%s%s", i ? " " : "", (long long)m.match[i].question->id, m.match[i].turn, m.match[i].model_1,
                   m.match[i].model_2 ? "-" : "", m.match[i].model_2 ? m.match[i].model_2 : "");
    matches_free(&m);
    return buf_steal(&b);
}

static void test_order(void)
{
    static const char *const expected[] = {
        "1.1:x 1.1:y 1.1:z 3.1:x 3.1:y 3.1:z 5.1:x 5.1:y 5.1:z 2.1:x 2.1:y 2.1:z 4.1:x 4.1:y 4.1:z "
        "1.2:x 1.2:y 1.2:z 5.2:x 5.2:y 5.2:z 2.2:x 2.2:y 2.2:z 4.2:x 4.2:y 4.2:z 4.3:x 4.3:y 4.3:z",
        "1.1:x-y 1.1:z-y 3.1:x-y 3.1:z-y 5.1:x-y 5.1:z-y 2.1:x-y 2.1:z-y 4.1:x-y 4.1:z-y 1.2:x-y 1.2:z-y 5.2:x-y 5.2:z-y 2.2:x-y 2.2:z-y "
        "4.2:x-y 4.2:z-y 4.3:x-y 4.3:z-y",
        "1.1:x-y 1.1:x-z 1.1:y-z 3.1:x-y 3.1:x-z 3.1:y-z 5.1:x-y 5.1:x-z 5.1:y-z 2.1:x-y 2.1:x-z 2.1:y-z 4.1:x-y 4.1:x-z 4.1:y-z "
        "1.2:x-y 1.2:x-z 1.2:y-z 5.2:x-y 5.2:x-z 5.2:y-z 2.2:x-y 2.2:x-z 2.2:y-z "
        "4.2:x-y 4.2:x-z 4.2:y-z 4.3:x-y 4.3:x-z 4.3:y-z",
    };
    static const char *const name[] = { "single", "pairwise-baseline", "pairwise-all" };
    for (int mode = 0; mode < 3; mode++) {
        char *saw = listed((enum judge_mode)mode);
        ok(!strcmp(saw, expected[mode]), "%s: default before math, turn 1 before 2, question before model", name[mode]);
        if (strcmp(saw, expected[mode]))
            printf("# saw %s\n", saw);
        free(saw);
    }
}

static void test_shuffle(void)
{
    static const int ten[] = { 2, 8, 4, 9, 1, 6, 7, 3, 0, 5 };
    int order[1000];
    shuffle_seed_0(10, order);
    ok(!memcmp(order, ten, sizeof ten), "ten things in numpy's order");
    static const int of_1000[] = { 993, 859, 298, 553, 672 };        /* numpy.random.seed(0); shuffle of range(1000) */
    shuffle_seed_0(1000, order);
    ok(!memcmp(order, of_1000, sizeof of_1000) && order[999] == 684, "a thousand things: %d %d %d %d %d ... %d", order[0], order[1],
       order[2], order[3], order[4], order[999]);
    shuffle_seed_0(1, order);
    ok(order[0] == 0, "one thing stays");
}

static void answers_of_all(struct answer_set *s, struct model_answers *ref)
{
    struct answer_set r = {0};
    for (int i = 0; i < questions.n; i++) {
        const char *reference[] = { "r1", "r2", "r3" };
        answer_set_add(&r, "ref", questions.q[i].id, reference, 3);
        for (int m = 0; m < 3; m++) {
            char *one = xasprintf("%s1", models[m]), *two = xasprintf("%s2", models[m]), *three = xasprintf("%s3", models[m]);
            answer_set_add(s, models[m], questions.q[i].id, (const char *const[]){ one, two, three }, 3);
            free(one);
            free(two);
            free(three);
        }
    }
    *ref = r.model[0];
    free(r.model);
}

static void rendered(enum judge_mode mode, int i, int game, const struct answer_set *s, const struct model_answers *ref,
                     const char *expected)
{
    struct match_opts o = opts(mode);
    struct matches m;
    struct buf b = {0};
    int rc = matches_build(&o, &m, &err);
    rc = rc < 0 ? rc : match_render(&m.match[i], game, s, ref, &b, &err);
    ok(rc == 0 && !strcmp(b.data, expected), "match %d, game %d: %s%s", i, game, b.data ? b.data : "", rc < 0 ? err.text : "");
    buf_free(&b);
    matches_free(&m);
}

static void test_render(const struct answer_set *s, const struct model_answers *ref)
{
    rendered(MODE_SINGLE, 1, 1, s, ref, "q1|y1");
    rendered(MODE_SINGLE, 9, 1, s, ref, "q2|r1|x1");
    rendered(MODE_SINGLE, 15, 1, s, ref, "q1|x1|q1b|x2");
    rendered(MODE_SINGLE, 23, 1, s, ref, "q2|r1|q2b|r2|z1|z2");
    rendered(MODE_SINGLE, 24, 1, s, ref, "q4|r1|q4b|r2|x1|x2");
    rendered(MODE_SINGLE, 28, 1, s, ref, "q4|r1|q4b|r2|q4c|r3|y1|y2|y3");
    rendered(MODE_PAIRWISE_ALL, 27, 2, s, ref, "q4|q4b|q4c|r1|r2|r3|y1|y2|y3|x1|x2|x3");
    rendered(MODE_PAIRWISE_ALL, 1, 1, s, ref, "q1|x1|z1");
    rendered(MODE_PAIRWISE_ALL, 1, 2, s, ref, "q1|z1|x1");
    rendered(MODE_PAIRWISE_ALL, 9, 2, s, ref, "q2|r1|y1|x1");
    rendered(MODE_PAIRWISE_BASELINE, 11, 1, s, ref, "q1|z1|q1b|z2|y1|y2");
    rendered(MODE_PAIRWISE_BASELINE, 14, 2, s, ref, "q2|q2b|r1|r2|y1|y2|x1|x2");
}

static void test_ready(struct answer_set *s)
{
    struct match_opts o = opts(MODE_PAIRWISE_ALL);
    struct matches m;
    if (!ok(matches_build(&o, &m, &err) == 0, "pairs"))
        return;
    const struct match *first = &m.match[0], *second = &m.match[15];       /* question 1, x-y, turns 1 and 2 */
    ok(match_ready(first, s, NULL) == JUDGMENT_OK && match_ready(second, s, NULL) == JUDGMENT_OK, "both turns are there");
    answer_set_add(s, "y", 1, (const char *const[]){ "y1" }, 1);
    ok(match_ready(first, s, NULL) == JUDGMENT_OK && match_ready(second, s, NULL) == -1, "the second turn is yet to come");
    answer_set_add(s, "y", 1, (const char *const[]){ "y1", "" }, 2);
    ok(match_ready(first, s, NULL) == JUDGMENT_OK && match_ready(second, s, NULL) == JUDGMENT_OK, "an empty second turn is an answer");
    answer_set_add(s, "y", 1, (const char *const[]){ "y1", "ERROR" }, 2);
    ok(match_ready(first, s, NULL) == JUDGMENT_OK && match_ready(second, s, NULL) == JUDGMENT_NO_ANSWER,
       "a failed second turn fails only that");
    answer_set_add(s, "y", 1, (const char *const[]){ "$ERROR$" }, 1);
    ok(match_ready(first, s, NULL) == JUDGMENT_NO_ANSWER && match_ready(second, s, NULL) == JUDGMENT_NO_ANSWER,
       "a failed first turn fails both");
    struct answer_set none = {0};
    ok(match_ready(first, &none, NULL) == -1, "no answers at all");
    answer_set_add(s, "y", 1, (const char *const[]){ "y1", "y2" }, 2);
    matches_free(&m);
}

static void test_check(struct answer_set *s, struct model_answers *ref)
{
    struct match_opts o = opts(MODE_SINGLE);
    ok(matches_check(&o, s, ref, &err) == 0 && matches_check(&o, NULL, ref, &err) == 0, "all is there");
    ok(matches_check(&o, s, NULL, &err) < 0 && err.kind == ERR_USAGE && strstr(err.text, "question 2") && strstr(err.text, "--reference"),
       "%s", err.text);
    struct answer_set bad = { ref, 1 };
    static const char *const error[] = { "ERROR", "$ERROR$" };
    for (int i = 0; i < 2; i++) {
        answer_set_add(&bad, ref->model, 2, (const char *const[]){ "r1", error[i] }, 2);
        struct matches all;
        matches_build(&o, &all, &err);
        ok(match_ready(&all.match[9], s, ref) == JUDGMENT_OK && match_ready(&all.match[21], s, ref) == JUDGMENT_NO_ANSWER &&
               match_reference_failed(&all.match[21], ref),
           "a second reference %s fails the second turn alone", error[i]);
        matches_free(&all);
    }
    answer_set_add(&bad, ref->model, 2, (const char *const[]){ "r1", "r2" }, 2);
    const char *with_w[] = { "x", "w" };
    o.model = with_w;
    o.n_models = 2;
    ok(matches_check(&o, s, ref, &err) < 0 && strstr(err.text, "w: no answers of this model"), "%s", err.text);
    answer_set_add(s, "w", 1, (const char *const[]){ "a", "b" }, 2);
    ok(matches_check(&o, s, ref, &err) < 0 && strstr(err.text, "w: no answer to turn 1 of question 3"), "%s", err.text);
    o.may_lack = 0.9;
    ok(matches_check(&o, s, ref, &err) == 0, "a share of the matches may do without");
    o.may_lack = 0.01;
    ok(matches_check(&o, s, ref, &err) < 0, "but no more than that");
    o.may_lack = 0;
    o.coming = "w";
    ok(matches_check(&o, s, ref, &err) == 0, "one whose answers are to come is not looked for");
    o.coming = NULL;
    o = opts(MODE_PAIRWISE_BASELINE);
    o.baseline = "gone";
    ok(matches_check(&o, s, ref, &err) < 0 && strstr(err.text, "gone: no answers"), "a baseline without answers is noticed: %s", err.text);
    o.baseline = NULL;
    struct matches m;
    ok(matches_build(&o, &m, &err) < 0 && err.kind == ERR_USAGE && strstr(err.text, "--baseline-model"), "%s", err.text);
    struct judge_prompts some;
    const char *text = P("single-v1", "single", "{question}|{answer}|{ref_answer_1}", "[[rating]]");
    o = opts(MODE_SINGLE);
    o.prompts = &some;
    ok(judge_prompts_parse("p", text, strlen(text), &some, &err) == 0 && matches_build(&o, &m, &err) < 0 &&
           strstr(err.text, "{ref_answer_1}"),
       "%s", err.text);
    judge_prompts_free(&some);
    text = P("single-v1", "single", "{question}|{answer}", "[[rating]]");
    ok(judge_prompts_parse("p", text, strlen(text), &some, &err) == 0 && matches_build(&o, &m, &err) < 0 &&
           strstr(err.text, "single-math-v1"),
       "%s", err.text);
    o.mode = MODE_PAIRWISE_ALL;
    judge_prompts_free(&some);
    text = P("pair-v2", "single", "{question}|{answer}", "[[rating]]");
    ok(judge_prompts_parse("p", text, strlen(text), &some, &err) == 0 && matches_build(&o, &m, &err) < 0 &&
           strstr(err.text, "of type single"),
       "%s", err.text);
    judge_prompts_free(&some);
}

int main(void)
{
    struct answer_set s = {0};
    struct model_answers ref;
    if (questions_parse("q", question_file, strlen(question_file), &questions, &err) < 0 ||
        judge_prompts_parse("p", prompt_file, strlen(prompt_file), &prompts, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    judge_prompts_extend(&prompts, 4);
    answers_of_all(&s, &ref);
    test_order();
    test_shuffle();
    test_render(&s, &ref);
    test_ready(&s);
    test_check(&s, &ref);
    answer_set_free(&s);
    model_answers_free(&ref);
    questions_free(&questions);
    judge_prompts_free(&prompts);
    return done_testing();
}
