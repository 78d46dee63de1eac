/* choice.c - which judge and which models of a judgment table are meant. */
#include "choice.h"

#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <stdlib.h>
#include <string.h>

void choice_names(struct buf *b, char *const *name, int n)
{
    for (int i = 0; i < n && i < 8; i++) /* a message is a line: eight names, then a number */
        buf_printf(b, "%s%s", i ? ", " : "", name[i]);
    if (n > 8)
        buf_printf(b, " and %d more", n - 8);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **choice_marked(const struct judgment_table *t, const uint8_t *which, int *n)
{
    char **name = xcalloc((size_t)t->n_names + 1, sizeof *name);
    *n = 0;
    for (int i = 0; i < t->n_names; i++)
        if (which[i])
            name[(*n)++] = t->name[i];
    qsort(name, (size_t)*n, sizeof *name, by_name); /* names belong to the table; the list is the caller's to free */
    return name;
}

/* The judge of this name: as the records have it, or as files do, '_' for each '/'. -1: none. */
static int32_t find_judge(const struct judgment_table *t, const char *judge, char *const *name, int n)
{
    int32_t k = judgment_table_name(t, judge);
    for (int i = 0; k < 0 && i < n; i++) {
        char *plain = bench_name_plain(name[i]);
        if (!strcmp(plain, judge))
            k = judgment_table_name(t, name[i]);
        free(plain);
    }
    return k;
}

int choice_judge(const char *file, const struct judgment_table *t, const char *judge, int32_t *out, struct err *err)
{
    struct buf b = {0};
    int n, rc = 0;
    uint8_t *seen = xcalloc((size_t)t->n_names + 1, 1);
    bool nameless = false;               /* records without "judge", of older files */
    for (size_t i = 0; i < t->n; i++) {
        if (t->row[i].judge >= 0)
            seen[t->row[i].judge] = 1;
        else
            nameless = true;
    }
    char **name = choice_marked(t, seen, &n);
    choice_names(&b, name, n);
    *out = judge ? find_judge(t, judge, name, n) : n ? judgment_table_name(t, name[0]) : -1; /* -1: rows without a judge's name */
    /* Judges are never mixed: their scales differ. FastChat averages whatever the file holds. */
    if (n + nameless > 1 && !judge)
        rc = err_set(err, ERR_USAGE, "%s: judgments of %d judges (%s%s); choose one with --judge-model", file, n + nameless,
                     b.data ? b.data : "", nameless ? ", and without a name" : "");
    else if (n + nameless > 1 && (*out < 0 || !seen[*out]))
        rc = err_set(err, ERR_USAGE, "--judge-model %s: no judgment by it in %s; there are %s", judge, file, b.data);
    else if (n == 1)
        *out = judgment_table_name(t, name[0]);      /* the file's one judge, whatever the file is called */
    free(name);
    free(seen);
    buf_free(&b);
    return rc;
}

/* What is left out is said: a fallback's verdicts in the same file would otherwise just be missing. */
long choice_others(const struct judgment_table *t, int32_t judge, char **who)
{
    struct buf b = {0};
    uint8_t *seen = xcalloc((size_t)t->n_names + 1, 1);
    long n = 0;
    int n_names;
    for (size_t i = 0; i < t->n; i++) {
        n += t->row[i].judge != judge;   /* of all models, whatever was chosen: the file's, to be told */
        if (t->row[i].judge >= 0 && t->row[i].judge != judge)
            seen[t->row[i].judge] = 1;
    }
    char **name = choice_marked(t, seen, &n_names);
    choice_names(&b, name, n_names);
    *who = n_names ? buf_steal(&b) : xstrdup("nobody who is named");
    free(name);
    free(seen);
    return n;
}

int choice_models(const char *file, const struct judgment_table *t, const char *const *wanted, int n_wanted, uint8_t *which,
                  struct err *err)
{
    int n, rc = 0;
    uint8_t *listed = xcalloc((size_t)t->n_names + 1, 1);
    for (int i = 0; i < n_wanted && rc == 0; i++) {
        int32_t k = judgment_table_name(t, wanted[i]);
        if (k >= 0 && which[k]) {
            listed[k] = 1;
            continue;
        }
        struct buf b = {0};
        char **name = choice_marked(t, which, &n);
        choice_names(&b, name, n);
        /* A misspelt name is refused, with the names that there are. */
        rc = err_set(err, ERR_USAGE, "%s: no judgment of model %s; there are %s", file, wanted[i], b.data ? b.data : "none");
        free(name);
        buf_free(&b);
    }
    if (n_wanted)
        memcpy(which, listed, (size_t)t->n_names);
    free(listed);
    return rc;
}
