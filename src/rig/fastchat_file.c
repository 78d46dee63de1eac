/* fastchat_file.c - where this machine has FastChat's conversation.py. */
#include "fastchat_file.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* 'path' if it is a file, else the file in it as in a package's folder, else as in a checkout's; NULL: none of them. */
static char *within(const char *path)
{
    char *one = xstrdup(path);
    for (int i = 0; i < 2 && !is_file(one); i++) {
        free(one);
        one = xasprintf(i ? "%s/fastchat/conversation.py" : "%s/conversation.py", path);
    }
    if (is_file(one))
        return one;
    free(one);
    return NULL;
}

/* The first file that ROOT/PATTERN fits; a root is a name as it stands, whatever signs are in it. */
static char *first_fit(const char *root, const char *pattern)
{
    struct buf b = {0};
    glob_t g = {0};
    for (const char *p = root; *p; p++) {
        if (strchr("*?[\\", *p))
            buf_char(&b, '\\');
        buf_char(&b, *p);
    }
    buf_printf(&b, "/%s/fastchat/conversation.py", pattern);
    char *path = glob(b.data, 0, NULL, &g) == 0 && is_file(g.gl_pathv[0]) ? xstrdup(g.gl_pathv[0]) : NULL;
    globfree(&g);
    buf_free(&b);
    return path;
}

/* Entries are parted by colons; an empty one is the current folder. */
static char *in_python_path(const char *list)
{
    char *path = NULL;
    while (list && !path) {
        size_t n = strcspn(list, ":");
        char *entry = n ? xstrndup(list, n) : xstrdup(".");
        path = first_fit(entry, ".");
        free(entry);
        list = list[n] ? list + n + 1 : NULL;
    }
    return path;
}

static char *installed(void)
{
    static const char site[] = "lib/python3*/site-packages", dist[] = "lib/python3*/dist-packages";
    const struct { const char *root, *pattern; } place[] = {
        { getenv("VIRTUAL_ENV"), site }, { getenv("CONDA_PREFIX"), site }, { getenv("HOME"), ".local/lib/python3*/site-packages" },
        { "/usr/local", site },          { "/usr/local", dist },            { "/usr", "lib/python3/dist-packages" },
        { ".", "FastChat" },             { ".", "." },                      { "..", ".." }, /* from fastchat/llm_judge of a checkout */
    };
    char *path = in_python_path(getenv("PYTHONPATH"));
    for (size_t i = 0; i < sizeof place / sizeof *place && !path; i++)
        if (place[i].root && *place[i].root)
            path = first_fit(place[i].root, place[i].pattern);
    return path;
}

int fastchat_file_find(const char *given, const char *data_dir, char **path, struct err *err)
{
    const char *variable = getenv("MTBENCH_FASTCHAT");
    /* What somebody names is meant: another one in its place would be a surprise. */
    const char *named = given ? given : variable && *variable ? variable : NULL;
    *path = named ? within(named) : NULL;
    if (named && !*path)
        return err_set(err, ERR_USAGE, "%s %s: no conversation.py there; give FastChat's folder, or that file of it",
                       given ? "--fastchat" : "MTBENCH_FASTCHAT", named);
    if (!named && data_dir) {
        char *fetched = xasprintf("%s/fastchat", data_dir);
        *path = within(fetched);
        free(fetched);
    }
    if (!*path)
        *path = installed();
    return 0;
}
