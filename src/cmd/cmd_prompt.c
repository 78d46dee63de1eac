/* cmd_prompt.c - the verb `prompt`: what the model would see, and what it would say next. */
#include "cmd.h"
#include "device_opts.h"

#include "mtbench/log.h"
#include "mtbench/peek.h"
#include "mtbench/wrappers.h"

struct prompt_opts {
    struct rig_opts rig;
    struct peek peek;
    bool given_question, quiet, verbose;
};

static int check_opts(const struct prompt_opts *o, struct err *err)
{
    const char *path = o->rig.model_path;
    if (!path || !*path)
        return err_set(err, ERR_USAGE, "--model-path: %s; give a folder, a .gguf file or a hub id", path ? "empty" : "missing");
    if (o->given_question + (o->peek.messages != NULL) + (o->peek.text != NULL) != 1)
        return err_set(err, ERR_USAGE, "--question, --messages, --text: give one of them");
    if (o->peek.turn < 1)
        return err_set(err, ERR_USAGE, "--turn %ld: must be 1 or more", o->peek.turn);
    if (o->peek.answer.n && o->peek.answer_file)
        return err_set(err, ERR_USAGE, "--answer, --answer-file: give one of them");
    if (!o->peek.answer_file && o->peek.answer.n < o->peek.turn - 1)
        return err_set(err, ERR_USAGE, "--turn %ld: needs the answers to the %ld turns before; give them by --answer or --answer-file",
                       o->peek.turn, o->peek.turn - 1);
    if (o->peek.answer.n > o->peek.turn - 1)
        return err_set(err, ERR_USAGE, "--answer: %d texts, but %ld turns before --turn %ld; put a text of several words in quotes",
                       o->peek.answer.n, o->peek.turn - 1, o->peek.turn);
    if (o->peek.greedy && !o->peek.top)
        return err_set(err, ERR_USAGE, "--greedy: says the best tokens of each place; give --top-logits, too");
    if (o->peek.greedy < 0 || o->peek.greedy > 1 << 20)
        return err_set(err, ERR_USAGE, "--greedy %ld: must lie between 0 and %d", o->peek.greedy, 1 << 20);
    if ((o->rig.trace || o->rig.compare) && !o->peek.top)
        return err_set(err, ERR_USAGE, "--%s: nothing is computed without --top-logits; give it, too", o->rig.trace ? "trace" : "compare");
    if (o->rig.compare_bound < 0)
        return err_set(err, ERR_USAGE, "--compare-bound %g: must be 0 or more", o->rig.compare_bound);
    if (o->peek.top < 0 || o->peek.top > 1000)
        return err_set(err, ERR_USAGE, "--top-logits %ld: must lie between 0 and 1000", o->peek.top);
    if (o->rig.threads < 0 || o->rig.threads > 1024)
        return err_set(err, ERR_USAGE, "--threads %ld: must lie between 0 (all cores) and 1024", o->rig.threads);
    if (o->rig.devices.given_total && o->rig.devices.total != o->rig.devices.per_model)
        return err_set(err, ERR_USAGE, "--num-gpus-total %ld: prompt runs one model, alone; leave the flag out", o->rig.devices.total);
    return device_opts_check(&o->rig.devices, err);
}

