/* hubcache.c - where the hub's files lie on this machine. */
#include "mtbench/hubcache.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

/* Letters, digits and ._- with one of the first two at both ends: \b of the hub's pattern. */
static bool name_is_fine(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
            return false;
    return n >= 1 && n <= 96 && !strchr("-.", s[0]) && !strchr("-.", s[n - 1]);
}

bool hub_id(const char *name)
{
    const char *slash = strchr(name, '/'), *last = slash ? slash + 1 : name;
    size_t n = strlen(last);
    if (strstr(name, "--") || strstr(name, "..")) /* "--" stands for the slash in the cache's folders */
        return false;
    if (n >= 4 && !strcmp(last + n - 4, ".git"))
        return false;
    return name_is_fine(last, n) && (!slash || name_is_fine(name, (size_t)(slash - name)));
}

bool hub_commit(const char *name)
{
    return strlen(name) == 40 && strspn(name, "0123456789abcdef") == 40;
}

bool hub_path(const char *path)
{
    enum { MAX_PART = 255 - sizeof ".incomplete", MAX_PATH = 2000 };
    size_t length = strlen(path);
    if (length > MAX_PATH || utf8_bad(path, length) >= 0) /* the NUL of nul.h is no UTF-8 either */
        return false;
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
            return false;
    for (const char *part = path;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0 || n > MAX_PART || (n == 1 && *part == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += n;
        if (!*part)
            return true;
    }
}

bool hub_revision(const char *name)
{
    /* Git itself allows no "..", no blank and none of these in a name. */
    return hub_path(name) && !strstr(name, "..") && !strpbrk(name, " ~^:?*[");
}

/* ---- places ---- */

const char *hub_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A leading ~ is the home folder, also inside a variable. */
static char *expand(char *path)
{
    const char *home = hub_variable("HOME");
    if (path[0] != '~' || (path[1] && path[1] != '/')) /* ~user is not expanded, as in a shell's quotes */
        return path;
    const struct passwd *user = home ? NULL : getpwuid(getuid()); /* some batch systems start jobs without HOME */
    if (user)
        home = user->pw_dir;
    if (!home)
        return path;
    char *full = xasprintf("%s%s", home, path + 1);
    free(path);
    return full;
}

char *hub_cache(void)
{
    const char *cache = hub_variable("HF_HUB_CACHE"), *base = hub_variable("HF_HOME"), *user = hub_variable("XDG_CACHE_HOME");
    if (!cache) /* the variable's older name */
        cache = hub_variable("HUGGINGFACE_HUB_CACHE");
    if (cache)
        return expand(xstrdup(cache));
    if (base)
        return expand(xasprintf("%s/hub", base));
    return expand(xasprintf("%s/huggingface/hub", user ? user : "~/.cache"));
}

char *hub_folder(const char *cache, const char *id)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s/models--", cache);
    for (const char *p = id; *p; p++)
        buf_str(&b, *p == '/' ? "--" : (char[]){ *p, '\0' }); /* as huggingface_hub names its folders */
    return buf_steal(&b);
}

char *hub_snapshot(const char *cache, const char *id, const char *revision)
{
    struct buf commit = { 0 };
    struct err ignored;
    struct stat st;
    char *folder = hub_folder(cache, id), *ref = xasprintf("%s/refs/%s", folder, revision ? revision : "main");
    if (io_read(ref, &commit, &ignored) == 0 && commit.len)
        commit.data[strcspn(commit.data, "\r\n")] = '\0';
    char *path = xasprintf("%s/snapshots/%s", folder, commit.len ? commit.data : revision ? revision : "main"); /* or it is the commit */
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        free(path);
        path = NULL;
    }
    free(ref);
    free(folder);
    buf_free(&commit);
    return path;
}

char *hub_link(const char *path, const char *etag)
{
    struct buf b = { 0 };
    buf_str(&b, "../../");
    for (const char *p = path; (p = strchr(p, '/')); p++)
        buf_str(&b, "../");
    buf_printf(&b, "blobs/%s", etag);
    return buf_steal(&b);
}
