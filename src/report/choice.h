/* choice.h - which judge and which models of a judgment table are meant (room: report). */
#ifndef MTB_CHOICE_H
#define MTB_CHOICE_H

#include "mtbench/judgment.h"

/* The judge whose rows count, -1: those that name none. A file with one judge is of that judge, whatever was asked for; with several,
 * 'judge' must be one of them. */
int choice_judge(const char *file, const struct judgment_table *t, const char *judge, int32_t *out, struct err *err);
/* Rows of other judges than this one. 'who' gets their names, "a, b"; free() it. */
long choice_others(const struct judgment_table *t, int32_t judge, char **who);
/* 'which' marks the names that are models; keep those wanted (n_wanted 0: all). One that is not there is an error that lists those that
 * are. */
int choice_models(const char *file, const struct judgment_table *t, const char *const *wanted, int n_wanted, uint8_t *which,
                  struct err *err);
/* The marked names, sorted; free() the array. */
char **choice_marked(const struct judgment_table *t, const uint8_t *which, int *n);
/* "a, b, c and 5 more" */
void choice_names(struct buf *b, char *const *name, int n);

#endif
