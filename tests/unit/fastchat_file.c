/* fastchat_file.c - where FastChat's conversation.py is looked for, and in which order. */
#include "src/rig/fastchat_file.h"

#include "mtbench/mem.h"

#include "tap.h"
#include "tests/folder.h"

/* An empty file FOLDER/name. */
static void put(const char *name)
{
    char *path = xasprintf("%s/%s", own_dir(), name);
    struct err err = {0};
    if (io_make_parents(path, &err) < 0 || io_replace(path, "", 0, &err) < 0)
        printf("# %s\n", err.text);
    free(path);
}

static void set(const char *name, const char *below)
{
    char *value = xasprintf("%s/%s", own_dir(), below);
    setenv(name, value, 1);
    free(value);
}

/* 'want' below the folder; NULL: none. */
static void found(const char *given, const char *data_dir, const char *want, const char *what)
{
    char *g = given ? xasprintf("%s/%s", own_dir(), given) : NULL, *d = xasprintf("%s/%s", own_dir(), data_dir), *path;
    struct err err = {0};
    size_t n = strlen(own_dir());
    int rc = fastchat_file_find(g, d, &path, &err);
    ok(rc == 0 && (want ? path && !strncmp(path, own_dir(), n) && !strcmp(path + n + 1, want) : !path), "%s: %s %s", what,
       path ? path : "none", err.text);
    free(g);
    free(d);
    free(path);
}

static void refused(const char *given, const char *flag)
{
    char *path;
    struct err err = {0};
    int rc = fastchat_file_find(given, NULL, &path, &err);
    ok(rc < 0 && err.kind == ERR_USAGE && strstr(err.text, flag) == err.text && !path, "refused: %s", err.text);
}

int main(void)
{
    static const char *const places[] = { "MTBENCH_FASTCHAT", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        unsetenv(places[i]);
    own_dir();
    set("HOME", "home");
    if (chdir(own_dir()) < 0)            /* "." and ".." are looked into, and this must not be the project's */
        return 1;
    put("checkout/fastchat/conversation.py");
    found("checkout", "data", "checkout/fastchat/conversation.py", "a checkout's folder");
    found("checkout/fastchat", "data", "checkout/fastchat/conversation.py", "the package's folder");
    found("checkout/fastchat/conversation.py", "data", "checkout/fastchat/conversation.py", "the file");
    refused("/nowhere/fastchat", "--fastchat /nowhere/fastchat");
    char *system, *with;                 /* what this machine has installed for all; the tests below go by places before that */
    struct err err;
    fastchat_file_find(NULL, NULL, &system, &err);
    ok(!system || system[0] == '/', "the machine's own: %s", system ? system : "none");

    put("home/.local/lib/python3.9/site-packages/fastchat/conversation.py");
    found(NULL, "data", "home/.local/lib/python3.9/site-packages/fastchat/conversation.py", "the user's packages");
    put("conda/lib/python3.12/site-packages/fastchat/conversation.py");
    set("CONDA_PREFIX", "conda");
    found(NULL, "data", "conda/lib/python3.12/site-packages/fastchat/conversation.py", "conda's");
    put("v[e]n*v/lib/python3.11/site-packages/fastchat/conversation.py");
    set("VIRTUAL_ENV", "v[e]n*v");
    found(NULL, "data", "v[e]n*v/lib/python3.11/site-packages/fastchat/conversation.py", "the environment's, whatever its name");
    put("src/fastchat/conversation.py");
    with = xasprintf("/nowhere::%s/none:%s/src:", own_dir(), own_dir());
    setenv("PYTHONPATH", with, 1);
    char *path;
    int rc = fastchat_file_find(NULL, "none", &path, &err);
    ok(rc == 0 && path && strstr(path, "/src/./fastchat/conversation.py"), "PYTHONPATH's: %s", path ? path : "none");
    free(path);
    free(with);
    put("data/fastchat/conversation.py");
    found(NULL, "data", "data/fastchat/conversation.py", "what was fetched comes before what is installed");
    set("MTBENCH_FASTCHAT", "checkout");
    found(NULL, "data", "checkout/fastchat/conversation.py", "the variable before both");
    found("src", "data", "src/fastchat/conversation.py", "the flag before the variable");
    setenv("MTBENCH_FASTCHAT", "/nowhere", 1);
    refused(NULL, "MTBENCH_FASTCHAT /nowhere");
    free(system);
    return done_testing();
}
