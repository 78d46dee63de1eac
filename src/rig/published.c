/* published.c - what is known of models by the name that they were published under. data/BOARD.md tells the same to people. */
#include "published.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct published published_board[] = {
    { "alpaca-13b", "chavinlo/alpaca-13b", PUBLISHED_RUNS, NULL },
    { "baize-v2-13b", "project-baize/baize-v2-13b", PUBLISHED_RUNS, NULL },
    { "chatglm-6b", "THUDM/chatglm-6b", PUBLISHED_OTHER, "ChatGLM" },
    { "claude-instant-v1", NULL, PUBLISHED_GONE, NULL },
    { "claude-v1", NULL, PUBLISHED_GONE, NULL },
    { "dolly-v2-12b", "databricks/dolly-v2-12b", PUBLISHED_OTHER, "GPT-NeoX" },
    { "falcon-40b-instruct", "tiiuae/falcon-40b-instruct", PUBLISHED_OTHER, "Falcon" },
    { "fastchat-t5-3b", "lmsys/fastchat-t5-3b-v1.0", PUBLISHED_OTHER, "T5" },
    { "gpt-3.5-turbo", NULL, PUBLISHED_HOSTED, NULL },
    { "gpt-4", NULL, PUBLISHED_HOSTED, NULL },
    { "gpt4all-13b-snoozy", "nomic-ai/gpt4all-13b-snoozy", PUBLISHED_RUNS, NULL },
    { "guanaco-33b", "timdettmers/guanaco-33b", PUBLISHED_ADAPTER, NULL },
    { "guanaco-65b", "timdettmers/guanaco-65b", PUBLISHED_ADAPTER, NULL },
    { "h2ogpt-oasst-open-llama-13b", "h2oai/h2ogpt-gm-oasst1-en-2048-open-llama-13b", PUBLISHED_RUNS, NULL },
    { "koala-13b", "young-geng/koala", PUBLISHED_DIFFERENCE, "TheBloke/koala-13B-HF" },
    { "llama-13b", "huggyllama/llama-13b", PUBLISHED_RUNS, NULL },
    { "mpt-30b-chat", "mosaicml/mpt-30b-chat", PUBLISHED_OTHER, "MPT" },
    { "mpt-30b-instruct", "mosaicml/mpt-30b-instruct", PUBLISHED_OTHER, "MPT" },
    { "mpt-7b-chat", "mosaicml/mpt-7b-chat", PUBLISHED_OTHER, "MPT" },
    { "nous-hermes-13b", "NousResearch/Nous-Hermes-13b", PUBLISHED_RUNS, NULL },
    { "oasst-sft-4-pythia-12b", "OpenAssistant/oasst-sft-4-pythia-12b-epoch-3.5", PUBLISHED_OTHER, "GPT-NeoX" },
    { "oasst-sft-7-llama-30b", "OpenAssistant/oasst-sft-7-llama-30b-xor", PUBLISHED_DIFFERENCE,
      "TheBloke/OpenAssistant-SFT-7-Llama-30B-HF" },
    { "palm-2-chat-bison-001", NULL, PUBLISHED_GONE, NULL },
    { "rwkv-4-raven-14b", "BlinkDL/rwkv-4-raven", PUBLISHED_OTHER, "RWKV" },
    { "stablelm-tuned-alpha-7b", "stabilityai/stablelm-tuned-alpha-7b", PUBLISHED_OTHER, "GPT-NeoX" },
    { "tulu-30b", "allenai/tulu-30b", PUBLISHED_DIFFERENCE, "TheBloke/tulu-30B-fp16" },
    { "vicuna-13b-v1.3", "lmsys/vicuna-13b-v1.3", PUBLISHED_RUNS, NULL },
    { "vicuna-33b-v1.3", "lmsys/vicuna-33b-v1.3", PUBLISHED_RUNS, NULL },
    { "vicuna-7b-v1.3", "lmsys/vicuna-7b-v1.3", PUBLISHED_RUNS, NULL },
    { "wizardlm-13b", "WizardLM/WizardLM-13B-V1.0", PUBLISHED_DIFFERENCE, "TheBloke/wizardLM-13B-1.0-fp16" },
    { "wizardlm-30b", "WizardLM/WizardLM-30B-V1.0", PUBLISHED_DIFFERENCE, "TheBloke/WizardLM-30B-fp16" },
};

const int published_board_count = sizeof published_board / sizeof *published_board;

/* ---- names ---- */

/* What a path calls its model: "org/name" of a folder in the hub's cache, wherever in the path it stands, else the last two parts. NULL is
 * never returned; the caller frees. */
static char *model_of(const char *path)
{
    struct buf b = {0};
    const char *cached = strstr(path, "models--");
    size_t n = strlen(path);
    if (cached) {
        for (const char *p = cached + strlen("models--"); *p && *p != '/'; p++)
            if (p[0] == '-' && p[1] == '-' && !memchr(b.data ? b.data : "", '/', b.len))
                buf_char(&b, '/'), p++;
            else
                buf_char(&b, *p);
        return buf_steal(&b);
    }
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t start = n;
    for (int slashes = 0; start > 0 && (path[start - 1] != '/' || ++slashes < 2); )
        start--;
    return xstrndup(path + start, n - start);
}

