/* visible.c - the grammar of CUDA_VISIBLE_DEVICES, as the CUDA programming guide's chapter on environment variables has it. */
#include "visible.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 64 };

struct word { const char *at; int n; };

static struct word next_word(const char **text)
{
    const char *at = *text + strspn(*text, " \t");
    size_t n = strcspn(at, ",");
    *text = at[n] ? at + n + 1 : at + n;
    while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
        n--;
    return (struct word){ at, (int)n };
}

static bool is_index(struct word w)
{
    return w.n > 0 && w.n < 9 && (int)strspn(w.at, "0123456789") == w.n;
}

static bool is_id(struct word w)
{
    const int hex = (int)strspn(w.at + 4 * (w.n > 4), "0123456789abcdefABCDEF-/GPU");
    return w.n > 4 && (!strncmp(w.at, "GPU-", 4) || !strncmp(w.at, "MIG-", 4)) && hex >= w.n - 4;
}

static bool same(struct word a, struct word b)
{
    if (is_index(a) && is_index(b))                                                 /* 0 and 00 are one device */
        return strtol(a.at, NULL, 10) == strtol(b.at, NULL, 10);
    return a.n == b.n && !strncmp(a.at, b.at, (size_t)a.n);
}

int visible_count(const char *text, struct err *err)
{
    struct word seen[MAX_LISTED];
    int n = 0;
    for (const char *at = text; *at;) {
        const struct word w = next_word(&at);
        if (w.n == 2 && !strncmp(w.at, "-1", 2))
            break;
        if (w.n == 10 && !strncmp(w.at, "NoDevFiles", 10))
            return err_set(err, ERR_DEVICE, "CUDA_VISIBLE_DEVICES=%s: Slurm gave this job no GPU; ask for some, as by --gpus-per-task=1",
                           text);
        if (!is_index(w) && !is_id(w))
            return err_set(err, ERR_DEVICE, "CUDA_VISIBLE_DEVICES=%s: \"%.*s\" is neither an index nor the id of a GPU; list such as 0,1 "
                           "or GPU-8932f937",
                           text, w.n, w.at);
        for (int i = 0; i < n; i++)
            if (same(seen[i], w))
                return err_set(err, ERR_DEVICE, "CUDA_VISIBLE_DEVICES=%s: %.*s comes twice; list each GPU once", text, w.n, w.at);
        if (n == MAX_LISTED)
            return err_set(err, ERR_DEVICE, "CUDA_VISIBLE_DEVICES: more than %d GPUs; list those of this process", MAX_LISTED);
        seen[n++] = w;
    }
    return n;
}
