/* fastchat_table.h - what FastChat's show_result.py prints, to the character (room: report).
 * Its rules, not ours: every row counts but those with score -1 or a winner "error", whichever judge, prompt or date; rows that are there
 * twice count twice; names that are not there are passed over. What differs: equal scores stand in name order (pandas leaves it open),
 * tables are printed whole (pandas hides rows behind the 60th and columns behind the terminal's width), and names that look like numbers
 * stay names. */
#ifndef MTB_FASTCHAT_TABLE_H
#define MTB_FASTCHAT_TABLE_H

#include "mtbench/judgment.h"

#include <stdbool.h>

/* First turn, and with 'both' second turn and average. */
int fastchat_put_single(struct buf *b, const char *name, const struct judgment_table *t, const char *const *model, int n_models, bool both,
                        struct err *err);
/* 'baseline' NULL: all games. */
int fastchat_put_pairs(struct buf *b, const char *name, const struct judgment_table *t, const char *const *model, int n_models,
                       const char *baseline, struct err *err);

#endif
