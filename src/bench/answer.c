/* answer.c - answer files as FastChat reads and writes them. */
#include "mtbench/answer.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void short_uuid(const uint8_t bits[16], char id[23])
{
    /* The library's alphabet: without 0 1 I O l, which people confuse. */
    static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    unsigned __int128 v = 0;             /* 57^22 > 2^128: 22 digits hold any of them */
    for (int i = 0; i < 16; i++)
        v = v << 8 | bits[i];            /* big endian, as uuid.int */
    /* From the last digit on, and always all 22: a small number has leading zeros ('2'), as FastChat's ids have. */
    for (int i = 21; i >= 0; i--) {
        id[i] = alphabet[(int)(v % 57)];
        v /= 57;
    }
    id[22] = '\0';
}

void answer_id(const char *model_id, int64_t question_id, uint64_t seed, char id[23])
{
    uint8_t digest[32];
    /* Newlines between them, which no model id may hold: ("a1", 2) and ("a", 12) must not share an id. */
    char *key = xasprintf("%s\n%lld\n%llu", model_id, (long long)question_id, (unsigned long long)seed);
    sha256(key, strlen(key), digest);
    free(key);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x40); /* version 4 */
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80); /* variant of RFC 4122 */
    short_uuid(digest, id);
}

/* ---- merging ---- */

struct line {
    int64_t id;
    size_t order;                        /* later lines win */
    struct slice text;
};

struct merge {
    struct buf old;                      /* the file that is there */
    struct line *line;                   /* of it, then ours */
    size_t n;
};

static int by_id(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    /* qsort() is not stable, so the order of lines with one id is part of the comparison. */
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->order > y->order) - (x->order < y->order);
}

static void add_line(struct merge *m, int64_t id, struct slice text)
{
    if ((m->n & (m->n - 1)) == 0)        /* doubles at powers of two */
        m->line = xrealloc(m->line, m->n ? 2 * m->n : 1, sizeof *m->line);
    m->line[m->n] = (struct line){ id, m->n, text };
    m->n++;
}

static int split_lines(const char *path, struct merge *m, struct err *err)
{
    struct json_member id = { "question_id", {0} };
    struct lines from;
    struct slice text;
    int64_t number;
    lines_begin(&from, m->old.data, m->old.len);
    while (lines_next(&from, &text)) {
        /* The whole line is checked, not only its id: a broken one would travel into the file that replaces this one. */
        if (json_scan_members(text.ptr, text.len, &id, 1, err) < 0)
            return err_wrap(err, "%s:%ld", path, from.number);
        /* Refused and not passed over: a line that is left out here is gone from the file for good. */
        if (!json_member_whole(id.value, &number))
            return err_set(err, ERR_FORMAT, "%s:%ld: no whole number \"question_id\"; is this an answer file?", path, from.number);
        add_line(m, number, text);
    }
    return 0;
}

/* The lines of the file that is there, none if there is none. Only a file can be merged into: a device or a pipe would be replaced. */
static int read_old(const char *path, struct merge *m, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s: cannot open", path);
    /* Only "not there" is an empty file; one in a folder that we may not search holds answers that would be lost. */
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, "%s: is not a file; name another by --answer-file", path);
    if (io_read(path, &m->old, err) < 0) /* the slices of m->line point in here */
        return -1;
    return split_lines(path, m, err);
}

static void merge_free(struct merge *m)
{
    buf_free(&m->old);
    free(m->line);
}

/* Asked before hours of work, by the same reading that the merge does: what passes here is merged later, if the file stays as it is. */
int answers_check(const char *path, struct err *err)
{
    struct merge m = {0};
    int rc = read_old(path, &m, err);
    merge_free(&m);
    return rc;
}

static int write_merged(const char *path, struct merge *m, struct err *err)
{
    struct slice *piece = xcalloc(2 * m->n, sizeof *piece);
    size_t n = 0;
    if (m->n)                            /* qsort(NULL, 0, ...) is undefined */
        qsort(m->line, m->n, sizeof *m->line, by_id);
    for (size_t i = 0; i < m->n; i++) {
        /* The last line of an id stands, as after FastChat's reorg_answer_file(). */
        if (i + 1 < m->n && m->line[i + 1].id == m->line[i].id)
            continue;
        /* Bytes as they stood: keys and number forms of other programs survive, which a parsed and rewritten record would lose. */
        piece[n++] = m->line[i].text;
        piece[n++] = (struct slice){ "\n", 1 };
    }
    int rc = io_make_parents(path, err) < 0 ? -1 : io_replace_pieces(path, piece, n, err);
    free(piece);
    return rc;
}

int answers_merge(const char *path, const struct answer_line *line, size_t n, struct err *err)
{
    struct merge m = {0};
    int rc = read_old(path, &m, err);
    for (size_t i = 0; i < n; i++)
        add_line(&m, line[i].question_id, line[i].line);
    if (rc == 0)                         /* an old file that cannot be read is never replaced */
        rc = write_merged(path, &m, err);
    merge_free(&m);
    return rc;
}

/* ---- digest ---- */

struct digest {
    struct sha256 *h;
};

struct digest *digest_begin(void)
{
    struct digest *d = xcalloc(1, sizeof *d);
    d->h = sha256_begin();
    return d;
}

void digest_turn(struct digest *d, int64_t question_id, int choice, int turn, const char *text, size_t n)
{
    char head[96];
    /* The length stands before the text, so that no text can look like the end of one turn and the head of the next. */
    int k = snprintf(head, sizeof head, "%lld%c%d%c%d%c%zu", (long long)question_id, 0, choice, 0, turn, 0, n);
    sha256_add(d->h, head, (size_t)k + 1); /* + 1: the NUL behind the length, too */
    sha256_add(d->h, text, n);
}

void digest_end(struct digest *d, char hex[65])
{
    uint8_t digest[32];
    sha256_end(d->h, digest);
    hex_of(digest, sizeof digest, hex);
    free(d);
}
