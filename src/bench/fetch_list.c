/* fetch_list.c - what `fetch` may bring, and whether what came is it. */
#include "mtbench/fetch_list.h"

#include "mtbench/hash.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct word { const char *at; size_t n; };

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n > k && !strcmp(s + n - k, end);
}

static int read_sha256(struct word w, struct fetch_item *item, struct err *err)
{
    if (w.n == 1 && *w.at == '-')
        return 0;
    item->sha256 = xstrndup(w.at, w.n);
    for (char *c = item->sha256; *c; c++) /* strcmp() with our own hex decides later */
        *c = (char)tolower((unsigned char)*c);
    if (w.n != 64 || strspn(item->sha256, "0123456789abcdef") != 64)
        return err_set(err, ERR_FORMAT, "\"%.80s\" is no SHA-256; write 64 hex digits, or - if it is unknown", item->sha256);
    return 0;
}

static int read_size(struct word w, struct fetch_item *item, struct err *err)
{
    item->size = -1;
    if (w.n == 1 && *w.at == '-')
        return 0;
    int64_t size = 0;
    for (size_t i = 0; i < w.n; i++) {
        /* At most 15 digits: larger than any file, and 10 * size cannot overflow. */
        if (!isdigit((unsigned char)w.at[i]) || w.n > 15)
            return err_set(err, ERR_FORMAT, "\"%.*s\" is no number of bytes; write one, or - if it is unknown", (int)(w.n < 40 ? w.n : 40),
                           w.at);
        size = 10 * size + (w.at[i] - '0');
    }
    item->size = size;
    return 0;
}

/* A path must stay below the folder, and be the same below a web server. */
static bool path_is_fine(const char *path)
{
    for (const char *part = path;; part++) {
        size_t n = strcspn(part, "/");
        /* An empty part is a slash in front, behind or doubled; a dot in front covers "..", "." and hidden files. */
        if (n == 0 || *part == '.')
            return false;
        for (size_t i = 0; i < n; i++)
            if (!isalnum((unsigned char)part[i]) && !strchr("._+-", part[i]))
                return false;
        part += n;
        if (!*part)
            return true;
    }
}

static int read_place(struct word path, struct word url, struct fetch_item *item, struct err *err)
{
    /* Copied before they are judged: fetch_list_free() takes both, whatever comes of the line. */
    item->path = xstrndup(path.at, path.n);
    item->url = xstrndup(url.at, url.n);
    if (!path_is_fine(item->path))
        return err_set(
            err, ERR_FORMAT,
            "\"%.100s\" is no path below the data folder; write parts of letters, digits and ._+-, none of which begins with a dot",
            item->path);
    /* Lists come from strangers and curl knows many schemes: file:// would read this machine. */
    if (strncmp(item->url, "https://", 8) && strncmp(item->url, "http://", 7))
        return err_set(err, ERR_FORMAT, "\"%.100s\" is no URL; it begins with http:// or https://", item->url);
    /* Nobody may take a server's error page for a model: without a hash a file must at least be of a form that can be checked. */
    if (!item->sha256 && !ends_in(item->path, ".jsonl"))
        return err_set(err, ERR_FORMAT, "%.100s: needs its SHA-256; only .jsonl files can be checked without", item->path);
    return 0;
}

static int parse_line(const char *line, size_t n, struct fetch_list *l, struct err *err)
{
    struct word w[5];                    /* the fifth only shows that there are too many */
    int words = 0;
    for (size_t i = 0; i < n && words < 5;) { /* five at most: the fifth is there to be refused */
        size_t start = i;
        while (i < n && !strchr(" \t\r", line[i]))
            i++;
        if (i > start)
            w[words++] = (struct word){ line + start, i - start };
        else
            i++;
    }
    if (words == 0 || *w[0].at == '#')   /* a '#' in an address is no remark */
        return 0;
    if (words != 4 || memchr(line, '\0', n))
        return err_set(err, ERR_FORMAT, "no entry; write SHA-256 (or -), bytes (or -), path, URL");
    l->item = xrealloc(l->item, (size_t)l->n + 1, sizeof *l->item);
    struct fetch_item *item = &l->item[l->n++];
    *item = (struct fetch_item){0};      /* counted before it is read: the caller frees a half-read one */
    if (read_sha256(w[0], item, err) < 0 || read_size(w[1], item, err) < 0 || read_place(w[2], w[3], item, err) < 0)
        return -1;
    /* Linear, and so quadratic in all: a list has some hundred lines. */
    for (int i = 0; i < l->n - 1; i++)
        if (!strcmp(l->item[i].path, item->path))
            return err_set(err, ERR_FORMAT, "%s: stands there twice; remove one line", item->path);
    return 0;
}

int fetch_list_parse(const char *name, const char *text, size_t n, struct fetch_list *out, struct err *err)
{
    *out = (struct fetch_list){0};
    struct lines lines;
    struct slice line;
    lines_begin(&lines, text, n);
    while (lines_next(&lines, &line)) {
        if (parse_line(line.ptr, line.len, out, err) < 0) {
            fetch_list_free(out);
            return err_wrap(err, "%s:%ld", name, lines.number);
        }
    }
    /* Remarks alone are most likely another file. */
    return out->n ? 0 : err_set(err, ERR_FORMAT, "%s: no entries in it; check the path", name);
}

void fetch_list_free(struct fetch_list *l)
{
    for (int i = 0; i < l->n; i++) {
        free(l->item[i].sha256);
        free(l->item[i].path);
        free(l->item[i].url);
    }
    free(l->item);
    *l = (struct fetch_list){0};
}

/* ---- checking ---- */

/* A page of HTML, or a pointer of Git LFS in the place of the file, fails at its first line. */
static int check_lines(const char *data, size_t n, struct err *err)
{
    struct lines lines;
    struct slice line;
    bool some = false;
    lines_begin(&lines, data, n);
    while (lines_next(&lines, &line)) {
        cJSON *j = json_parse(line.ptr, line.len, err);
        if (!j)
            return err_wrap(err, "line %ld", lines.number);
        cJSON_Delete(j);
        some = true;
    }
    return some ? 0 : err_set(err, ERR_FORMAT, "it is empty");
}

int fetch_item_check(const struct fetch_item *item, const char *data, size_t n, struct err *err)
{
    char hex[65];
    /* Size first: "cut" is a better word than "another hash", and costs nothing. */
    if (item->size >= 0 && (uint64_t)item->size != n)
        return err_set(err, ERR_FORMAT, "%zu bytes instead of %lld", n, (long long)item->size);
    if (!item->sha256)
        return check_lines(data, n, err);
    sha256_hex(data, n, hex);
    return strcmp(hex, item->sha256) ? err_set(err, ERR_FORMAT, "its SHA-256 is %s instead of %s", hex, item->sha256) : 0;
}
