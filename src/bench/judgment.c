/* judgment.c - what a judgment is: its states, its winners, its record as FastChat writes it. */
#include "mtbench/judgment.h"

#include "mtbench/json.h"

#include <math.h>
#include <string.h>

const char *judgment_status_name(enum judgment_status s)
{
    static const char *const name[] = {"ok",      "unparsable", "out_of_range", "truncated", "filtered",
                                       "refused", "too_long",   "failed",       "no_answer"};
    return (unsigned)s < JUDGMENT_STATUSES ? name[s] : "unknown";
}

enum judgment_status judgment_worse(enum judgment_status a, enum judgment_status b)
{
    /* enum judgment_status is in order of weight: files and tables rely on it. */
    return a > b ? a : b;
}

enum judgment_status rating_status(double score)
{
    /* Exactly -1 is what FastChat stores when it found no number; null reads as NaN. Both are no rating, never a low one. */
    return score == -1 || isnan(score) ? JUDGMENT_UNPARSABLE : score >= 1 && score <= 10 ? JUDGMENT_OK : JUDGMENT_OUT_OF_RANGE;
}

const char *winner_name(enum winner w)
{
    static const char *const name[] = { "model_1", "model_2", "tie", "error" };
    return (unsigned)w < sizeof name / sizeof *name ? name[w] : "error";
}

static void put_judge(struct buf *b, const char *judge, const char *prompt)
{
    buf_str(b, ", \"judge\": [");
    json_put_string(b, judge, strlen(judge));
    buf_str(b, ", ");
    json_put_string(b, prompt, strlen(prompt));
    buf_char(b, ']');
}

static void put_end(struct buf *b, int turn, double tstamp)
{
    buf_printf(b, ", \"turn\": %d, \"tstamp\": ", turn);
    json_put_double(b, tstamp);
    buf_char(b, '}');
}

void score_put(struct buf *b, double score, bool is_int)
{
    /* Python keeps the 8 of "[[8]]" an int and the 8.0 of "[[8.0]]" a float. Above 2^53 a double is no longer every int. */
    if (is_int && fabs(score) < 9007199254740992.0)
        json_put_int(b, (int64_t)score);
    else
        json_put_double(b, score);
}

void single_judgment_put(struct buf *b, const struct single_judgment *j)
{
    /* Keys in FastChat's order; so are those of pairs. */
    buf_printf(b, "{\"question_id\": %lld", (long long)j->question_id);
    json_put_text_member(b, "model", j->model);
    put_judge(b, j->judge, j->prompt);
    json_put_text_member(b, "user_prompt", j->user_prompt);
    json_put_text_member(b, "judgment", j->judgment);
    buf_str(b, ", \"score\": ");
    score_put(b, j->score, j->score_is_int);
    put_end(b, j->turn, j->tstamp);
}

void pair_judgment_put(struct buf *b, const struct pair_judgment *j)
{
    buf_printf(b, "{\"question_id\": %lld", (long long)j->question_id);
    json_put_text_member(b, "model_1", j->model_1);
    json_put_text_member(b, "model_2", j->model_2);
    json_put_text_member(b, "g1_winner", winner_name(j->g1_winner));
    json_put_text_member(b, "g2_winner", winner_name(j->g2_winner));
    put_judge(b, j->judge, j->prompt);
    json_put_text_member(b, "g1_user_prompt", j->g1_user_prompt);
    json_put_text_member(b, "g1_judgment", j->g1_judgment);
    json_put_text_member(b, "g2_user_prompt", j->g2_user_prompt);
    json_put_text_member(b, "g2_judgment", j->g2_judgment);
    put_end(b, j->turn, j->tstamp);
}
