/* hub_folder.c - a model from a folder into the hub cache, without a server: laid out once, found again, spoiled files mended, an adapter's
 * base brought from the same cache, nothing named that did not come whole. */
#include "mtbench/hub.h"

#include "mtbench/exit_code.h"
#include "mtbench/hubcache.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include "folder.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;

/* Runs it from a folder of ours into another, with its closing lines out of the way. */
static int fetch(const char *name, const char *model, const char *place, const char *only)
{
    char *cache = xstrdup(own(name)), *from = place ? xstrdup(own(place)) : NULL; /* own() forgets */
    char *word[] = { (char *)only };
    const struct hub_opts o = { .model = model, .from = from, .only = { word, only ? 1 : 0 }, .progress = PROGRESS_NONE, .quiet = true };
    err = (struct err){ 0 };
    setenv("HF_HUB_CACHE", cache, 1);
    fflush(stdout);
    const int out = dup(1), null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    const int code = hub_fetch(&o, &err);
    fflush(stdout);
    dup2(out, 1);
    close(out), close(null);
    free(cache);
    free(from);
    return code;
}

static int entries(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += *e->d_name != '.';
    if (d)
        closedir(d);
    return n;
}

/* What the file of the model's main snapshot says, and that it is a link. */
static bool holds(const char *name, const char *model, const char *path, const char *text)
{
    struct err why;
    struct buf b = { 0 };
    struct stat st;
    char *snapshot = hub_snapshot(own(name), model, NULL), *file = xasprintf("%s/%s", snapshot ? snapshot : "/none", path);
    bool same = io_read(file, &b, &why) == 0 && b.len == strlen(text) && !memcmp(b.data, text, b.len) && lstat(file, &st) == 0 &&
                S_ISLNK(st.st_mode);
    buf_free(&b);
    free(snapshot);
    free(file);
    return same;
}

static void files(void)
{
    const char *cache = "c1";
    own_put("m/config.json", "{}");
    own_put("m/generation_config.json", "{}");
    own_put("m/model.safetensors", "weights");
    own_put("m/README.md", "no");
    ok(fetch(cache, "o/n", "m", NULL) == EXIT_COMPLETE, "a folder's files: %s", err.text);
    ok(holds(cache, "o/n", "config.json", "{}") && holds(cache, "o/n", "generation_config.json", "{}") &&
           holds(cache, "o/n", "model.safetensors", "weights") && entries(own("c1/models--o--n/blobs")) == 2,
       "each has its name, equal ones share their bytes, and what no run reads is not there");
    /* The names are what sha256sum and git hash-object say. */
    ok(access(own("c1/models--o--n/blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b"), F_OK) == 0 &&
           access(own("c1/models--o--n/blobs/9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"), F_OK) == 0,
       "by git's hash of a text, and the SHA-256 of weights");
    ok(fetch(cache, "o/n", "m", NULL) == EXIT_COMPLETE && entries(own("c1/models--o--n/snapshots")) == 1,
       "the same again is the same commit");
    char *blob = own("c1/models--o--n/blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b");
    int fd = open(blob, O_WRONLY | O_TRUNC);
    ok(write(fd, "[]", 2) == 2 && !holds(cache, "o/n", "config.json", "{}"), "a file is spoiled, its size is not");
    close(fd);
    ok(fetch(cache, "o/n", "m", NULL) == EXIT_COMPLETE && holds(cache, "o/n", "config.json", "{}"), "that is seen and mended: %s",
       err.text);
    ok(fetch("c2", "o/n", cache, NULL) == EXIT_COMPLETE && holds("c2", "o/n", "model.safetensors", "weights"),
       "from that cache into another: %s", err.text);
    ok(fetch("c3", "o/n", "m", "READ*") == EXIT_COMPLETE && holds("c3", "o/n", "README.md", "no") &&
           entries(own("c3/models--o--n/blobs")) == 1,
       "--only");
}

static void adapters(void)
{
    own_put("all/models--o--lora/refs/main", "0123456789abcdef0123456789abcdef01234567");
    own_put("all/models--o--lora/snapshots/0123456789abcdef0123456789abcdef01234567/adapter_config.json",
            "{\"base_model_name_or_path\": \"o/n\"}");
    own_put("all/models--o--lora/snapshots/0123456789abcdef0123456789abcdef01234567/adapter_model.bin", "A");
    own_put("all/models--o--n/refs/main", "00");
    own_put("all/models--o--n/snapshots/00/model.safetensors", "base");
    ok(fetch("c4", "o/lora", "all", NULL) == EXIT_COMPLETE && holds("c4", "o/lora", "adapter_model.bin", "A") &&
           holds("c4", "o/n", "model.safetensors", "base"),
       "an adapter's base comes from the same cache: %s", err.text);
    ok(fetch("c5", "o/lora", "all/models--o--lora/snapshots/0123456789abcdef0123456789abcdef01234567", NULL) == EXIT_COMPLETE &&
           access(own("c5/models--o--n"), F_OK) < 0,
       "a folder of the adapter alone has no base to give, and is no error");
}

static void refusals(void)
{
    own_put("lfs/config.json", "{}");
    own_put("lfs/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    ok(fetch("c6", "o/n", "lfs", NULL) == EXIT_FAILURES && strstr(err.text, "git lfs pull"), "a pointer of LFS: %s", err.text);
    char *snapshot = hub_snapshot(own("c6"), "o/n", NULL);
    ok(!snapshot, "nothing has a name then");
    free(snapshot);
    own_put("empty/README.md", "no");
    ok(fetch("c6", "o/n", "empty", NULL) == EXIT_INPUT && strstr(err.text, "no weights"), "no model: %s", err.text);
    ok(fetch("c6", "../n", "m", NULL) == EXIT_INPUT && strstr(err.text, "no name of a repository"), "no name: %s", err.text);
    setenv("HF_HUB_OFFLINE", "1", 1);
    ok(fetch("c6", "o/n", NULL, NULL) == EXIT_PREFLIGHT && strstr(err.text, "HF_HUB_OFFLINE"), "offline: %s", err.text);
    ok(fetch("c6", "o/n", "m", NULL) == EXIT_COMPLETE, "offline, a folder will do: %s", err.text);
}

int main(void)
{
    static const char *const name[] = { "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HF_ENDPOINT" };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        unsetenv(name[i]);
    log_init(LOG_QUIET, 0, NULL);
    own_dir();
    files();
    adapters();
    refusals();
    return done_testing();
}