static const char *last_part(const char *model)
{
    const char *slash = strrchr(model, '/');
    return slash ? slash + 1 : model;
}

/* A word of its own, between signs that are no letters: "delta" of "vicuna-7b-delta-v1.1", but not of "deltalake". */
static bool has_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = name; (p = strcasestr(p, word)); p++)
        if ((p == name || !isalpha((unsigned char)p[-1])) && !isalpha((unsigned char)p[n]))
            return true;
    return false;
}

/* The row whose name the model's begins with ("fastchat-t5-3b-v1.0"), the longest one. A hosted model's name is the whole: gpt-4-turbo is
 * another than gpt-4. */
static const struct published *find(const char *model)
{
    const struct published *found = NULL;
    const char *name = last_part(model);
    for (int i = 0; i < published_board_count; i++) {
        const struct published *p = &published_board[i];
        size_t n = strlen(p->name);
        bool begins = !strncasecmp(name, p->name, n) && (p->how >= PUBLISHED_HOSTED ? !name[n] : !isalnum((unsigned char)name[n]));
        if ((begins || (p->hub && !strcasecmp(model, p->hub))) && (!found || n > strlen(found->name)))
            found = p;
    }
    return found;
}

/* ---- differences ---- */

static const struct {
    const char *word, *model;            /* a word of the name, or a pattern of whole names; NULL: not by that */
    const char *how;
} difference[] = {
    { "delta", NULL, "python3 -m fastchat.model.apply_delta" },
    { "deltas", NULL, "python3 -m fastchat.model.apply_delta" },
    { "diff", NULL, "weight_diff.py recover, of its publisher" },
    { "wdiff", NULL, "weight_diff.py recover, of its publisher" },
    { "xor", NULL, "xor_codec.py, of its publisher" },
    { NULL, "allenai/tulu-[0-9]b", "weight_diff.py recover, of allenai/open-instruct" },
    { NULL, "allenai/tulu-[0-9][0-9]b", "weight_diff.py recover, of allenai/open-instruct" },
    { NULL, "allenai/open-instruct-[!l]*-[0-9]*b", "weight_diff.py recover, of allenai/open-instruct" }, /* those of llama2 are whole */
    { NULL, "WizardLM/WizardLM-7B-V1.0", "weight_diff_wizard.py recover, of its publisher" },
    { NULL, "WizardLM/WizardLM-[13][30]B-V1.0", "weight_diff_wizard.py recover, of its publisher" },
    { NULL, "young-geng/koala*", "EasyLM's recovery of Koala" },
};

int published_check_whole(const char *path, struct err *err)
{
    char *model = model_of(path);
    int rc = 0;
    for (size_t i = 0; i < sizeof difference / sizeof *difference && rc == 0; i++) {
        const char *word = difference[i].word;
        if (word ? !has_word(last_part(model), word) : fnmatch(difference[i].model, model, FNM_CASEFOLD) != 0)
            continue;
        const struct published *p = find(model);
        bool sum = p && p->how == PUBLISHED_DIFFERENCE && p->why;
        rc = err_set(err, ERR_MODEL,
                     "%s: by its name these are only differences from another model's weights; add them to it (%s) and give the folder of "
                     "the sum%s%s; if they are whole, give the folder another name",
                     path, difference[i].how, sum ? ", or take " : "", sum ? p->why : "");
    }
    free(model);
    return rc;
}

/* ---- after a failure ---- */

/* What `api-answer` asks of a vendor, by the beginnings of its names. */
static bool hosted(const char *name)
{
    static const char *const begins[] = { "gpt-3.5", "gpt-4", "gpt-5", "chatgpt-", "claude-", "o1-", "o3-", "o4-" };
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (!strncmp(name, begins[i], strlen(begins[i])))
            return true;
    return false;
}

static void advise_hosted(const char *path, const struct published *p, struct err *err)
{
    struct buf ways = {0};
    if (!p || p->how == PUBLISHED_HOSTED)
        buf_printf(&ways, "ask it by mtbench api-answer --model %s", path);
    if (p)
        buf_printf(&ways, "%sits published answers: mtbench fetch --only '*/model_answer/%s.jsonl'", ways.len ? ", or take " : "", p->name);
    err_set(err, ERR_MODEL, "%s: a hosted model, whose weights are not published; %s", path, ways.data);
    buf_free(&ways);
}

void published_advise(const char *path, struct err *err)
{
    char *model = model_of(path);
    const struct published *p = find(model);
    bool bare = !strchr(path, '/');
    if (err->kind == ERR_IO && bare && (p ? p->how >= PUBLISHED_HOSTED : hosted(path))) {
        advise_hosted(path, p, err);
    } else if (p && p->how == PUBLISHED_OTHER && (err->kind == ERR_IO || err->kind == ERR_MODEL)) {
        /* What the files themselves said of the model is better than its name; but there is no use in looking for files. */
        if (err->kind == ERR_MODEL && strstr(err->text, "is not supported"))
            err->text[strcspn(err->text, ";")] = '\0';
        else
            err_set(err, ERR_MODEL, "%s: %s would not run, its architecture (%s) is not supported", path, p->name, p->why);
        err_advise(err, "the answers of %s are published: mtbench fetch --only '*/model_answer/%s.jsonl'", p->name, p->name);
    }
    free(model);
}
