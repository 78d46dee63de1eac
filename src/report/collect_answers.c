/* collect_answers.c - the turns of a run's journal, and the lines of its answer file. */
#include "collect_priv.h"

#include "written.h"

#include "mtbench/answer_file.h"
#include "mtbench/journal.h"
#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/manifest.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the turns' journal ---- */

static int add_turn(void *ctx, const struct turn_record *t, bool counts)
{
    static const char *const finish[] = { "", "stop", "length", "context" };
    struct run_data *d = ctx;
    struct turn_row *r = rows_add(&d->turns, &turns_table);
    *r = (struct turn_row){ .question_id = t->question_id,
                            .choice = t->choice,
                            .turn = t->turn,
                            .top_k = t->top_k,
                            .n_prompt = t->n_prompt,
                            .n_new = t->n_new,
                            .n_reused = t->n_reused,
                            .rank = t->rank,
                            .status = (uint8_t)t->status,
                            .counts = counts,
                            .temperature = t->temperature,
                            .top_p = t->top_p,
                            .min_p = t->min_p,
                            .repetition_penalty = t->repetition_penalty,
                            .seconds = t->seconds,
                            .tstamp = t->tstamp,
                            .energy_j = t->energy_j > 0 ? t->energy_j : NAN };
    for (int i = 1; t->finish && i < 4; i++)
        if (!strcmp(t->finish, finish[i]))
            r->finish = (uint8_t)i;
    memcpy(r->question_sha256, t->question_sha256, sizeof r->question_sha256);
    memcpy(r->prompt_sha256, t->prompt_sha256, sizeof r->prompt_sha256);
    r->text = row_copy(t->text);
    r->reason = row_copy(t->reason);
    return 0;
}

/* Does a journal that begins so hold calls to a server? */
bool journal_is_of_calls(const char *head)
{
    static const char begin[] = MANIFEST_HEAD "\"calls\"";
    return !strncmp(head, begin, sizeof begin - 1);
}

int collect_turns(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    const struct own_file *own = &d->own[OWN_JOURNAL], *manifest = &d->own[OWN_MANIFEST];
    int rc = 0;
    if (own->there) {
        /* api-answer keeps calls there and no turns: what came of them is in the answer file. */
        const bool calls = own->bytes.len && journal_is_of_calls(own->bytes.data);
        char *path = bench_folder_path(s, model, own_ending[OWN_JOURNAL]);
        struct journal *j = calls ? NULL : journal_peek(path, NULL, err);
        rc = calls ? 0 : j ? journal_each(j, add_turn, d) : -1;
        journal_close(j);
        free(path);
        collect_own_file(d, s, model, OWN_JOURNAL, calls ? FILE_CALLS : FILE_TURNS);
    }
    if (rc == 0 && manifest->there && utf8_bad(manifest->bytes.data, manifest->bytes.len) < 0)
        collect_own_file(d, s, model, OWN_MANIFEST, FILE_MANIFEST)->text = xstrndup(manifest->bytes.data, manifest->bytes.len);
    return rc;
}

/* ---- the answer file ---- */

/* A turn that the journal does not have, out of the answer file. */
static void add_foreign_turn(struct run_data *d, const struct answer_row *a, int choice, int turn, struct slice value)
{
    struct turn_row *r = rows_add(&d->turns, &turns_table);
    *r = (struct turn_row){ .question_id = a->question_id, .choice = choice, .turn = turn, .top_k = NOT_KNOWN, .n_prompt = NOT_KNOWN,
                            .n_new = NOT_KNOWN, .n_reused = NOT_KNOWN, .rank = NOT_KNOWN, .counts = 1, .temperature = NAN, .top_p = NAN,
                            .min_p = NAN, .repetition_penalty = NAN, .seconds = NAN, .tstamp = a->tstamp, .energy_j = NAN };
    r->text = row_text(value);
    if (!r->text || answer_is_failure(r->text))
        r->status = TURN_FAILED;
    if (!r->text)
        r->text = xstrdup("");
}

/* The value that the scan stands at, as it stands in the text. */
static struct slice value_at(struct json_scan *s)
{
    json_scan_peek(s);
    const char *from = s->at;
    return json_scan_skip(s) ? (struct slice){ from, (size_t)(s->at - from) } : (struct slice){0};
}

