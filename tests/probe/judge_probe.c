/* judge_probe.c - judges a folder of data with canned replies: judge_probe DATA MODE PARALLEL BASELINE CALLS OUTPUT MODEL...
 * Every call goes to CALLS as a JSON line, the judgments to OUTPUT; the replies are those of tests/peers/fastchat_judge.py. */
#include "mtbench/grader.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static const char *reply_to(const char *user)
{
    static const char *const reply[] = { "Rating: [[8]]", "[[8.5]] {x}", "no verdict", "[[A]] \"quoted\"", "so [[B]]", "tie: [[C]]",
        "[7] then [[6]]\n", "\u65e5\u672c [[10]] [[A]]",
        "[[B]] beats [[A]], says [2]" };
    uint8_t digest[32];
    sha256(user, strlen(user), digest);
    return reply[digest[0] % (sizeof reply / sizeof *reply)];
}

static int slurp(const char *folder, const char *name, struct buf *b)
{
    char *path = xasprintf("%s/%s", folder, name);
    int rc = io_read(path, b, &err);
    free(path);
    return rc;
}

static void put_call(FILE *f, const struct call *c)
{
    struct buf b = {0};
    buf_str(&b, "{\"messages\": [");
    for (int i = 0; i < c->n_messages; i++) {
        buf_printf(&b, "%s{\"role\": \"%s\", \"content\": ", i ? ", " : "", c->message[i].role);
        json_put_string(&b, c->message[i].content, strlen(c->message[i].content));
        buf_char(&b, '}');
    }
    fprintf(f, "%s], \"temperature\": %g, \"max_tokens\": %d}\n", b.data, c->temperature, c->max_tokens);
    buf_free(&b);
}

static int ask_all(struct grader *g, const char *calls)
{
    FILE *f = fopen(calls, "w");
    const struct call *c;
    int rc = f ? 0 : err_errno(&err, "%s", calls);
    while (rc == 0 && (c = grader_next(g))) {
        put_call(f, c);
        struct call_record r = { .key = c->key, .content = c->content, .text = reply_to(c->message[c->n_messages - 1].content), .tries = 1,
            .tstamp = 1, .cost = -1 };
        rc = grader_take(g, &r, &err);
    }
    return f && fclose(f) == 0 ? rc : -1;
}

static int run(int argc, char **argv)
{
    const char *data = argv[1], *mode = argv[2], *calls = argv[5];
    struct buf q = {0}, p = {0};
    struct match_opts m = { .model = (const char *const *)argv + 7, .n_models = argc - 7, .baseline = argv[4] };
    m.mode = !strcmp(mode, "single") ? MODE_SINGLE : !strcmp(mode, "pairwise-all") ? MODE_PAIRWISE_ALL : MODE_PAIRWISE_BASELINE;
    struct questions questions;
    struct judge_prompts prompts;
    struct model_answers reference;
    struct answer_set answers = {0};
    struct matches matches;
    struct manifest none = {0};
    m.questions = &questions;
    m.prompts = &prompts;
    char *folder = xasprintf("%s/mt_bench/model_answer", data), *ref = xasprintf("%s/mt_bench/reference_answer/gpt-4.jsonl", data),
        *journal = xasprintf("%s.journal", calls);
    if (slurp(data, "mt_bench/question.jsonl", &q) < 0 || slurp(data, "judge_prompts.jsonl", &p) < 0 ||
        questions_parse("questions", q.data, q.len, &questions, &err) < 0 ||
        judge_prompts_parse("prompts", p.data, p.len, &prompts, &err) < 0 || model_answers_read(ref, &reference, &err) < 0 ||
        answer_set_read(&answers, folder, NULL, 0, &err) < 0 || matches_build(&m, &matches, &err) < 0 ||
        matches_check(&m, &answers, &reference, &err) < 0)
        return -1;
    struct grader_opts o = {.judge = "gpt-4",
                            .matches = &matches,
                            .answers = &answers,
                            .reference = &reference,
                            .repeat = 1,
                            .max_tokens = 2048,
                            .shuffle = atoi(argv[3]) > 1};
    struct grader *g = (o.journal = call_journal_open(journal, &none, &err)) ? grader_create(&o, &err) : NULL;
    int rc = g && ask_all(g, calls) == 0 ? grader_write(g, 1, argv[6], &err) : -1;
    grader_destroy(g);
    call_journal_close(o.journal);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 8)
        return 2;
    if (run(argc, argv) < 0) {
        fprintf(stderr, "judge_probe: %s\n", err.text);
        return 1;
    }
    return 0;
}
