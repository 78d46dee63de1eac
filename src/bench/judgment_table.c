/* judgment_table.c - judgment files as a table of what scoring needs. One pass over the bytes; texts are passed over, not copied. */
#include "mtbench/judgment.h"

#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static int32_t intern(struct judgment_table *t, const char *s, size_t n)
{
    size_t at = map_add(&t->names, s, n, (size_t)t->n_names);
    if (at == (size_t)t->n_names) {      /* new: the map has just given it the next number */
        t->name = xrealloc(t->name, (size_t)t->n_names + 1, sizeof *t->name); /* few names, so one at a time: models, judges, prompts */
        t->name[t->n_names++] = xstrndup(s, n);
    }
    return (int32_t)at;
}

int32_t judgment_table_intern(struct judgment_table *t, const char *name)
{
    return intern(t, name, strlen(name));
}

int judgment_table_name(const struct judgment_table *t, const char *name)
{
    size_t at = map_find_text(&t->names, name);
    return at == MAP_NONE ? -1 : (int)at;
}

/* ---- one line ---- */

enum field {
    F_QUESTION_ID, F_MODEL, F_MODEL_1, F_MODEL_2, F_JUDGE, F_USER_PROMPT, F_JUDGMENT, F_SCORE, F_TURN, F_WINNER, F_G1_WINNER, F_G2_WINNER,
    F_G1_PROMPT, F_G1_JUDGMENT, F_G2_PROMPT, F_G2_JUDGMENT, N_FIELDS
};
static const char *const field_name[N_FIELDS] = {
    "question_id", "model",  "model_1",   "model_2",   "judge",          "user_prompt", "judgment",       "score",
    "turn",        "winner", "g1_winner", "g2_winner", "g1_user_prompt", "g1_judgment", "g2_user_prompt", "g2_judgment"};

struct record {
    struct json_member member[N_FIELDS];
};

static int scan_record(const char *line, size_t n, struct record *r, struct err *err)
{
    for (int f = 0; f < N_FIELDS; f++)
        r->member[f].name = field_name[f];
    return json_scan_members(line, n, r->member, N_FIELDS, err);
}

/* A second look at a value that has been scanned already; false if there is none. */
static bool begin_at(const struct record *r, enum field f, struct json_scan *s)
{
    if (!r->member[f].value.ptr)
        return false;
    json_scan_begin(s, r->member[f].value.ptr, r->member[f].value.len);
    return true;
}

static bool text_at(const struct record *r, enum field f, struct json_text *out)
{
    struct json_scan s;
    return begin_at(r, f, &s) && json_scan_string(&s, out);
}

static int number_at(const struct record *r, enum field f, double *v, bool *is_int, struct err *err)
{
    struct json_scan s;
    if (!begin_at(r, f, &s) || !json_scan_number(&s, v, is_int))
        return err_set(err, ERR_FORMAT, "no number \"%s\"; is this a judgment file?", field_name[f]);
    return 0;
}

static int whole_at(const struct record *r, enum field f, double low, double high, int64_t *v, struct err *err)
{
    double x = 0;
    bool is_int;
    if (number_at(r, f, &x, &is_int, err) < 0)
        return -1;
    if (!(x >= low && x <= high) || x != (double)(int64_t)x)
        return err_set(err, ERR_FORMAT, "\"%s\" is no whole number of %.0f .. %.0f", field_name[f], low, high);
    *v = (int64_t)x;
    return 0;
}

static int intern_text(struct judgment_table *t, const struct json_text *text, const char *what, int32_t *out, struct err *err)
{
    /* Nearly all names: no copy to resolve escapes in. */
    if (!text->escaped) {
        *out = intern(t, text->ptr, text->len);
        return 0;
    }
    char *plain = xcalloc(text->len, 1);
    long n = json_text_decode(text, plain);
    bool good = n >= 0 && !nul_spelled(plain, (size_t)n);    /* an answer may hold NUL, the name of a model or judge may not */
    if (good)
        *out = intern(t, plain, (size_t)n);
    free(plain);
    return good ? 0 : err_set(err, ERR_FORMAT, "\"%s\" holds \\u0000 or half a surrogate pair; correct the name", what);
}

static int name_at(struct judgment_table *t, const struct record *r, enum field f, int32_t *out, struct err *err)
{
    struct json_text text;
    if (!text_at(r, f, &text))
        return err_set(err, ERR_FORMAT, "no text \"%s\"; is this a judgment file?", field_name[f]);
    return intern_text(t, &text, field_name[f], out, err);
}