static void read_choice(struct run_data *d, const struct answer_row *a, int choice, struct slice value, const struct turn_index *known)
{
    struct json_member turns = { "turns", {0} };
    struct json_scan s;
    bool first = true;
    if (json_scan_members(value.ptr, value.len, &turns, 1, NULL) < 0 || !turns.value.ptr)
        return;
    json_scan_begin(&s, turns.value.ptr, turns.value.len);
    if (!json_scan_open(&s, '['))
        return;
    for (int t = 1; json_scan_item(&s, &first) == 1; t++) {
        struct slice text = value_at(&s);
        if (!turn_index_find(known, a->question_id, choice, t))
            add_foreign_turn(d, a, choice, t, text);
    }
}

static void read_choices(struct run_data *d, struct answer_row *a, struct slice choices, const struct turn_index *known)
{
    struct json_scan s;
    bool first = true;
    json_scan_begin(&s, choices.ptr, choices.len);
    if (!choices.ptr || !json_scan_open(&s, '['))
        return;
    while (json_scan_item(&s, &first) == 1) {
        struct slice value = value_at(&s);
        if (value.ptr)
            read_choice(d, a, a->choices++, value, known);
    }
}

static int read_answer(struct run_data *d, struct slice line, int file, const struct turn_index *known, struct err *err)
{
    struct json_member m[] = { { "question_id", {0} }, { "answer_id", {0} }, { "model_id", {0} }, { "choices", {0} }, { "tstamp", {0} } };
    struct answer_row a = { .at = { file, (int32_t)d->answers.n + 1, NULL } };
    if (json_scan_members(line.ptr, line.len, m, 5, err) < 0)
        return -1;
    if (!json_member_whole(m[0].value, &a.question_id) || !m[3].value.ptr || *m[3].value.ptr != '[')
        return err_set(err, ERR_FORMAT, "no whole number \"question_id\", or no list \"choices\"; is this an answer file?");
    a.answer_id = row_text(m[1].value);
    a.model_id = row_text(m[2].value);
    a.tstamp = row_number(m[4].value, NAN);
    read_choices(d, &a, m[3].value, known);
    *(struct answer_row *)rows_add(&d->answers, &answers_table) = a;
    return 0;
}

/* The regions of the answer file's lines, in their order, for line_keep_raw(). */
static void keep_answers(struct run_data *d, const struct buf *bytes, const struct turn_index *all)
{
    struct lines lines;
    struct slice line;
    struct buf made = {0};
    size_t start = 0;
    lines_begin(&lines, bytes->data, bytes->len);
    for (size_t i = 0; i < d->answers.n && lines_next(&lines, &line); i++) {
        struct answer_row *a = (struct answer_row *)d->answers.row + i;
        const struct buf region = { bytes->data + start, lines.at - start, 0 };
        buf_clear(&made);
        buf_str(&made, "");
        answer_written(&made, a, all);
        line_keep_raw(&a->at, &region, &made);
        start = lines.at;
    }
    /* what stands behind the last record: blanks, or half a line */
    if (start < bytes->len)
        ((struct file_row *)d->files.row)[d->files.n - 1].text = xstrndup(bytes->data + start, bytes->len - start);
    buf_free(&made);
}

static int read_answer_lines(struct run_data *d, const char *path, const struct turn_index *known, struct err *err)
{
    const struct buf *b = &d->own[OWN_ANSWERS].bytes;
    const int file = (int)d->files.n - 1;
    struct lines lines;
    struct slice line;
    lines_begin(&lines, b->data, b->len);
    while (lines_next(&lines, &line))
        if (read_answer(d, line, file, known, err) < 0)          /* a torn last one: FastChat died in it */
            return lines.torn ? 0 : err_wrap(err, "%s:%ld", path, lines.number);
    return 0;
}

int collect_answers(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    struct turn_index known, all = {0};
    if (!d->own[OWN_ANSWERS].there)
        return 0;
    /* What the journal has, in copies: rows move when others come. */
    turn_index_build(&known, d);
    struct turn_row *stay = xcalloc(known.n + 1, sizeof *stay);
    for (size_t i = 0; i < known.n; i++) {
        stay[i] = *known.turn[i];
        known.turn[i] = &stay[i];
    }
    char *path = bench_folder_path(s, model, own_ending[OWN_ANSWERS]);
    collect_own_file(d, s, model, OWN_ANSWERS, FILE_ANSWERS);
    int rc = read_answer_lines(d, path, &known, err);
    if (rc == 0) {
        turn_index_build(&all, d);
        keep_answers(d, &d->own[OWN_ANSWERS].bytes, &all);
    }
    free(path);
    free(stay);
    turn_index_free(&all);
    turn_index_free(&known);
    return rc;
}
