/* answer_facts.h - what the answers that lie there say about the judgments of them (room: report). */
#ifndef MTB_ANSWER_FACTS_H
#define MTB_ANSWER_FACTS_H

#include "mtbench/answer_set.h"
#include "mtbench/buf.h"
#include "mtbench/json_scan.h"

struct answer_facts {
    long outdated;                       /* judgments whose prompt does not show the answer that is there: it was made anew */
    char *outdated_models;               /* of these models, "a, b"; owned */
    long cut;                            /* turns that ran into the token limit, as far as journals of this program tell */
    char *cut_models;                    /* "3 of a, 1 of b"; owned */
};

/* 'judgments': a file of single or pair judgments; models without answers in 'answers' are passed over, as are lines that cannot be read.
 * 'folder': where the answers, and their journals beside them, lie. -1: err (io). answer_facts_free() either way. */
int answer_facts_read(struct answer_facts *f, const char *judgments, const struct answer_set *answers, const char *folder, struct err *err);
void answer_facts_free(struct answer_facts *f);

/* Does a judge's prompt, which is a string as JSON spells it, show this text? */
bool answer_is_shown(const struct json_text *prompt, const char *text);

#endif
