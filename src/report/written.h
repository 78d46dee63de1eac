/* written.h - the bytes of FastChat's lines out of a run's rows: what aggregating checks against the file, and extracting writes (room:
 * report, the campaign file's own). */
#ifndef MTB_WRITTEN_H
#define MTB_WRITTEN_H

#include "collect.h"

/* Where the turns of a run are, by question, choice and turn; only those that count. */
struct turn_index {
    const struct turn_row **turn;        /* (n) in order */
    size_t n;
};
void turn_index_build(struct turn_index *x, const struct run_data *d);
void turn_index_free(struct turn_index *x);
/* NULL: it has none that is finished. */
const struct turn_row *turn_index_find(const struct turn_index *x, int64_t question_id, int choice, int turn);

/* What holes in user prompts stand for. */
struct filling {
    const struct turn_index *turns;
    const struct questions *questions;
    const struct model_answers *reference;
};
/* 'text' with {{answer_1}} and its like in the place of the first occurrence of each such text of the question; the caller's. '*holes':
 * there is one, and prompt_fill() gives 'text' again. */
char *prompt_punch(const struct filling *f, int64_t question_id, const char *text, bool *holes);
/* The words that the judge was asked; the caller's. */
char *prompt_fill(const struct filling *f, int64_t question_id, const struct asked_row *asked);

/* The line without its newline, as json.dumps writes it; false: a turn is missing. */
bool answer_written(struct buf *b, const struct answer_row *a, const struct turn_index *turns);
void judged_written(struct buf *b, const struct judged_row *j, const struct asked_row *asked, const char *model, const char *user_prompt);
void pair_written(struct buf *b, const struct pair_row *p, const struct asked_row *asked, const char *prompt_1, const char *prompt_2);

#endif
