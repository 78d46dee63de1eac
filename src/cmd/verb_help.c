/* verb_help.c - the help of one verb: its flags, and the variables that it reads. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

enum { LOCAL = 1, HOSTED = 2, JUDGES = 4, NETWORK = 8, HUB = 16, RANKS = 32 };   /* what a verb does that makes it read variables */

static const struct { const char *verb; int does; } reads[] = {
    { "run", LOCAL | HOSTED | JUDGES | NETWORK | RANKS }, { "answer", LOCAL | RANKS },
    { "campaign LIST", LOCAL | HOSTED | JUDGES | NETWORK | RANKS }, { "verify", LOCAL | RANKS },
    { "api-answer", HOSTED | NETWORK | RANKS }, { "judge", LOCAL | HOSTED | JUDGES | NETWORK | RANKS },
    { "plan", LOCAL | HOSTED | JUDGES | RANKS }, { "doctor", LOCAL | HOSTED | JUDGES | NETWORK | RANKS },
    { "prompt", LOCAL }, { "fetch", NETWORK | HUB },
};

static const struct { int does; struct opt_env env; } variables[] = {
    { HOSTED, { "OPENAI_API_KEY", "key of OpenAI, and of servers of its form that want one" } },
    { HOSTED, { "OPENAI_BASE_URL OPENAI_API_BASE", "their address, if no flag names one" } },
    { HOSTED, { "ANTHROPIC_API_KEY", "key of Anthropic; ANTHROPIC_BASE_URL: its address" } },
    { HOSTED, { "AZURE_OPENAI_API_KEY", "key of Azure; AZURE_OPENAI_ENDPOINT, _DEPLOYMENT, _API_VERSION: where" } },
    { HOSTED, { "MTBENCH_JUDGE_KEY_FILE", "a file with the key, instead of a variable" } },
    { JUDGES, { "MTBENCH_FALLBACK_KEY_FILE", "the same for the fallback judge" } },
    { NETWORK, { "HTTPS_PROXY NO_PROXY", "the way out, as curl reads them" } },
    { NETWORK, { "SSL_CERT_FILE SSL_CERT_DIR", "whose certificates are trusted; CURL_CA_BUNDLE as well" } },
    { LOCAL | HUB, { "HF_HOME HF_HUB_CACHE", "where hub ids are looked up, and models of the hub go" } },
    { HUB, { "HF_TOKEN", "token for gated and private models; HUGGING_FACE_HUB_TOKEN as well" } },
    { HUB, { "HF_ENDPOINT", "the hub (https://huggingface.co), or its mirror" } },
    { HUB, { "HF_HUB_OFFLINE", "1: fetch no model; HF_HUB_DISABLE_IMPLICIT_TOKEN=1: send no token" } },
    { LOCAL, { "OMP_NUM_THREADS", "threads of a rank, where --threads does not say" } },
    { LOCAL, { "MTBENCH_DEVICE", "cuda or cpu: what --device auto means" } },
    { RANKS, { "MTBENCH_WATCHDOG", "seconds after which a rank that does not move is named, and what it is at (120; 0: never)" } },
    { RANKS, { "MTBENCH_WATCHDOG_END", "seconds after which it ends the job, exit 75 (0: never; else, on another node, 15 times that)" } },
    { LOCAL, { "MTBENCH_ISA", "avx512, avx2 or plain: force an instruction set; the bits stay the same" } },
};

const struct opt_env *verb_variable(int i)
{
    return i >= 0 && i < (int)(sizeof variables / sizeof *variables) ? &variables[i].env : NULL;
}

static void put_variables(const char *verb, struct buf *out)
{
    int does = 0;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        if (!strcmp(reads[i].verb, verb))
            does = reads[i].does;
    if (does)
        buf_str(out, "\nenvironment:\n");
    /* In the table's order, so that a key stands before what only some need. */
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (variables[i].does & does)
            opts_help_env(&variables[i].env, 1, out);
}

/* Who gets the tables of a verb: the terminal, or whoever makes pages of them all. State of the process, since the verb that is asked
 * stands in between. */
static void (*reader)(void *ctx, const char *about, const struct opt *table, int n);
static void *reader_ctx;

void verb_read_help(const struct verb *v, void (*read)(void *ctx, const char *about, const struct opt *table, int n), void *ctx)
{
    char word[] = "--help", *argv[] = { (char *)v->name, word, NULL };
    reader = read;
    reader_ctx = ctx;
    v->run(NULL, 1, argv + 1);
    reader = NULL;
}

void verb_help(const char *name, const char *about, const struct opt *table, int n)
{
    if (reader) {
        reader(reader_ctx, about, table, n);
        return;
    }
    struct buf b = {0};
    opts_help(table, n, &b);
    put_variables(name, &b);
    printf("usage: mtbench %s [flags]\n%s\n\n%s", name, about, b.data);
    buf_free(&b);
}