/* ["gpt-4", "single-v1"]; a plain name is taken too. */
static int judge_at(struct judgment_table *t, const struct record *r, struct judgment_row *row, struct err *err)
{
    struct json_scan s;
    struct json_text text;
    bool first = true;
    int32_t *out[2] = { &row->judge, &row->prompt };
    row->judge = row->prompt = -1;
    if (!begin_at(r, F_JUDGE, &s))
        return 0;
    if (text_at(r, F_JUDGE, &text))
        return intern_text(t, &text, "judge", &row->judge, err);
    bool list = json_scan_open(&s, '[');
    for (int i = 0; list && i < 2 && json_scan_item(&s, &first) == 1; i++)
        if (!json_scan_string(&s, &text) || intern_text(t, &text, "judge", out[i], err) < 0)
            list = false;
    return list && row->judge >= 0 ? 0 : err_set(err, ERR_FORMAT, "\"judge\" is no list of judge and prompt name");
}

static int turn_at(const struct judgment_table *t, const struct record *r, struct judgment_row *row, struct err *err)
{
    /* FastChat's older files have no turn; the prompt's name tells it. */
    int64_t turn = 1;
    if (r->member[F_TURN].value.ptr) {
        if (whole_at(r, F_TURN, 1, 255, &turn, err) < 0)
            return -1;
    } else if (row->prompt >= 0 && strstr(t->name[row->prompt], "multi-turn"))
        turn = 2;
    row->turn = (uint8_t)turn;
    return 0;
}

static int winner_at(const struct record *r, enum field f, uint8_t *out, struct err *err)
{
    struct json_text text;
    if (text_at(r, f, &text)) {
        for (enum winner w = WINNER_MODEL_1; w <= WINNER_ERROR; w++) {
            if (json_text_is(&text, winner_name(w))) {
                *out = (uint8_t)w;
                return 0;
            }
        }
    }
    return err_set(err, ERR_FORMAT, "\"%s\" is none of model_1, model_2, tie, error", field_name[f]);
}

static int winners_at(const struct record *r, struct judgment_row *row, struct err *err)
{
    struct json_text text;
    /* the form with two games; also when neither is there, for the error that names g1_winner */
    if (r->member[F_G1_WINNER].value.ptr || !r->member[F_WINNER].value.ptr)
        return winner_at(r, F_G1_WINNER, &row->g1, err) < 0 ? -1 : winner_at(r, F_G2_WINNER, &row->g2, err);
    if (text_at(r, F_WINNER, &text) && (json_text_is(&text, "inconsistent") || json_text_is(&text, "tie (inconsistent)"))) {
        /* two games that contradict each other count as a tie, as FastChat counts them */
        row->g1 = WINNER_MODEL_1;
        row->g2 = WINNER_MODEL_2;
        return 0;
    }
    row->g1 = 0;
    if (winner_at(r, F_WINNER, &row->g1, err) < 0)
        return -1;
    row->g2 = row->g1;
    return 0;
}

/* What the prompt shows as the answer that is judged, seen in the raw bytes: newlines are escapes there. */
enum shown { SHOWN_TEXT, SHOWN_EMPTY, SHOWN_FAILURE };

static bool ends_with(const char *at, size_t n, const char *end)
{
    size_t k = strlen(end);
    return n >= k && !memcmp(at + n - k, end, k);
}

static enum shown shown_answer(const struct record *r, enum field f)
{
    static const char *const after[] = { "\\n[The End of Assistant's Answer]", "\\n[The End of Assistant A's Answer]",
        "\\n[The End of Assistant B's Answer]",
        "\\n\\n<|The End of Assistant A's Conversation with User|>", "\\n\\n<|The End of Assistant B's Conversation with User|>" };
    static const char *const before[] = { " Answer]\\n", "### Assistant A:\\n", "### Assistant B:\\n" };
    static const char *const failure[] = { "ERROR", "$ERROR$" };
    const char *at = r->member[f].value.ptr;
    /* without a prompt nobody can say what was judged */
    if (!at || *at != '"')
        return SHOWN_TEXT;
    size_t n = r->member[f].value.len - 1, i = 0; /* without the closing quote */
    while (i < sizeof after / sizeof *after && !ends_with(at, n, after[i]))
        i++;
    if (i == sizeof after / sizeof *after)
        return SHOWN_TEXT;
    n -= strlen(after[i]);
    /* What stands between the opening and the closing words is the answer: nothing, or the trace of a failure. */
    for (size_t j = 0; j < sizeof before / sizeof *before; j++) {
        if (ends_with(at, n, before[j]))
            return SHOWN_EMPTY;
        for (size_t k = 0; k < sizeof failure / sizeof *failure; k++)
            if (ends_with(at, n, failure[k]) && ends_with(at, n - strlen(failure[k]), before[j]))
                return SHOWN_FAILURE;
    }
    return SHOWN_TEXT;
}

