/* judge_files.c - whose judgments lie in which file. */
#include "mtbench/judge_files.h"

#include "choice.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is there ---- */

struct there { char **judge; int n; struct err wrong; };      /* wrong: why the folder cannot be read */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By their names alone: which judge a file is of is decided by what stands in it, when it is read. */
static struct there list(const char *data_dir, const char *bench, bool pairs)
{
    char *folder = xasprintf("%s/%s/model_judgment", data_dir, bench);
    const char *end = pairs ? "_pair.jsonl" : "_single.jsonl"; /* what stands before it is the judge */
    struct there t = {0};
    DIR *d = opendir(folder);
    if (!d && errno != ENOENT)
        err_errno(&t.wrong, "%s: cannot read the folder of judgments", folder), err_advise(&t.wrong, "ask who owns it, or name another");
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name), k = strlen(end);
        if (n <= k || e->d_name[0] == '.' || strcmp(e->d_name + n - k, end)) /* journals and repeats end otherwise */
            continue;
        t.judge = xrealloc(t.judge, (size_t)t.n + 1, sizeof *t.judge);
        t.judge[t.n++] = xstrndup(e->d_name, n - k);
    }
    if (d)
        closedir(d);
    if (t.n)
        qsort(t.judge, (size_t)t.n, sizeof *t.judge, by_name);
    free(folder);
    return t;
}

static void there_free(struct there *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->judge[i]);
    free(t->judge);
}

/* judge NULL: nobody was named, and there is more than one to choose from.
 * Six ways of finding nothing, each with another next step: the most specific one is told. */
static int none(const char *data_dir, const char *bench, bool pairs, const char *judge, const struct there *t, struct err *err)
{
    struct buf b = {0};
    char *folder = xasprintf("%s/%s/model_judgment", data_dir, bench);
    struct there other = list(data_dir, bench, !pairs);
    choice_names(&b, t->judge, t->n);
    if (t->wrong.kind)
        *err = t->wrong;
    else if (t->n && !judge)
        err_set(err, ERR_USAGE, "%s: %s judgments by %s; choose with --judge-model, or see them side by side with --judge-model all",
                folder, pairs ? "pair" : "single", b.data);
    else if (t->n)
        err_set(err, ERR_USAGE, "--judge-model %s: no %s judgments by it in %s; there are those by %s", judge, pairs ? "pair" : "single",
                folder, b.data);
    else if (other.n)
        err_set(err, ERR_USAGE, "%s: only %s judgments in it; show them with --mode %s", folder, pairs ? "single" : "pair",
                pairs ? "single" : "pairwise-all");
    else if (access(data_dir, F_OK))     /* the wrong folder is the most frequent cause */
        err_set(err, ERR_USAGE, "--data-dir %s: no such folder here; name the one that holds %s", data_dir, bench);
    else
        err_set(err, ERR_USAGE, "%s: no judgments in it; judge first, or name another --data-dir, --bench-name or --input-file", folder);
    there_free(&other);
    buf_free(&b);
    free(folder);
    return -1;
}

/* ---- finding ---- */

static void add(struct judge_files *out, const char *judge, char *path) /* takes 'path' */
{
    out->file = xrealloc(out->file, (size_t)out->n + 1, sizeof *out->file);
    out->file[out->n++] = (struct judge_file){ xstrdup(judge), path };
}

/* A fallback's verdicts lie in the file of the judge that it stood in for. */
static bool has_rows(const char *path, const char *judge)
{
    struct judgment_table t = {0};
    struct err err = {0};                /* a file that cannot be read is passed over here, and told of where it is shown */
    bool found = false;
    if (judgment_table_read(&t, path, &err) == 0) {
        int32_t k = judgment_table_name(&t, judge);
        for (size_t i = 0; i < t.n && k >= 0 && !found; i++)
            found = t.row[i].judge == k;
    }
    judgment_table_free(&t);
    return found;
}

/* The judge's own file, else the first in which it judged for somebody else. NULL: none. What cannot be looked at is taken for there:
 * whoever reads it tells why not. */
static char *find(const char *data_dir, const char *bench, bool pairs, const char *judge, const struct there *t)
{
    char *path = bench_judgments_path(data_dir, bench, judge, pairs);
    if (io_exists(path, NULL) != 0)
        return path;
    free(path);
    for (int i = 0; i < t->n; i++) {
        path = bench_judgments_path(data_dir, bench, t->judge[i], pairs);
        if (has_rows(path, judge))
            return path;
        free(path);
    }
    return NULL;
}

int judge_files_find(struct judge_files *out, const char *data_dir, const char *bench, bool pairs, const char *usual,
                     const char *const *judge, int n, struct err *err)
{
    struct there t = list(data_dir, bench, pairs);
    const bool all = n == 1 && !strcmp(judge[0], "all");
    char *path = n == 0 ? find(data_dir, bench, pairs, usual, &t) : NULL;
    int rc = 0;
    *out = (struct judge_files){0};
    if (path)
        add(out, usual, path);
    else if (n == 0 && t.n == 1)         /* nobody was named, and only one judge is there: it is meant */
        out->fallen_back = true;         /* law 5: whoever shows them says whose they are */
    if (all || out->fallen_back)
        for (int i = 0; i < t.n; i++)
            add(out, t.judge[i], bench_judgments_path(data_dir, bench, t.judge[i], pairs));
    for (int i = 0; i < n && !all && rc == 0; i++) {
        if ((path = find(data_dir, bench, pairs, judge[i], &t)))
            add(out, judge[i], path);
        else
            rc = none(data_dir, bench, pairs, judge[i], &t, err); /* one that is not there: no table of the others only */
    }
    if (rc == 0 && out->n == 0)
        rc = none(data_dir, bench, pairs, NULL, &t, err);
    there_free(&t);
    return rc;
}

void judge_files_free(struct judge_files *f)
{
    for (int i = 0; i < f->n; i++) {
        free(f->file[i].judge);
        free(f->file[i].path);
    }
    free(f->file);
    *f = (struct judge_files){0};
}
