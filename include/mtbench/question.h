/* question.h - the questions of a bench: records, slices, categories (room: bench). */
#ifndef MTB_QUESTION_H
#define MTB_QUESTION_H

#include "mtbench/err.h"
#include "mtbench/map.h"
#include "mtbench/opts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct question {
    int64_t id;                  /* "question_id" */
    char *category;
    int n_turns;
    char **turn;                 /* (n_turns) UTF-8 */
    int n_reference;
    char **reference;            /* (n_reference) shown to people only */
    double temperature;          /* "required_temperature", else of the category */
    bool required_temperature;   /* was it given? */
    char sha256[65];             /* of the line: a changed question is another question */
};

struct questions {
    int n;
    struct question *q;          /* in file order */
    char sha256[65];             /* of the file */
    struct map by_id;            /* for questions_find() */
};

/* Parse question.jsonl. 'name' stands in messages ("question.jsonl:14: ..."). Blank lines are passed over; a broken line, no turns, a
 * repeated id or bytes that are no UTF-8 are errors. On 0 release with questions_free(). */
int questions_parse(const char *name, const char *data, size_t n, struct questions *out, struct err *err);
void questions_free(struct questions *qs);
/* Where in 'q' the question of this id is, -1: nowhere. */
int questions_find(const struct questions *qs, int64_t id);

/* Which questions. First lines [begin, end) as Python slices do: negative numbers count from the end, out of range is clamped; has_*: was
 * it given. Then those of the named categories and ids, each of which must be there. Then the first 'first_n' (0: all; negative drops from
 * the end). An empty result is an error. */
struct slicing {
    bool has_begin, has_end;
    long begin, end, first_n;
    struct opt_list category, ids;       /* as typed: names, and ids or ranges of them, "81" or "81-90"; none: all */
};
int questions_slice(struct questions *qs, const struct slicing *s, struct err *err);

/* FastChat's temperature of a category; 0.7 for those it does not know. */
double category_temperature(const char *category);
/* A prior of the length of an answer, in tokens per turn, for dealing the longest first; it changes no answer. */
double category_length(const char *category);

#endif
