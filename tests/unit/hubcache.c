/* hubcache.c - names that the hub allows, and places as huggingface_hub makes them; what leads out of them is none. */
#include "mtbench/hubcache.h"

#include "mtbench/mem.h"

#include "folder.h"
#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int taken(bool (*takes)(const char *), const char *const *name, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += takes(name[i]);
    return sum;
}
#define TAKEN(takes, names) taken(takes, names, sizeof(names) / sizeof *(names))

static void names(void)
{
    static const char *const id[] = { "org/name", "gpt2", "lmsys/vicuna-7b-v1.3", "TheBloke/x_y.z", "_a/b_" },
                             *const no_id[] = { "",     "/",    "a/",   "/a",   "a/b/c", "../a",    "a/..", "a..b/c", "a--b/c",
                                                "-a/b", "a/b-", ".a/b", "a/b.", "a b/c", "a/b.git", "./a",  "a\\b" },
                             *const revision[] = { "main", "v1.0", "refs/pr/1", "feature/x" }, *const no_revision[] = { "",       "../x",
                                                                                                                        "a/../b", "/a",
                                                                                                                        "a/",     "a b",
                                                                                                                        "a:b",    "~",
                                                                                                                        "a*",     "x\n" },
                             *const path[] = { "config.json", "a/b/c", ".gitattributes", "a b", "\303\251", "...", "a..b" },
                             *const no_path[] = { "",       ".",   "..",   "/a", "a/",    "a//b",     "../a",
                                                  "a/../b", "a/.", "a\\b", "\n", "a\177", "\300\200", "\377" };
    int good = TAKEN(hub_id, id), bad = TAKEN(hub_id, no_id);
    ok(good == 5 && bad == 0, "names of repositories: %d of 5, and %d others", good, bad);
    good = TAKEN(hub_revision, revision), bad = TAKEN(hub_revision, no_revision);
    ok(good == 4 && bad == 0, "names of revisions: %d of 4, and %d others", good, bad);
    good = TAKEN(hub_path, path), bad = TAKEN(hub_path, no_path);
    ok(good == 7 && bad == 0, "paths of files: %d of 7, and %d others", good, bad);
    ok(hub_commit("0123456789abcdef0123456789abcdef01234567") && !hub_commit("0123456789ABCDEF0123456789abcdef01234567") &&
           !hub_commit("main"),
       "a commit is 40 small hex digits");
}

static void is(char *got, const char *want)
{
    ok(!strcmp(got, want), "%s is %s", got, want);
    free(got);
}

static void places(void)
{
    static const char *const name[] = { "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME" };
    static const char *const want[] = { "/v", "/v", "/v/hub", "/v/huggingface/hub" };
    for (int i = 0; i < 4; i++)
        unsetenv(name[i]);
    setenv("HOME", "/home/u", 1);
    is(hub_cache(), "/home/u/.cache/huggingface/hub");
    for (int i = 3; i >= 0; i--) { /* each goes before those that are set already */
        setenv(name[i], "/v", 1);
        is(hub_cache(), want[i]);
    }
    setenv("HF_HUB_CACHE", "", 1);
    setenv("HUGGINGFACE_HUB_CACHE", "~/x", 1);
    is(hub_cache(), "/home/u/x");
    unsetenv("HOME");
    char *cache = hub_cache();
    ok(*cache == '/' && strlen(cache) >= 2 && !strcmp(cache + strlen(cache) - 2, "/x"),
       "without HOME ~ is the user's home of the system: %s", cache);
    free(cache);
    is(hub_folder("/c", "org/name"), "/c/models--org--name");
    is(hub_folder("/c", "gpt2"), "/c/models--gpt2");
    is(hub_link("config.json", "e"), "../../blobs/e");
    is(hub_link("a/b/c", "e"), "../../../../blobs/e");
}

static void snapshots(void)
{
    own_put("models--o--n/refs/main", "c1\n");
    own_put("models--o--n/refs/pr/1", "c2");
    own_put("models--o--n/refs/gone", "c3");
    own_put("models--o--n/snapshots/c1/x", "");
    own_put("models--o--n/snapshots/c2/x", "");
    static const char *const ask[] = { NULL, "main", "pr/1", "c2", "gone", "none" }, *const commit[] = {
        "c1", "c1", "c2", "c2", NULL, NULL
    };
    for (int i = 0; i < 6; i++) {
        char *got = hub_snapshot(own_dir(), "o/n", ask[i]);
        ok(commit[i] ? got && !strcmp(strrchr(got, '/') + 1, commit[i]) : !got, "revision %s is %s", ask[i] ? ask[i] : "(main)",
           got ? got : "not there");
        free(got);
    }
}

int main(void)
{
    names();
    places();
    snapshots();
    return done_testing();
}
