/* clean.c - FastChat's clean_judgment. */
#include "mtbench/clean.h"

#include "mtbench/json.h"
#include "mtbench/json_scan.h"
#include "mtbench/judgment.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/repr.h"

#include <stdlib.h>
#include <string.h>

/* ---- a line as json.dumps would write it ---- */

static bool put_value(struct buf *b, struct json_scan *s);

static bool put_string(struct buf *b, const struct json_text *t) /* false: half a surrogate pair, which UTF-8 cannot hold */
{
    char *plain = xcalloc(t->len + 1, 1);
    long n = json_text_decode(t, plain);
    if (n >= 0)
        json_put_string(b, plain, (size_t)n);
    free(plain);
    return n >= 0;
}

static bool put_number(struct buf *b, struct json_scan *s)
{
    double v;
    bool is_int;
    const char *start = s->at;
    if (!json_scan_number(s, &v, &is_int))
        return false;
    size_t n = (size_t)(s->at - start);
    if (is_int && n == 2 && !memcmp(start, "-0", 2)) /* Python's int has no -0 */
        buf_char(b, '0');
    else if (is_int)                     /* digit for digit: ints of Python have no end */
        buf_add(b, start, n);
    else
        json_put_double(b, v);
    return true;
}

/* Keys keep their order and unknown ones stay, as a Python dict does. */
static bool put_members(struct buf *b, struct json_scan *s, char bracket)
{
    struct json_text key;
    bool first = true;
    int more = -1;
    if (!json_scan_open(s, bracket))
        return false;
    buf_char(b, bracket);
    for (int i = 0; (more = bracket == '{' ? json_scan_key(s, &first, &key) : json_scan_item(s, &first)) == 1; i++) {
        if (i)                           /* json.dumps: ", " and ": " */
            buf_str(b, ", ");
        if (bracket == '{' && !put_string(b, &key))
            return false;
        if (bracket == '{')
            buf_str(b, ": ");
        if (!put_value(b, s))
            return false;
    }
    buf_char(b, bracket == '{' ? '}' : ']');
    return more == 0;
}

/* The text has been scanned as a whole before, so its depth is bounded. */
static bool put_value(struct buf *b, struct json_scan *s)
{
    struct json_text text;
    char c = json_scan_peek(s);
    if (c == '{' || c == '[')
        return put_members(b, s, c);
    if (c == '"')
        return json_scan_string(s, &text) && put_string(b, &text);
    if (c == 't' || c == 'f' || c == 'n') {
        const char *start = s->at;
        bool good = json_scan_skip(s);
        buf_add(b, start, (size_t)(s->at - start));
        return good;
    }
    return put_number(b, s);
}

/* ---- which lines, in which order ---- */

struct line {
    const char *at;                      /* in the file */
    size_t n;                            /* bytes, without the newline */
    long number;                         /* in the file, from 1 */
    const struct judgment_row *row;      /* the table's, of the same line */
    const char *model;                   /* the judged one, of a pair model_1 */
};

/* The lines that are not blank: the table has a row for each. */
static void find_lines(struct line *line, const struct judgment_table *t, const char *data, size_t n)
{
    struct lines lines;
    struct slice text;
    lines_begin(&lines, data, n);
    for (size_t k = 0; k < t->n && lines_next(&lines, &text); k++)
        line[k] = (struct line){ text.ptr, text.len, lines.number, &t->row[k], t->name[t->row[k].model_1] };
}

/* FastChat's key has no turn in it: the prompt's name, which is another one for later turns, tells them apart. */
static int by_key(const void *a, const void *b)
{
    const struct judgment_row *x = ((const struct line *)a)->row, *y = ((const struct line *)b)->row;
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    /* Numbers of equal names are equal. */
    const int32_t p[] = { x->model_1, x->model_2, x->judge, x->prompt }, q[] = { y->model_1, y->model_2, y->judge, y->prompt };
    for (int i = 0; i < 4; i++)
        if (p[i] != q[i])
            return p[i] < q[i] ? -1 : 1;
    return 0;
}