static int parse_opts(struct prompt_opts *o, int argc, char **argv, struct err *err)
{
    *o = (struct prompt_opts){
        /* 16-bit inputs of products cost 0.06 of a row whose outliers cancel, on a trained model */
        .rig = { .model_id = "", .max_batch = 1, .compare_bound = 0.1 },
        .peek = { .out = stdout, .bench_name = "mt_bench", .data_dir = "data", .turn = 1 },
    };
    struct opt table[24 + DEVICE_OPTS_MAX] = {
        { "model-path", OPT_STRING, &o->rig.model_path, NULL, "PATH", "weights: a folder, a .gguf file, or a hub id in the local cache" },
        { "base-model-path", OPT_STRING, &o->rig.base_path, NULL, "PATH",
          "base of an adapter: a folder or hub id (as adapter_config.json says)" },
        { "model-id", OPT_STRING, &o->rig.model_id, NULL, "NAME", "for FastChat's rules where the model has no template" },
        { "chat-template", OPT_STRING, &o->rig.chat_template, NULL, "NAME", "auto, a FastChat template's name, or a Jinja file (auto)" },
        { "fastchat", OPT_STRING, &o->rig.fastchat, NULL, "PATH",
          "FastChat's folder, for templates whose text is read from its conversation.py (DATA/fastchat, else where Python has it)" },
        { "revision", OPT_STRING, &o->rig.revision, NULL, "NAME", "revision in the hub cache (main)" },
        { "bench-name", OPT_STRING, &o->peek.bench_name, NULL, "NAME", "question set (mt_bench)" },
        { "data-dir", OPT_STRING, &o->peek.data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "question", OPT_INT, &o->peek.question, &o->given_question, "ID", "the prompt of this question" },
        { "turn", OPT_INT, &o->peek.turn, NULL, "N", "its turn (1)" },
        { "answer", OPT_LIST, &o->peek.answer, NULL, "TEXT ...", "the answers to the turns before --turn" },
        { "answer-file", OPT_STRING, &o->peek.answer_file, NULL, "FILE", "an answer file that holds them" },
        { "messages", OPT_STRING, &o->peek.messages, NULL, "FILE", "each line a JSON list of {role, content}" },
        { "text", OPT_STRING, &o->peek.text, NULL, "FILE", "each line a JSON string, tokenised as it is, without a template" },
        { "top-logits", OPT_INT, &o->peek.top, NULL, "N", "the N best next tokens of each prompt" },
        { "greedy", OPT_INT, &o->peek.greedy, NULL, "N",
          "with --top-logits: the same at each of the next N places, behind the best token of the one before" },
        { "trace", OPT_FLAG, &o->rig.trace, NULL, NULL, "with --top-logits: calls, times, bytes of each operation, on stderr" },
        { "compare", OPT_STRING, &o->rig.compare, NULL, "NAME",
          "with --top-logits: run each operation on this executor too (cpu, cuda) and say on stderr where they differ" },
        { "compare-bound", OPT_DOUBLE, &o->rig.compare_bound, NULL, "X", "most that a row may differ, of its size (0.1)" },
        { "threads", OPT_INT, &o->rig.threads, NULL, "N", "threads (all cores)" },
        { "quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors" },
        { "verbose", OPT_FLAG, &o->verbose, NULL, NULL, "memory, sizes" },
    };
    int n = 0;
    while (table[n].name)
        n++;
    n += device_opts_rows(&o->rig.devices, table + n);
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("prompt", "Print rendered prompts, token ids, stop ids, and the best next tokens, one JSON object a line.", table, n);
    return rc ? rc : check_opts(o, err);
}

/* What the wrappers around the executor have seen. */
static void say_wrappers(const struct prompt_opts *o)
{
    struct buf text = {0};
    if (o->rig.trace)
        trace_put(&text);
    if (o->rig.compare)
        compare_put(&text);
    fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

int cmd_prompt(struct job *job, int argc, char **argv)
{
    struct prompt_opts o;
    struct rig r = {0};
    struct err err = {0};
    bool begun = false;
    (void)job;
    int rc = parse_opts(&o, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    o.peek.rig = &r;
    o.rig.data_dir = o.peek.data_dir;
    if (rc == 0)
        log_init(o.quiet ? LOG_QUIET : o.verbose ? LOG_VERBOSE : LOG_NORMAL, 1, NULL);
    if (rc == 0)
        rc = rig_open(&r, NULL, &o.rig, &err);
    if (rc == 0 && o.peek.top)
        begun = (rc = rig_start(&r, &o.rig, &err)) == 0;
    if (rc == 0)
        rc = o.given_question ? peek_question(&o.peek, &err) : peek_lines(&o.peek, &err);
    if (rc == 0)
        say_wrappers(&o);
    rig_close(&r);
    if (rc < 0) {
        log_error("%s", err.text);
        return err.kind != ERR_DEVICE ? EXIT_INPUT : begun ? EXIT_RESUME : EXIT_PREFLIGHT;
    }
    return o.rig.compare && compare_failed() ? EXIT_FAILURES : EXIT_COMPLETE;
}
