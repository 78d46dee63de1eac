/* judge_prompt.c - judge prompts: reading them, str.format, and the official ones against FastChat's fillings. */
#include "tap.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/judge_prompt.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

static const struct { const char *template, *filled, *message; } formats[] = {
    { "", "", NULL },
    { "plain", "plain", NULL },
    { "{a}", "1{b}}", NULL },                            /* braces of a value stay */
    { "{a}{bb}{a}", "1{b}}two1{b}}", NULL },
    { "{{a}} }}{{", "{a} }{", NULL },
    { "{{{a}}}", "{1{b}}}", NULL },
    { "{c}", NULL, "{c}" },
    { "{}", NULL, "{}" },
    { "{0}", NULL, "{0}" },
    { "{a!r}", NULL, "{a!r}" },
    { "{a:10}", NULL, "{a:10}" },
    { "{a", NULL, "'{' without" },
    { "{", NULL, "'{' without" },
    { "a}", NULL, "'}' without" },
    { "}", NULL, "'}' without" },
};

static void test_format(void)
{
    const struct prompt_field field[] = { { "a", "1{b}}" }, { "bb", "two" }, { "unused", "x" } };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct judge_prompt p = { .name = "p", .prompt_template = (char *)formats[i].template };
        struct buf out = {0};
        err.text[0] = '\0';
        int rc = judge_prompt_fill(&p, field, 3, &out, &err);
        const char *text = out.data ? out.data : "";
        if (formats[i].filled)
            ok(rc == 0 && !strcmp(text, formats[i].filled), "\"%s\" becomes \"%s\" %s", formats[i].template, text, err.text);
        else
            ok(rc < 0 && err.kind == ERR_FORMAT && strstr(err.text, formats[i].message) && strstr(err.text, "prompt p"), "refused: %s",
               err.text);
        buf_free(&out);
    }
}

#define LINE(name, type, format)                                                                                                           \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"system_prompt\": \"s\", \"prompt_template\": \"t\", \"output_format\": \"" format  \
    "\"}\n"

static const struct { const char *text, *message;
} refused[] = {
    {"", "no judge prompts"},
    {"\n[]", "f:2"},
    {LINE("a", "single", "[[rating]]") "[]", "f:2: no JSON object"},
    {LINE("a", "both", "[[rating]]"), "\"single\", \"pairwise\""},
    {LINE("a", "single", "[[B]]"), "[[rating_a,rating_b]]"},
    {LINE("a", "single", "[[A]]"), "cannot ask"},
    {LINE("a", "pairwise", "[[rating]]"), "cannot ask"},
    {"{\"name\": 1}", "no text \"name\""},
};

static void test_parse(void)
{
    struct judge_prompts p;
    const char *text = LINE("a", "single", "[[rating]]") LINE("b", "pairwise", "[[A]]") LINE("c", "pairwise", "[[rating_a,rating_b]]")
        LINE("a", "pairwise", "[[A]]");
    ok(judge_prompts_parse("f", text, strlen(text), &p, &err) == 0 && p.n == 4, "four prompts");
    ok(judge_prompts_find(&p, "a") == &p.prompt[3] && !judge_prompts_find(&p, "z"), "of two of a name the last is found");
    ok(p.prompt[0].format == VERDICT_RATING && p.prompt[1].format == VERDICT_AB && p.prompt[2].format == VERDICT_TWO_RATINGS &&
           p.prompt[1].pairwise,
       "their kinds");
    judge_prompts_free(&p);
    text = "\xef\xbb\xbf" LINE("a", "single", "[[rating]]") "\r\n\n" LINE("b", "pairwise", "[[A]]");
    ok(judge_prompts_parse("f", text, strlen(text), &p, &err) == 0 && p.n == 2, "a byte order mark and blank lines: %s", err.text);
    judge_prompts_free(&p);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ok(judge_prompts_parse("f", refused[i].text, strlen(refused[i].text), &p, &err) < 0 && strstr(err.text, refused[i].message),
           "refused: %s", err.text);
}

/* Bytes and first digits of SHA-256 of system text and filled template, from FastChat. */
static const struct { const char *name; size_t system; const char *system_hash; size_t filled; const char *filled_hash; } official[] = {
    { "single-v1", 28, "75357d685f238b6a", 627, "20522757f1db260c" },
    { "single-math-v1", 28, "75357d685f238b6a", 741, "7eec881ceaba4364" },
    { "single-v1-multi-turn", 613, "d1e77aa107f02dd8", 176, "6900ab85a2243cc3" },
    { "single-math-v1-multi-turn", 640, "4b8fe8086dbdf4a8", 325, "8ca93a6bd3853b0e" },
    { "pair-v2", 938, "8d6df8feee26e1c9", 166, "b170236a50f2a55e" },
    { "pair-v2-multi-turn", 1020, "af4a7431af51d6d7", 355, "1975c29b0a90a535" },
    { "pair-math-v1", 927, "0f6f71b71c14a491", 232, "86a75d88d8cd5c7f" },
    { "pair-math-v1-multi-turn", 965, "79adeb31a7f50510", 504, "8947fb360ad2c2c8" },
};
enum { N_OFFICIAL = sizeof official / sizeof *official };

static bool hash_is(const char *text, size_t n, const char *start)
{
    char hex[65];
    sha256_hex(text, n, hex);
    return !strncmp(hex, start, 16);
}

