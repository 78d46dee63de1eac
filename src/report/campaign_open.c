/* campaign_open.c - a campaign file that is open. */
#include "campaign_open.h"

#include "mtbench/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Before the library looks: what a folder or a text is, it says in riddles. */
static int looks_like_hdf5(const char *path, struct err *err)
{
    static const char sign[8] = "\x89HDF\r\n\x1a\n";
    char head[8] = "";
    struct stat st;
    FILE *f = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? NULL : fopen(path, "r");
    if (!f && errno == 0)
        errno = EISDIR;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: is a folder and no campaign file; `mtbench aggregate %s -o campaign.h5` makes one of it", path,
                       path);
    if (!f)
        return err_errno(err, "%s: cannot open", path);
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    return n == sizeof head && !memcmp(head, sign, sizeof head)
               ? 0
               : err_set(err, ERR_FORMAT, "%s: is no HDF5 file; name a file that `mtbench aggregate` wrote", path);
}

static int check_schema(struct h5 *h, const char *path, struct err *err)
{
    char *schema = h5_get_text(h, "/", "schema");
    int64_t version = 0;
    int rc = 0;
    if (!schema || strcmp(schema, CAMPAIGN_SCHEMA))
        rc = err_set(err, ERR_FORMAT, "%s: is an HDF5 file of another program; name a file that `mtbench aggregate` wrote", path);
    else if (!h5_get_int(h, "/", "schema_version", &version) || version < 1)
        rc = err_set(err, ERR_FORMAT, "%s: does not say its schema_version; aggregate the runs anew", path);
    else if (version > CAMPAIGN_VERSION)
        rc = err_set(err, ERR_FORMAT, "%s: is of schema version %lld, this program knows %d; go on with the mtbench that wrote it", path,
                     (long long)version, CAMPAIGN_VERSION);
    free(schema);
    return rc;
}

/* A file that lacks a field has no texts of it; who reads runs need not ask for each. */
static void fill_texts(struct run_row *run, size_t n)
{
    for (int f = 0; f < runs_table.n_fields; f++)
        for (size_t i = 0; i < n && runs_table.field[f].type == H5_TEXT; i++) {
            char **text = (char **)((char *)&run[i] + runs_table.field[f].at);
            *text = *text ? *text : xstrdup("");
        }
}

struct campaign *campaign_open(const char *path, struct err *err)
{
    struct campaign *c = xcalloc(1, sizeof *c);
    void *row = NULL;
    c->path = xstrdup(path);
    if (looks_like_hdf5(path, err) == 0 && (c->h = h5_open(path, err)) && check_schema(c->h, path, err) == 0 &&
        h5_read(c->h, "/", &runs_table, &row, &c->n, err) == 0) {
        c->run = row;
        fill_texts(c->run, c->n);
        return c;
    }
    campaign_close(c, NULL);
    return NULL;
}

int campaign_close(struct campaign *c, struct err *err)
{
    if (!c)
        return 0;
    h5_free(&runs_table, c->run, c->n);
    int rc = h5_close(c->h, err);
    free(c->path);
    free(c);
    return rc;
}

char *campaign_group(const struct run_row *run)
{
    return xasprintf("/run/%.*s", GROUP_KEY, run->key);
}

static char *copy_of(const char *s)
{
    return xstrdup(s ? s : "");
}

void run_row_copy(struct run_row *to, const struct run_row *from)
{
    *to = *from;
    to->bench = copy_of(from->bench);
    to->model = copy_of(from->model);
    to->bench_key = copy_of(from->bench_key);
    to->program = copy_of(from->program);
    to->numerics = copy_of(from->numerics);
    to->weights = copy_of(from->weights);
    to->folder = copy_of(from->folder);
    to->job = copy_of(from->job);
}

/* Rows point at rows of other tables by their numbers; a file may say any number. */
static int check_numbers(const struct campaign *c, const struct run_data *d, const char *group, struct err *err)
{
    const struct judged_row *j = d->judgments.row;
    const struct pair_row *p = d->pairs.row;
    const struct answer_row *a = d->answers.row;
    const int asked = (int)d->asked.n, calls = (int)d->calls.n, files = (int)d->files.n;
    bool fine = true;
    for (size_t i = 0; i < d->judgments.n; i++)
        fine &= j[i].asked >= 0 && j[i].asked < asked && j[i].call >= -1 && j[i].call < calls && j[i].at.file >= 0 && j[i].at.file < files;
    for (size_t i = 0; i < d->pairs.n; i++)
        fine &= p[i].asked_1 >= 0 && p[i].asked_1 < asked && p[i].asked_2 >= 0 && p[i].asked_2 < asked && p[i].at.file >= 0 &&
                p[i].at.file < files;
    for (size_t i = 0; i < d->answers.n; i++)
        fine &= a[i].at.file >= 0 && a[i].at.file < files && a[i].choices >= 0;
    return fine ? 0
                : err_set(err, ERR_FORMAT, "%s: %s: a row points at none; the file is damaged, aggregate the runs anew", c->path, group);
}

int campaign_read(struct campaign *c, const struct run_row *run, struct run_data *d, struct err *err)
{
    char *group = campaign_group(run);
    int rc = 0;
    *d = (struct run_data){0};
    run_row_copy(&d->run, run);
    for (const struct run_part *p = run_parts; p->table && rc == 0; p++) {
        struct rows *r = run_rows(d, p);
        rc = h5_read(c->h, group, p->table, &r->row, &r->n, err);
        r->cap = r->n;
    }
    if (rc == 0)
        rc = check_numbers(c, d, group, err);
    free(group);
    return rc;
}
