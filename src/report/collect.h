/* collect.h - a run out of a data folder: its journals, answers and judgments as rows (room: report, the campaign file's own). */
#ifndef MTB_COLLECT_H
#define MTB_COLLECT_H

#include "data_folder.h"

/* A table's rows as they come in. Zeroed is empty. */
struct rows {
    void *row;                           /* (n) of the table's structs */
    size_t n, cap;
};

enum { OWN_ANSWERS, OWN_JOURNAL, OWN_MANIFEST, OWN_FILES };

/* A file of the run's alone, as it is; 'there' or not. */
struct own_file {
    struct buf bytes;
    char sha256[65];
    bool there;
};

struct run_data {
    struct run_row run;
    struct own_file own[OWN_FILES];      /* while it is collected */
    struct rows turns, answers, judgments, pairs, asked, calls, files, phases;
};

/* What the run of a model is (run.key) and holds (run.content), into a zeroed 'd', without rows. -1: err (io, format). */
int collect_name(const struct bench_folder *s, int model, struct run_data *d, struct err *err);
/* All of it, into a 'd' that has its names. */
int collect_run(const struct bench_folder *s, int model, struct run_data *d, struct err *err);
void run_data_free(struct run_data *d);

/* A further, zeroed row. Valid until the next one. */
void *rows_add(struct rows *r, const struct h5_table *t);
/* The tables of a run's group, and where their rows are in run_data; NULL-ended. */
struct run_part { const struct h5_table *table; size_t at; };
extern const struct run_part run_parts[];
struct rows *run_rows(struct run_data *d, const struct run_part *p);

#endif