static void test_official(void)
{
    static const struct prompt_field field[] = {
        {"question", "Q1"},   {"question_1", "Q1"}, {"question_2", "Q2"},   {"answer", "A1"},       {"answer_1", "A1"},
        {"answer_2", "A2"},   {"answer_a", "A1"},   {"answer_a_1", "A1"},   {"answer_a_2", "A2"},   {"answer_b", "B1"},
        {"answer_b_1", "B1"}, {"answer_b_2", "B2"}, {"ref_answer_1", "R1"}, {"ref_answer_2", "R2"},
    };
    struct buf file = {0};
    struct judge_prompts p;
    if (io_read("data/judge_prompts.jsonl", &file, &err) < 0) {
        skip(N_OFFICIAL, "data/judge_prompts.jsonl is not here; data/fetch.sh gets it");
        return;
    }
    if (!ok(judge_prompts_parse("data/judge_prompts.jsonl", file.data, file.len, &p, &err) == 0, "the official prompts are read"))
        return;
    for (int i = 0; i < N_OFFICIAL; i++) {
        const struct judge_prompt *j = judge_prompts_find(&p, official[i].name);
        struct buf out = {0};
        int rc = j ? judge_prompt_fill(j, field, sizeof field / sizeof *field, &out, &err) : -1;
        ok(rc == 0 && strlen(j->system_prompt) == official[i].system &&
               hash_is(j->system_prompt, official[i].system, official[i].system_hash) && out.len == official[i].filled &&
               hash_is(out.data, out.len, official[i].filled_hash),
           "%s is filled as FastChat fills it", official[i].name);
        buf_free(&out);
    }
    judge_prompts_free(&p);
    buf_free(&file);
}

/* ---- third turns ---- */

static const struct { const char *system, *template, *more_system, *more;
} turns[] = {
    /* of 3 turns; NULL: cannot be extended */
    {"To the second user question.",
     "S\n\n### User:\n{question_1}\n\n### A:\n{answer_1}\n\n### User:\n{question_2}\n\n### A:\n{answer_2}\n\nE",
     "To the third user question.",
     "S\n\n### User:\n{question_1}\n\n### A:\n{answer_1}\n\n### User:\n{question_2}\n\n### A:\n{answer_2}\n\n### "
     "User:\n{question_3}\n\n### A:"
     "\n{answer_3}\n\nE"},
    {"Secondly seconds. Second!",
     "<first question>{question_1}</first question> <second question>{question_2}</second question> x <First>{answer_1}</First> <Second>"
     "{answer_2}</Second> second 2",
     "Secondly seconds. Third!",
     "<first question>{question_1}</first question> <second question>{question_2}</second question> <third question>{question_3}</third "
     "question> x <First>{answer_1}"
     "</First> <Second>{answer_2}</Second> <Third>{answer_3}</Third> second 2"},
    {"Judge.", "Q1: {question_1}\nA1: {answer_1}\nQ2: {question_2}\nA2: {answer_2}\nRate 12.",
     "Judge. Your evaluation should focus on the answer to the third user question.",
     "Q1: {question_1}\nA1: {answer_1}\nQ2: {question_2}\nA2: {answer_2}\nQ3: {question_3}\nA3: {answer_3}\nRate 12."},
    {"", "{{{question_1}{answer_1}}}{question_2}{answer_2}", "Your evaluation should focus on the answer to the third user question.",
     "{{{question_1}{answer_1}}}{question_2}{answer_2}}}{question_3}{answer_3}"},
    {"second", "{question_2}{question_1}", NULL, NULL},
    {"second", "{question_1}{answer_1}{question_2}", NULL, NULL},
    {"second", "{question_1}{answer_1}{answer_2}{question_2}", NULL, NULL},
    {"second", "no fields", NULL, NULL},
};

static void test_turns(void)
{
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        struct judge_prompts p = { xcalloc(1, sizeof *p.prompt), 1, "" };
        p.prompt[0] =
            (struct judge_prompt){xstrdup("s-multi-turn"), false, xstrdup(turns[i].system), xstrdup(turns[i].template), VERDICT_RATING};
        judge_prompts_extend(&p, 4);
        const struct judge_prompt *three = judge_prompts_find(&p, "s-multi-turn-3"), *four = judge_prompts_find(&p, "s-multi-turn-4");
        ok(!three == !turns[i].more && !four == !turns[i].more &&
               (!three || (!strcmp(three->system_prompt, turns[i].more_system) && !strcmp(three->prompt_template, turns[i].more) &&
                           three->format == VERDICT_RATING)),
           "three turns: %s", three ? three->prompt_template : "cannot be");
        if (!i)
            ok(strstr(four->system_prompt, "fourth") &&
                   strstr(four->prompt_template, "{answer_3}\n\n### User:\n{question_4}\n\n### A:\n{answer_4}\n\nE"),
               "and four");
        judge_prompts_free(&p);
    }
    struct judge_prompts p = { xcalloc(2, sizeof *p.prompt), 2, "" };
    p.prompt[0] = (struct judge_prompt){ xstrdup("s-multi-turn"), false, xstrdup(""), xstrdup("{a_1}{a_2}"), VERDICT_RATING };
    p.prompt[1] = (struct judge_prompt){ xstrdup("s-multi-turn-3"), false, xstrdup("own"), xstrdup("x"), VERDICT_RATING };
    judge_prompts_extend(&p, 1000);
    ok(!strcmp(judge_prompts_find(&p, "s-multi-turn-3")->system_prompt, "own") && p.n == 1 + JUDGE_MAX_TURNS - 2,
       "a prompt of the file's own stands");
    judge_prompts_free(&p);
}

int main(void)
{
    test_turns();
    test_format();
    test_parse();
    test_official();
    return done_testing();
}
