/* judged_file.c - which lines of a file of judgments are of which model. */
#include "judged_file.h"

#include "campaign_rows.h"

#include "mtbench/hash.h"
#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool ends(const char *name, size_t n, const char *end)
{
    const size_t k = strlen(end);
    return n > k && !memcmp(name + n - k, end, k);
}

bool judged_name(struct judged_file *f, const char *name)
{
    size_t n = strlen(name) - strlen(".jsonl");
    const char *repeat = strstr(name, ".repeat");
    *f = (struct judged_file){ .repeat = repeat ? atoi(repeat + strlen(".repeat")) : 1, .fd = -1 };
    n = repeat ? (size_t)(repeat - name) : n;
    f->kind = ends(name, n, "_pair") ? FILE_PAIRS : FILE_JUDGMENTS;
    return (ends(name, n, "_pair") || ends(name, n, "_single")) && f->repeat >= 1 && f->repeat <= 255;
}

/* The model that a record is about; NULL: it is no record, and err says so. The name is the caller's. */
static char *model_of(struct slice line, struct err *err)
{
    struct json_member m[] = { { "model", {0} }, { "model_1", {0} } };
    struct json_text text;
    if (json_scan_members(line.ptr, line.len, m, 2, err) < 0)
        return NULL;
    if (!json_member_string(m[1].value.ptr ? m[1].value : m[0].value, &text)) {
        err_set(err, ERR_FORMAT, "no text \"model\"; is this a judgment file?");
        return NULL;
    }
    char *name = xcalloc(text.len + 1, 1);
    if (json_text_decode(&text, name) >= 0)
        return name;
    free(name);
    err_set(err, ERR_FORMAT, "\"model\" holds half a surrogate pair; correct the name");
    return NULL;
}

/* While a file is read. */
struct indexing {
    struct judged_file *f;
    struct map parts;                    /* of a model: its part */
    int (*number)(void *ctx, const char *model);
    void *ctx;
    struct sha256 *hash;                 /* of the bytes before the line that is looked at */
    bool apart;                          /* the file is more than the lines of its first model: those have a hash of their own */
    long line;
    int64_t end;                         /* of what was read, with it */
};

/* Until here all bytes were lines of one model, if any: none was hashed twice for that. */
static void set_apart(struct indexing *x)
{
    if (!x->apart && x->f->n_parts)
        x->f->part[0].hash = sha256_copy(x->hash);
    x->apart = true;
}

static struct judged_part *part_of(struct indexing *x, int model)
{
    struct judged_file *f = x->f;
    const size_t n = (size_t)f->n_parts, at = map_add_int(&x->parts, model, n);
    if (at == n) {
        if ((n & (n - 1)) == 0)
            f->part = xrealloc(f->part, n ? 2 * n : 1, sizeof *f->part);
        if (n)
            set_apart(x);
        f->part[f->n_parts++] = (struct judged_part){ .model = model, .first = f->n, .last = -1, .hash = x->apart ? sha256_begin() : NULL };
    }
    return &f->part[at];
}

static void add_line(struct indexing *x, int model, const char *bytes, size_t n)
{
    struct judged_file *f = x->f;
    struct judged_part *p = part_of(x, model);
    if ((f->n & (f->n - 1)) == 0)
        f->line = xrealloc(f->line, f->n ? 2 * (size_t)f->n : 1, sizeof *f->line);
    f->line[f->n] = (struct judged_line){ f->tail, x->end, f->n + 1, -1 };
    if (p->last >= 0)
        f->line[p->last].next = f->n;
    p->last = f->n++;
    f->tail = x->end;
    if (p->hash)
        sha256_add(p->hash, bytes, n);
}

/* The line up to x->end. 1: a record was added or bytes were passed over; 0: the file's last line is torn. */
static int index_line(struct indexing *x, const char *bytes, size_t n, struct err *err)
{
    struct lines lines;
    struct slice line;
    lines_begin(&lines, bytes, n);
    const bool blank = !lines_next(&lines, &line);
    char *model = blank ? NULL : model_of(line, err);
    if (!model)
        set_apart(x);
    if (blank)
        return 1;                        /* it goes before the next record */
    if (!model)
        return bytes[n - 1] != '\n' ? 0 : err_wrap(err, "%s:%ld", x->f->path, x->line);
    add_line(x, x->number(x->ctx, model), bytes, n);
    free(model);
    return 1;
}

