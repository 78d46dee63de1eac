/* fetching.c - files of a list from a folder: into place once, checked; what differs is refused before anything is brought; what cannot be
 * had is counted, and a source that has nothing is not asked for ever. */
#include "mtbench/fetching.h"

#include "mtbench/exit_code.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"

#include "folder.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static bool holds(const char *name, const char *text)
{
    struct buf b = {0};
    struct err why;
    const bool same = io_read(own(name), &b, &why) == 0 && b.len == strlen(text) && !memcmp(b.data, text, b.len);
    buf_free(&b);
    return same;
}

/* Runs it, with its closing line out of the way. */
static int fetch(const char *only)
{
    char *word[] = { (char *)only };
    const struct fetch_opts o = {
        .data_dir = own("data"), .manifest = own("list"), .from = own("mirror"),
        .only = { word, only ? 1 : 0 }, .progress = PROGRESS_NONE, .quiet = true,
    };
    err = (struct err){0};
    fflush(stdout);
    const int out = dup(1), null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    const int code = fetching_run(&o, &err);
    fflush(stdout);
    dup2(out, 1);
    close(out), close(null);
    return code;
}

/* A list of 'n' files a0.jsonl .. with the text "[i]"; the mirror has those below 'there'. */
static void put_list(int n, int there)
{
    struct buf b = {0};
    for (int i = 0; i < n; i++) {
        char name[40], text[20], hex[65];
        snprintf(text, sizeof text, "[%d]\n", i);
        snprintf(name, sizeof name, "mirror/x/a%d.jsonl", i);
        sha256_hex(text, strlen(text), hex);
        buf_printf(&b, "%s %zu x/a%d.jsonl http://127.0.0.1:9/a%d.jsonl\n", hex, strlen(text), i, i);
        if (i < there)
            own_put(name, text);
    }
    own_put("list", b.data);
    buf_free(&b);
}

int main(void)
{
    log_init(LOG_QUIET, 0, NULL);
    ok(fetch(NULL) == EXIT_INPUT && !strncmp(err.text, "--manifest", 10), "no list: %s", err.text);
    put_list(3, 3);
    ok(fetch("x/b*") == EXIT_INPUT && strstr(err.text, "--only x/b*"), "a glob that fits nothing: %s", err.text);
    ok(fetch("*1.jsonl") == EXIT_COMPLETE && holds("data/x/a1.jsonl", "[1]\n") && access(own("data/x/a0.jsonl"), F_OK) < 0,
       "only what was asked for, below folders that it makes");
    own_put("data/x/a2.jsonl", "mine\n");
    ok(fetch(NULL) == EXIT_INPUT && strstr(err.text, "a2.jsonl: is there") && access(own("data/x/a0.jsonl"), F_OK) < 0 &&
           holds("data/x/a2.jsonl", "mine\n"),
       "a file that differs stays, and nothing is brought beside it: %s", err.text);
    unlink(own("data/x/a2.jsonl"));
    ok(fetch(NULL) == EXIT_COMPLETE && holds("data/x/a0.jsonl", "[0]\n") && holds("data/x/a2.jsonl", "[2]\n"), "the others");
    own_put("mirror/x/a0.jsonl", "other\n");
    ok(fetch(NULL) == EXIT_COMPLETE && holds("data/x/a0.jsonl", "[0]\n"), "what is there is not asked for again");
    unlink(own("data/x/a0.jsonl"));
    ok(fetch(NULL) == EXIT_FAILURES && access(own("data/x/a0.jsonl"), F_OK) < 0, "a file with another hash gets no place");
    put_list(9, 3);
    ok(fetch(NULL) == EXIT_FAILURES && strstr(err.text, "3 files in a row") && holds("data/x/a0.jsonl", "[0]\n"),
       "a source without files is given up: %s", err.text);
    ok(fetch_from_http("https://x") && fetch_from_http("http://x") && !fetch_from_http("/http://x") && !fetch_from_http("httpx"),
       "servers and folders");
    return done_testing();
}
