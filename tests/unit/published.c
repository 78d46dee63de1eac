/* published.c - the models of the board by their names: each runs, or has its line; and weights that are only differences. */
#include "src/rig/published.h"

#include "mtbench/fetch_list.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The board is the list of published answers, name for name, and people are told the same. */
static void test_board(void)
{
    struct buf list = {0}, page = {0};
    struct fetch_list l = {0};
    struct err err = {0};
    int n = 0;
    ok(io_read("data/pregenerated.txt", &list, &err) == 0 && fetch_list_parse("p", list.data, list.len, &l, &err) == 0 &&
           io_read("data/BOARD.md", &page, &err) == 0, "the list and the page are there %s", err.text);
    for (int i = 0; i < published_board_count && page.data; i++) {
        static const char *const word[] = { "yes", "with its base", "merged", "no", "hosted", "hosted" };
        const struct published *p = &published_board[i];
        char *path = xasprintf("mt_bench/model_answer/%s.jsonl", p->name);
        char *row = xasprintf("\n| %s | %s%s| %s |", p->name, p->hub ? p->hub : "", p->hub ? " " : "", word[p->how]);
        int found = 0;
        for (int k = 0; k < l.n; k++)
            found += !strcmp(l.item[k].path, path);
        n += found == 1 && strstr(page.data, row) && (p->how != PUBLISHED_DIFFERENCE || strstr(page.data, p->why));
        if (found != 1 || !strstr(page.data, row))
            printf("# %s: %d answer files; no row %s\n", p->name, found, row + 1);
        free(path);
        free(row);
    }
    ok(n == 31 && published_board_count == 31, "%d models have published answers and a row on the page", n);
    fetch_list_free(&l);
    buf_free(&list);
    buf_free(&page);
}

/* What a failure to open 'path' comes to. */
static struct err advised(const char *path, enum err_kind kind, const char *text)
{
    struct err err;
    err_set(&err, kind, "%s", text);
    published_advise(path, &err);
    return err;
}

static void test_rows(void)
{
    static const char missing[] = "--model-path x: no such file; fetch it",
                      other[] = "x/config.json: architecture X is not supported (y); known are Z";
    for (int i = 0; i < published_board_count; i++) {
        const struct published *p = &published_board[i];
        struct err whole = {0}, gone = advised(p->hub ? p->hub : p->name, ERR_IO, missing), here = advised(p->name, ERR_MODEL, other);
        char *fetch = xasprintf("mtbench fetch --only '*/model_answer/%s.jsonl'", p->name);
        bool refused = published_check_whole(p->hub ? p->hub : p->name, &whole) < 0, untouched = !strcmp(gone.text, missing);
        bool right = false;
        switch (p->how) {
        case PUBLISHED_RUNS:
        case PUBLISHED_ADAPTER: right = !refused && untouched && !strcmp(here.text, other); break;
        case PUBLISHED_DIFFERENCE:
            right = refused && whole.kind == ERR_MODEL && strstr(whole.text, p->why) && strstr(whole.text, p->hub);
            break;
        case PUBLISHED_OTHER:
            right = !refused && gone.kind == ERR_MODEL && strstr(gone.text, p->why) && strstr(gone.text, fetch) &&
                    strstr(here.text, fetch) && strstr(here.text, "X is not supported (y)") && !strstr(here.text, "known are");
            break;
        case PUBLISHED_HOSTED:
        case PUBLISHED_GONE:
            right = !refused && strstr(gone.text, fetch) && (p->how == PUBLISHED_HOSTED) == !!strstr(gone.text, "api-answer --model");
            break;
        }
        ok(right, "%s: %s", p->name, refused ? whole.text : untouched ? "runs" : gone.text);
        free(fetch);
    }
}