/* 1, or 0: the last line is torn. */
static int index_lines(struct indexing *x, FILE *in, struct err *err)
{
    struct judged_file *f = x->f;
    char *bytes = NULL;
    size_t cap = 0;
    uint8_t digest[32];
    int rc = 1;
    x->hash = sha256_begin();
    for (ssize_t n; rc > 0 && (n = getline(&bytes, &cap, in)) > 0;) {
        x->line++;
        if (n > LINES_LONGEST) {
            rc = err_set(err, ERR_FORMAT, "%s:%ld: a line of %zd bytes; is this a judgment file?", f->path, x->line, n);
            break;
        }
        x->end += n;
        rc = index_line(x, bytes, (size_t)n, err);
        sha256_add(x->hash, bytes, (size_t)n);
    }
    if (rc >= 0 && ferror(in))
        rc = err_errno(err, "%s: cannot read", f->path);
    sha256_end(x->hash, digest);
    hex_of(digest, 32, f->sha256);
    f->bytes = x->end;
    free(bytes);
    return rc;
}

static int by_model(const void *a, const void *b)
{
    return ((const struct judged_part *)a)->model - ((const struct judged_part *)b)->model;
}

static void sort_parts(struct judged_file *f)
{
    if (f->n_parts)
        qsort(f->part, (size_t)f->n_parts, sizeof *f->part, by_model);
}

static void end_parts(struct judged_file *f)
{
    uint8_t digest[32];
    for (int i = 0; i < f->n_parts; i++) {
        struct judged_part *p = &f->part[i];
        if (p->hash) {
            sha256_end(p->hash, digest);
            hex_of(digest, 32, p->sha256);
        } else {
            memcpy(p->sha256, f->sha256, sizeof p->sha256);
        }
        p->hash = NULL;
    }
    sort_parts(f);
}

int judged_index(struct judged_file *f, int (*number)(void *ctx, const char *model), void *ctx, struct err *err)
{
    struct indexing x = { .f = f, .number = number, .ctx = ctx };
    FILE *in = fopen(f->path, "r");
    if (!in)
        return err_errno(err, "%s: cannot open", f->path);
    int rc = index_lines(&x, in, err);
    if (rc == 0)
        log_note("%s:%ld: the last line is torn; it is kept, and counts for nothing", f->path, x.line);
    end_parts(f);
    /* the same file, though another one may have its name by now */
    if (rc >= 0 && (f->fd = fcntl(fileno(in), F_DUPFD_CLOEXEC, 0)) < 0)
        rc = err_errno(err, "%s: cannot open", f->path);
    fclose(in);
    map_free(&x.parts);
    return rc < 0 ? -1 : 0;
}

void judged_renumber(struct judged_file *f, const int *place)
{
    for (int i = 0; i < f->n_parts; i++)
        f->part[i].model = place[f->part[i].model];
    sort_parts(f);
}

const struct judged_part *judged_part(const struct judged_file *f, int model)
{
    const struct judged_part key = { .model = model };
    return f->n_parts ? bsearch(&key, f->part, (size_t)f->n_parts, sizeof *f->part, by_model) : NULL;
}

int judged_read(const struct judged_file *f, int64_t start, int64_t end, struct buf *out, struct err *err)
{
    size_t n = (size_t)(end - start);
    buf_clear(out);
    buf_reserve(out, n);
    while (out->len < n) {
        ssize_t k = pread(f->fd, out->data + out->len, n - out->len, (off_t)(start + (int64_t)out->len));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? err_errno(err, "%s: cannot read", f->path)
                         : err_set(err, ERR_IO, "%s: grew shorter while it was read; aggregate again", f->path);
        out->len += (size_t)k;
    }
    out->data[n] = '\0';
    return 0;
}

void judged_free(struct judged_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f->name);
    free(f->line);
    free(f->part);
    *f = (struct judged_file){ .fd = -1 };
}
