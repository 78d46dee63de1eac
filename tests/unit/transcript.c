/* transcript.c - what a reader sees of one question: texts in their order, verdicts beside them, and what is not there. */
#include "mtbench/transcript.h"

#include "mtbench/io.h"

#include "folder.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[] = "/tmp/mtbench-transcript-XXXXXX";
static struct err err;

static void put(const char *lines)
{
    if (io_replace(file, lines, strlen(lines), &err) < 0)
        printf("# %s\n", err.text);
}

/* Where the words stand in the text, all in this order. */
static bool in_order(const char *text, const char *const *word, int n)
{
    for (int i = 0; i < n; i++) {
        const char *at = strstr(text, word[i]);
        if (!at) {
            printf("# not there: %s\n", word[i]);
            return false;
        }
        text = at + strlen(word[i]);
    }
    return true;
}

static char *turns[] = { "What is it?", "Why?", "Since when?" }, *reference[] = { "It is." };
static const struct question question = {
    .id = 81, .category = "stem", .n_turns = 3, .turn = turns, .n_reference = 1, .reference = reference
};

static void test_single(const struct answer_set *answers)
{
    const char *path[] = { file, own("no-such-file") };
    struct transcript t = { .question = &question, .answers = answers, .judgments = path, .n_files = 2 };
    struct buf b = {0};
    put("{\"question_id\": 81, \"model\": \"anna\", \"judge\": [\"j\", \"single-v1\"], \"judgment\": \"Good.\", \"score\": 7.5, \"turn\": "
        "1}\n\n"
        "{\"question_id\": 82, \"model\": \"anna\", \"judge\": [\"j\", \"single-v1\"], \"judgment\": \"Elsewhere.\", \"score\": 1, "
        "\"turn\": 1}\n"
        "{\"question_id\": 81, \"model\": \"anna\", \"judge\": [\"j\", \"single-v1-multi-turn\"], \"judgment\": \"\", \"score\": -1}\n"
        "{\"question_id\": 81, \"model\": \"gone\", \"judge\": \"k\", \"judgment\": \"Bad.\", \"score\": 2, \"turn\": 1}\n");
    int rc = transcript_put(&b, &t, &err);
    static const char *const seen[] = { "question 81, stem, 3 turns",
                                        "turn 1, the question",
                                        "What is it?",
                                        "turn 1, the reference",
                                        "It is.",
                                        "turn 1, anna\n",
                                        "A thing.",
                                        "turn 1, anna, judged by j: 7.5\nGood.",
                                        "turn 1, bert\n(empty)",
                                        "gone, judged by k: 2",
                                        "turn 2, the question",
                                        "turn 2, anna\n",
                                        "Because.",
                                        "turn 2, anna, judged by j: no score\n(empty)",
                                        "turn 2, bert",
                                        "Never.",
                                        "turn 3, the question",
                                        "Since when?" };
    ok(rc == 0 && in_order(b.data, seen, sizeof seen / sizeof *seen), "questions, references, answers, judgments, turn by turn");
    ok(!strstr(b.data, "Elsewhere") && !strstr(b.data, "turn 3, anna"), "nothing of other questions, no turn that nobody answered");
    buf_clear(&b);
    t.model = (const char *const[]){ "bert" };
    t.n_models = 1;
    ok(transcript_put(&b, &t, &err) == 0 && strstr(b.data, "bert") && !strstr(b.data, "anna") && !strstr(b.data, "gone"),
       "the chosen models only");
    put("{\"question_id\": 81, \"model\": \"bert\", \"judgment\": \"NaN \\\" NaN\", \"score\": NaN, \"turn\": 1}\n");
    buf_clear(&b);
    ok(transcript_put(&b, &t, &err) == 0 && strstr(b.data, "bert, judged by a judge without a name: no score\nNaN \" NaN"),
       "NaN, as Python writes it, is no score; in a text it is one: %s", b.data);
    put("{\"question_id\": 81, \"model\": \"anna\"\n");
    ok(transcript_put(&b, &t, &err) == -1 && strstr(err.text, ":1"), "a broken line is named: %s", err.text);
    buf_free(&b);
}

static void test_pair(const struct answer_set *answers)
{
    const char *path[] = { file };
    const struct transcript t = { .question = &question, .answers = answers, .judgments = path, .n_files = 1 };
    struct buf b = {0};
    put("{\"question_id\": 81, \"model_1\": \"anna\", \"model_2\": \"bert\", \"g1_winner\": \"model_1\", \"g2_winner\": \"error\", "
        "\"judge\": [\"j\", \"pair-v2\"], "
        "\"g1_judgment\": \"A it is.\", \"g2_judgment\": \"Hm.\", \"turn\": 1}\n");
    static const char *const seen[] = { "anna as A, bert as B, judged by j: anna\nA it is.",
                                        "bert as A, anna as B, judged by j: no verdict\nHm." };
    ok(transcript_put(&b, &t, &err) == 0 && in_order(b.data, seen, 2), "both games of a pair, with who won");
    buf_free(&b);
}

int main(void)
{
    struct answer_set answers = {0};
    int fd = mkstemp(file);
    answer_set_add(&answers, "anna", 81, (const char *const[]){ "A thing.", "Because." }, 2);
    answer_set_add(&answers, "bert", 81, (const char *const[]){ "", "Never." }, 2);
    test_single(&answers);
    test_pair(&answers);
    answer_set_free(&answers);
    unlink(file);
    close(fd);
    return done_testing();
}