static void test_differences(void)
{
    static const char *const not_whole[] = {
        "lmsys/vicuna-7b-delta-v0", "lmsys/vicuna-13b-delta-v1.1", "/models/vicuna-7b-delta-v1.1/", "CarperAI/stable-vicuna-13b-delta",
        "tatsu-lab/alpaca-7b-wdiff", "/x/koala_13b_diff_v2", "OpenAssistant/oasst-rlhf-2-llama-30b-7k-steps-xor", "allenai/tulu-65b",
        "allenai/open-instruct-sharegpt-13b", "WizardLM/WizardLM-7B-V1.0", "wizardlm/wizardlm-30b-v1.0", "m/Vicuna-Delta.gguf",
        "/c/hub/models--lmsys--vicuna-7b-delta-v1.1/snapshots/0123abcd", "/c/models--allenai--tulu-7b/snapshots/1/", "delta", "XOR",
    };
    static const char *const fine[] = {
        "lmsys/vicuna-7b-v1.3", "/data/delta/llama-7b", "/deltalake/m", "stabilityai/stable-diffusion-x", "allenai/tulu-2-dpo-7b",
        "allenai/tulu-2-7b", "WizardLM/WizardLM-70B-V1.0", "WizardLM/WizardLM-13B-V1.2", "/models/tulu-30b", "x/Foxor-7b", "", "/", ".",
        "/c/models--lmsys--vicuna-7b-v1.3/snapshots/delta", "TheBloke/koala-13B-HF",
        "allenai/open-instruct-llama2-sharegpt-dpo-7b", "allenai/open-instruct-llama2-sharegpt-7b",
    };
    struct err err;
    for (size_t i = 0; i < sizeof not_whole / sizeof *not_whole; i++)
        ok(published_check_whole(not_whole[i], &err) < 0 && strstr(err.text, not_whole[i]) == err.text && strstr(err.text, "another name"),
           "refused: %s", err.text);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        ok(published_check_whole(fine[i], &err) == 0, "not refused: \"%s\"", fine[i]);
}

static void test_names(void)
{
    static const char missing[] = "--model-path x: no such file";
    struct err err = advised("/m/RWKV-4-Raven-14B-v12-Eng98.pth", ERR_MODEL, "--model-path x: a file that is no .gguf; give one");
    ok(strstr(err.text, "RWKV") && strstr(err.text, "rwkv-4-raven-14b.jsonl"), "by the beginning of a name, large letters or small: %s",
       err.text);
    err = advised("/c/models--mosaicml--mpt-7b-chat/snapshots/1", ERR_MODEL,
                  "c: architecture MPTForCausalLM is not supported; known are X");
    ok(strstr(err.text, "MPTForCausalLM is not supported; the answers of mpt-7b-chat"), "in the hub's cache: %s", err.text);
    err = advised("databricks/dolly-v2-12b", ERR_MEMORY, missing);
    ok(!strcmp(err.text, missing), "another failure is its own");
    err = advised("m/mpt-7b-chat-llama", ERR_FORMAT, missing);
    ok(!strcmp(err.text, missing), "a damaged file is one, whatever its folder is called");
    err = advised("gpt-4-turbo", ERR_IO, missing);
    ok(strstr(err.text, "api-answer --model gpt-4-turbo") && !strstr(err.text, "fetch"), "a hosted model of no board: %s", err.text);
    static const char *const not_hosted[] = { "./gpt-4", "models/gpt-4", "gpt-neox-20b", "claude.gguf", "mpt-7b", "dolly-v2-120b" };
    for (size_t i = 0; i < sizeof not_hosted / sizeof *not_hosted; i++) {
        err = advised(not_hosted[i], ERR_IO, missing);
        ok(!strcmp(err.text, missing), "nothing is known of %s", not_hosted[i]);
    }
    err = advised("gpt-4", ERR_FORMAT, missing);
    ok(!strcmp(err.text, missing), "a folder of that name that is there is a folder");
}

int main(void)
{
    test_board();
    test_rows();
    test_differences();
    test_names();
    return done_testing();
}
