/* thoughts.c - unit tests: thoughts are told from answers, whatever marks them and whoever opened them. */
#include "mtbench/thoughts.h"

#include "../tap.h"

#include <string.h>

/* In front of an answer. "rest" NULL: the thoughts never end. */
static const struct { const char *text, *rest; enum thoughts state; } split[] = {
    { "Rating: [[8]]", "Rating: [[8]]", THOUGHTS_NONE },
    { "", "", THOUGHTS_NONE },
    { "<think>\nmaybe [[3]]\n</think>\n\nRating: [[8]]", "Rating: [[8]]", THOUGHTS_ENDED },
    { "<think></think>", "", THOUGHTS_ENDED },
    { "\n <thinking>x</thinking>y", "y", THOUGHTS_ENDED },
    { "<Thought>x</Thought>\n<Output>y", "<Output>y", THOUGHTS_ENDED },
    { "<think>a</think>\n<think>b</think>c", "c", THOUGHTS_ENDED },
    { "<think>a</think><think>b", NULL, THOUGHTS_OPEN },
    { "maybe [[3]]\n</think>\n[[8]]", "[[8]]", THOUGHTS_ENDED },        /* the template wrote the beginning */
    { "maybe [[3]][/THINK][[8]]", "[[8]]", THOUGHTS_ENDED },
    { "<think>never [[3]] ends", NULL, THOUGHTS_OPEN },
    { "The tag <think>...</think> is [[8]]", "The tag <think>...</think> is [[8]]", THOUGHTS_NONE },
    { "<b>[[8]]</b> of <c>", "<b>[[8]]</b> of <c>", THOUGHTS_NONE },
    { "[THINK]x[/THINK][[1]]", "[[1]]", THOUGHTS_ENDED },
    { "<reasoning>x</reasoning>1", "1", THOUGHTS_ENDED },
    { "<reason>x</reason>1", "1", THOUGHTS_ENDED },
    { "<reflection>x</reflection>1", "1", THOUGHTS_ENDED },
    { "<thoughts>x</thoughts>1", "1", THOUGHTS_ENDED },
    { "<scratchpad>x</scratchpad>1", "1", THOUGHTS_ENDED },
    { "<seed:think>x</seed:think>1", "1", THOUGHTS_ENDED },
    { "<mm:think>x</mm:think>1", "1", THOUGHTS_ENDED },
    { "<longcat_think>x</longcat_think>1", "1", THOUGHTS_ENDED },
    { "\u25c1think\u25b7x\u25c1/think\u25b71", "1", THOUGHTS_ENDED },
    { "<|START_THINKING|>x<|END_THINKING|>1", "1", THOUGHTS_ENDED },
    { "<|inner_prefix|>x<|inner_suffix|>1", "1", THOUGHTS_ENDED },
    { "<|begin_of_thought|>x<|end_of_thought|>1", "1", THOUGHTS_ENDED },
    { "<|channel>thought\nx<channel|>1", "1", THOUGHTS_ENDED },
    { "<unused94>thought\nx<unused95>1", "1", THOUGHTS_ENDED },
    { "[unused16]x[unused17]1", "1", THOUGHTS_ENDED },
    { "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>[[2]]", "[[2]]", THOUGHTS_ENDED },
    { "<|start|>assistant<|channel|>analysis<|message|>x", NULL, THOUGHTS_OPEN },
    { "<|channel|>commentary<|message|>x<|end|>", NULL, THOUGHTS_OPEN },
    { "<|channel|>final<|message|>[[2]]", "[[2]]", THOUGHTS_ENDED },
    { "analysisWe rate [[3]].assistantfinal[[2]]", "[[2]]", THOUGHTS_ENDED },
    { "analysisWe rate [[3]]", NULL, THOUGHTS_OPEN },
    { "analysis of the answer: [[3]]", "analysis of the answer: [[3]]", THOUGHTS_NONE },
    { "Here is my thought process: x Here is my response: 1", "1", THOUGHTS_ENDED },
    { "Here's my thought process: x Here's my response: 1", "1", THOUGHTS_ENDED },
    { "Here is my thought process: [[3]]", "Here is my thought process: [[3]]", THOUGHTS_NONE },
    { "Here is my response: 1", "Here is my response: 1", THOUGHTS_NONE },
    { "Here are my reasoning steps:\nx\n[BEGIN FINAL RESPONSE]\n1", "1", THOUGHTS_ENDED },
};