static int by_key_and_place(const void *a, const void *b) /* qsort() is not stable: the place decides */
{
    const int order = by_key(a, b);
    return order ? order : ((const struct line *)a)->number < ((const struct line *)b)->number ? -1 : 1;
}

/* FastChat sorts by model, question, turn, stably; the place in the file stands for the stability. */
static int by_output(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    const int order = strcmp(x->model, y->model);
    if (order)
        return order;
    if (x->row->question_id != y->row->question_id)
        return x->row->question_id < y->row->question_id ? -1 : 1;
    if (x->row->turn != y->row->turn)
        return x->row->turn - y->row->turn;
    return x->number < y->number ? -1 : 1;
}

/* The first of a key, unlike scoring, which takes the last good one: this command answers as FastChat's. */
static size_t keep_first(struct line *line, size_t n, const uint8_t *wanted)
{
    size_t kept = 0;
    qsort(line, n, sizeof *line, by_key_and_place);
    for (size_t i = 0, last = 0; i < n; i++) {
        const bool again = i && by_key(&line[last], &line[i]) == 0;
        const struct line this = line[i];
        if (again || !wanted[this.row->model_1]) /* FastChat looks at model_1 of pairs only */
            continue;
        line[kept++] = this;
        last = kept - 1;
    }
    qsort(line, kept, sizeof *line, by_output);
    return kept;
}

/* ---- what is said ---- */

static void say(struct buf *b, const struct line *line, size_t kept, size_t n_in, const char *const *model, int n_models)
{
    int n = 0;
    buf_str(b, "in models: [");          /* FastChat's three lines, lists as Python prints them */
    for (size_t i = 0; i < kept; i++) {  /* sorted by model: each name once */
        if (i && !strcmp(line[i - 1].model, line[i].model))
            continue;
        buf_str(b, n++ ? ", " : "");
        repr_put(b, line[i].model);
    }
    buf_printf(b, "], number: %d\nmissing models: [", n);
    n = 0;
    for (int m = 0; m < n_models; m++) {
        bool found = false;
        for (size_t i = 0; i < kept && !found; i++)
            found = !strcmp(line[i].model, model[m]);
        if (found)
            continue;
        buf_str(b, n++ ? ", " : "");
        repr_put(b, model[m]);
    }
    buf_printf(b, "]\n#in: %zu, #out: %zu\n", n_in, kept);
}

/* The table has read each line once, so what is still wrong with one can only be in its texts. */
static int put_lines(const char *name, const struct line *line, size_t n, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct json_scan s;
        json_scan_begin(&s, line[i].at, line[i].n);
        if (!put_value(out, &s))
            return err_set(err, ERR_FORMAT, "%s:%ld: half a surrogate pair in a text; correct the line", name, line[i].number);
        buf_char(out, '\n');
    }
    return 0;
}

int clean_judgments(const char *name, const char *data, size_t n, const char *const *model, int n_models, struct buf *out, struct buf *said,
                    struct err *err)
{
    struct judgment_table t = {0};
    int rc = judgment_table_parse(&t, name, data, n, err);
    if (rc == 0 && t.n == 0)
        rc = err_set(err, ERR_FORMAT, "%s: no judgments in it", name);
    if (rc == 0) {
        struct line *line = xcalloc(t.n, sizeof *line);
        uint8_t *wanted = xcalloc((size_t)t.n_names, 1);
        memset(wanted, n_models == 0, (size_t)t.n_names); /* without a list all; FastChat has 31 names built in */
        for (int i = 0; i < n_models; i++)
            if (judgment_table_name(&t, model[i]) >= 0)
                wanted[judgment_table_name(&t, model[i])] = 1;
        find_lines(line, &t, data, n);
        size_t kept = keep_first(line, t.n, wanted);
        say(said, line, kept, t.n, model, n_models);
        rc = put_lines(name, line, kept, out, err);
        free(line);
        free(wanted);
    }
    judgment_table_free(&t);
    return rc;
}