static enum judgment_status game_status(const struct record *r, enum field prompt, enum field judgment, enum judgment_status by_verdict)
{
    struct json_text text;
    /* before the verdict: a judge rates "ERROR" as well, and that rating must not count */
    if (shown_answer(r, prompt) == SHOWN_FAILURE)
        return JUDGMENT_NO_ANSWER;
    if (by_verdict == JUDGMENT_UNPARSABLE && r->member[judgment].value.len < 64 && text_at(r, judgment, &text) &&
        json_text_is(&text, "$ERROR$"))
        return JUDGMENT_FAILED;
    return by_verdict;
}

/* null is NaN, as pandas reads it: in no mean. */
static int score_at(const struct record *r, struct judgment_row *row, struct err *err)
{
    struct json_scan s;
    if (!begin_at(r, F_SCORE, &s) || json_scan_peek(&s) != 'n')
        return number_at(r, F_SCORE, &row->score, &row->score_is_int, err);
    row->score = NAN;
    return 0;
}

static int single_row(struct judgment_table *t, const struct record *r, struct judgment_row *row, struct err *err)
{
    row->model_2 = -1;
    if (name_at(t, r, F_MODEL, &row->model_1, err) < 0 || score_at(r, row, err) < 0)
        return -1;
    row->status = (uint8_t)game_status(r, F_USER_PROMPT, F_JUDGMENT, rating_status(row->score));
    row->empty = shown_answer(r, F_USER_PROMPT) == SHOWN_EMPTY;
    return 0;
}

static int pair_row(struct judgment_table *t, const struct record *r, struct judgment_row *row, struct err *err)
{
    row->score = -1;
    if (name_at(t, r, F_MODEL_1, &row->model_1, err) < 0 || name_at(t, r, F_MODEL_2, &row->model_2, err) < 0 || winners_at(r, row, err) < 0)
        return -1;
    row->status = (uint8_t)judgment_worse(
        game_status(r, F_G1_PROMPT, F_G1_JUDGMENT, row->g1 == WINNER_ERROR ? JUDGMENT_UNPARSABLE : JUDGMENT_OK),
        game_status(r, F_G2_PROMPT, F_G2_JUDGMENT, row->g2 == WINNER_ERROR ? JUDGMENT_UNPARSABLE : JUDGMENT_OK));
    row->empty = shown_answer(r, F_G1_PROMPT) == SHOWN_EMPTY || shown_answer(r, F_G2_PROMPT) == SHOWN_EMPTY;
    return 0;
}

void judgment_table_add(struct judgment_table *t, const struct judgment_row *row)
{
    /* half as much again: a campaign's table has millions of rows, and doubling would waste more */
    if (t->n == t->cap)
        t->row = xrealloc(t->row, t->cap = t->cap ? t->cap + t->cap / 2 : 256, sizeof *t->row);
    t->row[t->n++] = *row;
}

int judgment_table_line(struct judgment_table *t, const char *line, size_t n, struct err *err)
{
    struct record r;
    struct judgment_row row = {0};
    if (scan_record(line, n, &r, err) < 0)
        return -1;
    bool pair = r.member[F_MODEL_1].value.ptr != NULL;
    /* Their means would be of different things. */
    if (t->n && t->pairs != pair)
        return err_set(err, ERR_FORMAT, "a %s judgment among %s ones; judgments of one kind belong in a file",
                       pair ? "pair" : "single", pair ? "single" : "pair");
    if (whole_at(&r, F_QUESTION_ID, -9007199254740991.0, 9007199254740991.0, &row.question_id, err) < 0 || judge_at(t, &r, &row, err) < 0 ||
        turn_at(t, &r, &row, err) < 0 || (pair ? pair_row(t, &r, &row, err) : single_row(t, &r, &row, err)) < 0)
        return -1;
    t->pairs = pair;
    judgment_table_add(t, &row);
    return 0;
}

/* ---- files ---- */

int judgment_table_parse(struct judgment_table *t, const char *name, const char *data, size_t n, struct err *err)
{
    struct lines lines;
    struct slice line;
    lines_begin(&lines, data, n);
    while (lines_next(&lines, &line))
        if (judgment_table_line(t, line.ptr, line.len, err) < 0)
            return err_wrap(err, "%s:%ld", name, lines.number);
    return 0;
}

int judgment_table_read(struct judgment_table *t, const char *path, struct err *err)
{
    struct lines_file *f = lines_open(path, err);
    struct slice line;
    int rc = f ? 1 : -1;
    while (rc == 1 && (rc = lines_read(f, &line, err)) == 1)
        if (judgment_table_line(t, line.ptr, line.len, err) < 0)
            rc = err_wrap(err, "%s:%ld", path, lines_number(f));
    lines_close(f);
    return rc;
}

void judgment_table_free(struct judgment_table *t)
{
    for (int i = 0; i < t->n_names; i++)
        free(t->name[i]);
    free(t->name);
    free(t->row);
    map_free(&t->names);
    *t = (struct judgment_table){0};
}