/* Wherever they stand. */
static const struct { const char *text, *left, *behind; enum thoughts state; } strike[] = {
    { "Rating: [[8]]", "Rating: [[8]]", "Rating: [[8]]", THOUGHTS_NONE },
    { "The tag <think>x</think> is [[8]]", "The tag  is [[8]]", " is [[8]]", THOUGHTS_ENDED },
    { "Well.\n<think>maybe [[3]]</think>[[8]]", "Well.\n[[8]]", "[[8]]", THOUGHTS_ENDED },
    { "<think>a</think>b\n<think>[[3]]</think>\n[[8]]", "b\n\n[[8]]", "\n[[8]]", THOUGHTS_ENDED },
    { "<think>I'd write </think> here [[3]].\n</think>[[8]]", "[[8]]", "[[8]]", THOUGHTS_ENDED },
    { "Well.\n<think>maybe [[3]]", "Well.\n", "", THOUGHTS_OPEN },
    { "It lacks a <think> tag: [[8]]", "It lacks a <think> tag: [[8]]", "It lacks a <think> tag: [[8]]", THOUGHTS_NONE },
    { "<think>maybe [[3]]", "", "", THOUGHTS_OPEN },
    { "Hm. Here is my thought process: [[3]] Here is my response: [[8]]", "Hm.  [[8]]", " [[8]]", THOUGHTS_ENDED },
};

static const struct { const char *prompt, *rest; enum thoughts state; } opened[] = {   /* of the reply "maybe [[3]]</think> [[8]]" */
    { "<|im_start|>assistant\n<think>\n", "[[8]]", THOUGHTS_ENDED },
    { "<|Assistant|><THINK>", "[[8]]", THOUGHTS_ENDED },
    { "<|im_start|>assistant\n[THINK]", NULL, THOUGHTS_OPEN },
    { "<|start|>assistant<|channel|>analysis<|message|>", NULL, THOUGHTS_OPEN },
    { "assistant\nHere are my reasoning steps:\n", NULL, THOUGHTS_OPEN },
    { "<|im_start|>assistant\n<think>\n\n</think>\n\n", "[[8]]", THOUGHTS_ENDED },     /* by the end mark that the reply has itself */
    { "give me an analysis", "[[8]]", THOUGHTS_ENDED },
    { "", "[[8]]", THOUGHTS_ENDED },
};

static void splits(const struct thought_mark *mark, const char *text, const char *rest, enum thoughts state)
{
    size_t at, n = strlen(text);
    enum thoughts saw = thoughts_split(mark, text, n, &at);
    ok(saw == state && (rest ? !strcmp(text + at, rest) : at == n), "\"%s\" says \"%s\" (saw \"%s\")", text, rest ? rest : "nothing",
       text + at);
}

int main(void)
{
    for (size_t i = 0; i < sizeof split / sizeof *split; i++)
        splits(NULL, split[i].text, split[i].rest, split[i].state);
    for (size_t i = 0; i < sizeof strike / sizeof *strike; i++) {
        struct buf b = {0};
        size_t behind;
        buf_str(&b, ">");
        enum thoughts state = thoughts_strike(NULL, strike[i].text, strlen(strike[i].text), &b, &behind);
        ok(state == strike[i].state && !strcmp(b.data + 1, strike[i].left) && strlen(b.data) == b.len &&
               !strcmp(strike[i].text + behind, strike[i].behind),
           "without thoughts: \"%s\" (saw \"%s\", and \"%s\" behind)", strike[i].left, b.data + 1, strike[i].text + behind);
        buf_free(&b);
    }
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++) {
        const struct thought_mark *mark = thoughts_opened(opened[i].prompt, strlen(opened[i].prompt));
        ok(!mark == (i > 4), "\"%s\" %s thoughts", opened[i].prompt, mark ? "opens" : "does not open");
        splits(mark, "maybe [[3]]</think> [[8]]", opened[i].rest, opened[i].state);
    }
    ok(thoughts_announced("\nHere's my thought process: [[3]]", 32) &&
           !thoughts_announced("Here is my thought process: x Here is my response: 1", 52) && !thoughts_announced("My process", 10),
       "thoughts that are announced and go on to the end");
    char many[70001];
    for (size_t i = 0; i < 10000; i++)
        memcpy(many + 7 * i, "<think>", 7);
    many[70000] = '\0';
    struct buf b = {0};
    many[0] = 'x';
    ok(thoughts_strike(NULL, many, 70000, &b, NULL) == THOUGHTS_NONE && b.len == 70000,
       "ten thousand marks that never end are text, and quickly so");
    buf_free(&b);
    return done_testing();
}
