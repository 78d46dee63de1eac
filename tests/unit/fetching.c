/* fetching.c - files of a list from a folder: into place once, checked; what differs is refused before anything is brought; what cannot be
 * had is counted, and a source that has nothing is not asked for ever. */
#include "mtbench/fetching.h"

#include "mtbench/exit_code.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"

#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/mtbench-fetching-XXXXXX";
static struct err err;

static const char *path_of(const char *name)
{
    static char path[2][300];
    static int turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    struct err why;
    if (io_make_parents(path_of(name), &why) < 0 || io_replace(path_of(name), text, strlen(text), &why) < 0)
        printf("# %s\n", why.text);
}

static bool holds(const char *name, const char *text)
{
    struct buf b = {0};
    struct err why;
    const bool same = io_read(path_of(name), &b, &why) == 0 && b.len == strlen(text) && !memcmp(b.data, text, b.len);
    buf_free(&b);
    return same;
}

/* Runs it, with its closing line out of the way. */
static int fetch(const char *only)
{
    static char data[300], from[300], manifest[300];
    char *word[] = { (char *)only };
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(from, sizeof from, "%s/mirror", folder);
    snprintf(manifest, sizeof manifest, "%s/list", folder);
    const struct fetch_opts o = {
        .data_dir = data, .manifest = manifest, .from = from, .only = { word, only ? 1 : 0 }, .progress = PROGRESS_NONE, .quiet = true,
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
            put(name, text);
    }
    put("list", b.data);
    buf_free(&b);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    log_init(LOG_QUIET, 0, NULL);
    ok(fetch(NULL) == EXIT_INPUT && !strncmp(err.text, "--manifest", 10), "no list: %s", err.text);
    put_list(3, 3);
    ok(fetch("x/b*") == EXIT_INPUT && strstr(err.text, "--only x/b*"), "a glob that fits nothing: %s", err.text);
    ok(fetch("*1.jsonl") == EXIT_COMPLETE && holds("data/x/a1.jsonl", "[1]\n") && access(path_of("data/x/a0.jsonl"), F_OK) < 0,
       "only what was asked for, below folders that it makes");
    put("data/x/a2.jsonl", "mine\n");
    ok(fetch(NULL) == EXIT_INPUT && strstr(err.text, "a2.jsonl: is there") && access(path_of("data/x/a0.jsonl"), F_OK) < 0 &&
           holds("data/x/a2.jsonl", "mine\n"),
       "a file that differs stays, and nothing is brought beside it: %s", err.text);
    unlink(path_of("data/x/a2.jsonl"));
    ok(fetch(NULL) == EXIT_COMPLETE && holds("data/x/a0.jsonl", "[0]\n") && holds("data/x/a2.jsonl", "[2]\n"), "the others");
    put("mirror/x/a0.jsonl", "other\n");
    ok(fetch(NULL) == EXIT_COMPLETE && holds("data/x/a0.jsonl", "[0]\n"), "what is there is not asked for again");
    unlink(path_of("data/x/a0.jsonl"));
    ok(fetch(NULL) == EXIT_FAILURES && access(path_of("data/x/a0.jsonl"), F_OK) < 0, "a file with another hash gets no place");
    put_list(9, 3);
    ok(fetch(NULL) == EXIT_FAILURES && strstr(err.text, "3 files in a row") && holds("data/x/a0.jsonl", "[0]\n"),
       "a source without files is given up: %s", err.text);
    ok(fetch_from_http("https://x") && fetch_from_http("http://x") && !fetch_from_http("/http://x") && !fetch_from_http("httpx"),
       "servers and folders");
    char remove[300];
    snprintf(remove, sizeof remove, "rm -r %s", folder);
    ok(system(remove) == 0, "removed");
    return done_testing();
}
