/* doctor.h - is everything here that a run needs: launch, cores, devices, memory, folders, clocks, model, judge (room: campaign). */
#ifndef MTB_DOCTOR_H
#define MTB_DOCTOR_H

#include "mtbench/answering.h"
#include "mtbench/buf.h"
#include "mtbench/judge_inputs.h"

enum doctor_level { DOCTOR_SKIPPED, DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

/* What came of one check. */
struct doctor_line {
    const char *name;                    /* "launch": one word, stable */
    enum doctor_level level;             /* skipped: nobody asked for what it looks at */
    char what[480];                      /* what was found; one line */
    char todo[320];                      /* what to do about it; "": nothing */
    int more;                            /* others of this level, on other nodes or of another kind, which the line does not name */
};

enum { DOCTOR_LINES = 24 };
struct doctor_report { struct doctor_line line[DOCTOR_LINES]; int n; };

struct doctor_opts {
    const struct answer_opts *answer;
    const struct judge_opts *judge;
    bool model, judged;                  /* there is a model, a judge, to look at */
};

/* Collective. Looks at all of it; computes no answer, reads no weights, and sends a judge one short call. On rank 0 the report. */
void doctor_run(struct job *job, const struct doctor_opts *o, struct doctor_report *out);
/* The report of a launch that could not be, which 'why' tells. */
void doctor_refused(const struct err *why, struct doctor_report *out);
/* How many lines are of this level. */
int doctor_count(const struct doctor_report *r, enum doctor_level level);

/* A line each, "launch    ok       4 ranks ...", and a last one that counts. */
void doctor_put_text(struct buf *out, const struct doctor_report *r);
/* One JSON object: {"checks": [{"name", "level", "what", "todo"}], "problems": N, "warnings": N}. */
void doctor_put_json(struct buf *out, const struct doctor_report *r);

#endif
