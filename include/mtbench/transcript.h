/* transcript.h - one question as people read it: what was asked, what models answered, what judges said (room: report). */
#ifndef MTB_TRANSCRIPT_H
#define MTB_TRANSCRIPT_H

#include "mtbench/answer_set.h"
#include "mtbench/buf.h"
#include "mtbench/question.h"

struct transcript {
    const struct question *question;
    const struct answer_set *answers;    /* of the models that are shown; may lack some */
    const char *const *model;            /* (n_models) only these; n_models 0: everybody who has an answer or a judgment */
    int n_models;
    const char *const *judgments;        /* (n_files) files of judgments, single ones or pairs; may be missing */
    int n_files;
};

/* Turn by turn: the question, the reference that it came with, each answer, and behind it the judgments of it. -1: err (io, format). */
int transcript_put(struct buf *out, const struct transcript *t, struct err *err);

#endif
