/* takeover.c - verdicts that lie in a judgment file without a journal's word of them: FastChat's, or those of an older run. */
#include "grader_priv.h"

#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/thoughts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct takeover {
    struct grader *g;
    const struct judgment_table *table;  /* the file's rows */
    int repeat;                          /* from 1 */
    bool *seen;                          /* (n_units) */
    const char *sent;                    /* what the records say was sent: whose file they are from */
    struct grader_taken *count;          /* what came of it */
};

static const char *string_of(const cJSON *j, const char *name)
{
    const cJSON *v = json_get(j, name);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

/* Did the journal ever hear of the game? Then the line is its own, or what it asked has changed since. */
static bool is_known(const struct grader *g, int i)
{
    return call_journal_last(g->o.journal, g->game[i].key) != NULL;
}

/* The reply to a game, if the line holds one to what it asks. */
static bool take_game(struct takeover *t, const cJSON *line, int i, int game)
{
    static const char *const prompt_name[] = {"user_prompt", "g1_user_prompt", "g2_user_prompt"}, *const text_name[] = {"judgment",
                                                                                                                        "g1_judgment",
                                                                                                                        "g2_judgment"};
    struct grader *g = t->g;
    int name = g->n_games == 1 ? 0 : game;
    const char *asked = string_of(line, prompt_name[name]), *text = string_of(line, text_name[name]);
    /* Every condition guards a verdict from standing for something else: it must still be open, ours to take, and hold
     * a text of a judge. */
    if (g->game[i].state != GAME_READY || is_known(g, i) || !asked || !text || !strcmp(text, "$ERROR$"))
        return false;
    /* Word for word: the same question with another answer, reference or judge prompt is another judgment. */
    char *prompt = grader_prompt(g, i / g->n_games, game);
    bool same = !strcmp(prompt, asked);
    free(prompt);
    if (!same)
        return false;
    size_t answer;
    bool thought = thoughts_split(NULL, text, strlen(text), &answer) != THOUGHTS_NONE;
    const cJSON *tstamp = json_get(line, "tstamp");
    struct call_record r = {
        .key = g->game[i].key,
        .content = g->game[i].content,
        .status = CALL_OK,
        .text = text + answer,
        .raw = thought ? text : NULL,
        .sent = t->sent,
        .tstamp = cJSON_IsNumber(tstamp) ? tstamp->valuedouble : 0, /* when it was made, not when it was taken */
        .expected_score = NAN,
    };
    grader_adopt(g, i, &r);
    return true;
}

/* Does our reading of what was taken agree with what the line says? */
static bool agrees(const struct grader *g, int unit, const struct judgment_row *row)
{
    return g->n_games == 1 ? record_score(g, unit) == row->score
                           : record_winner(g, unit, 1) == row->g1 && record_winner(g, unit, 2) == row->g2;
}

static void take_line(struct takeover *t, const struct judgment_row *row, struct slice text)
{
    struct grader *g = t->g;
    int unit = record_unit(g, t->repeat, t->table, row), taken = 0, strange = 0;
    cJSON *line = unit < 0 ? NULL : json_parse(text.ptr, text.len, NULL); /* only lines that are about us are parsed whole */
    for (int k = 0; line && k < g->n_games; k++) {
        int i = unit * g->n_games + k;
        strange += !is_known(g, i) || t->seen[unit];
        taken += take_game(t, line, i, k + 1);
    }
    const bool unread = unit >= 0 && !line;  /* a number that JSON has no word for: whatever else it says is somebody's verdict */
    cJSON_Delete(line);
    if (taken)
        t->seen[unit] = true;            /* a second line of the same is another verdict */
    t->count->taken += taken == g->n_games; /* of a pair both games, or it is not a judgment */
    /* FastChat reads numbers out of thoughts, older runs by older rules: the text is what was paid for, so it counts,
     * and people are told. */
    t->count->reread += taken == g->n_games && row->status == JUDGMENT_OK && !agrees(g, unit, row);
    /* Paid for and about to be replaced: the caller keeps a copy of the file. */
    t->count->left += (strange || unread) && taken < g->n_games && row->status != JUDGMENT_FAILED && row->status != JUDGMENT_NO_ANSWER;
}

static void take_lines(struct grader *g, int repeat, const char *path, const struct judgment_table *table, const struct buf *old,
                       struct grader_taken *count)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct buf sent = {0};
    struct lines lines;
    struct slice line;
    buf_str(&sent, "{\"taken_over\": ");
    json_put_string(&sent, name, strlen(name));
    buf_str(&sent, "}");
    struct takeover t = { g, table, repeat, xcalloc((size_t)g->n_units, sizeof(bool)), sent.data, count };
    lines_begin(&lines, old->data, old->len);
    for (size_t row = 0; row < table->n && lines_next(&lines, &line); row++)     /* a row for each line that is not blank */
        take_line(&t, &table->row[row], line);
    free(t.seen);
    buf_free(&sent);
}

int grader_take_over(struct grader *g, int repeat, const char *path, struct grader_taken *count, struct err *err)
{
    struct buf old = {0};
    struct judgment_table table = {0};
    *count = (struct grader_taken){0};
    int rc = io_exists(path, err);
    if (rc <= 0)                         /* one that cannot be looked at is told of now, not when the verdicts are paid for */
        return rc;
    rc = io_read(path, &old, err) < 0 || judgment_table_parse(&table, path, old.data, old.len, err) < 0 ? -1 : 0;
    if (rc == 0)                         /* whatever is wrong with the file is told before anything is asked, not when it is written */
        rc = record_same_kind(g, path, &table, err);
    if (rc == 0 && table.n && g->n_units && !g->o.constrained) {
        take_lines(g, repeat, path, &table, &old, count);
        rc = grader_flush(g, err);       /* on disk before anything is asked */
    }
    judgment_table_free(&table);
    buf_free(&old);
    return rc;
}
