/* hub.c - fuzz target: a hub's list of files; what it accepts stays below the cache's folder and is named by hex digits. The bytes behind a
 * line "=" are the index that chooses among them. */
#include "mtbench/hubcache.h"
#include "mtbench/hubrepo.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hub_repo r;
    struct err err;
    const char *text = (const char *)data, *cut = size ? memmem(data, size, "\n=\n", 3) : NULL;
    size_t n = cut ? (size_t)(cut - text) : size;
    char *base, *revision;
    hub_adapter_base(text, n, &base, &revision, &err);
    free(base);
    free(revision);
    if (hub_repo_parse(text, n, &r, &err) < 0)
        return 0;
    if (!hub_commit(r.commit) || r.n < 1)
        abort();
    for (int i = 0; i < r.n; i++) {
        const char *path = r.file[i].path, *etag = hub_etag(&r.file[i]);
        if (path[0] == '/' || !strncmp(path, "..", 3) || !strncmp(path, "../", 3) || strstr(path, "/../") || r.file[i].size < -1 ||
            (etag && strspn(etag, "0123456789abcdef") != strlen(etag)))
            abort();
    }
    bool *chosen = calloc((size_t)r.n, sizeof *chosen);
    const char *index = cut ? cut + 3 : "";
    hub_repo_choose(&r, &(struct opt_list){0}, index, cut ? size - n - 3 : 0, chosen, &err);
    free(chosen);
    hub_repo_free(&r);
    return 0;
}
