/* show_opts.h - the flags of `mtbench show` (room: cmd). */
#ifndef MTB_SHOW_OPTS_H
#define MTB_SHOW_OPTS_H

#include "mtbench/opts.h"
#include "mtbench/question.h"

enum show_mode { SHOW_SINGLE, SHOW_BASELINE, SHOW_ALL };
enum show_format { SHOW_TABLE, SHOW_FASTCHAT, SHOW_CSV, SHOW_JSON };
enum show_by { BY_NOTHING, BY_TURN, BY_CATEGORY };

struct show_opts {
    const char *bench_name, *data_dir, *input_file, *baseline_model;
    bool length_slope;
    struct opt_list judges, model_list, compare, transcript;
    struct slicing slicing;
    bool sliced;
    long repeat;
    enum show_mode mode;
    enum show_format format;
    enum show_by by;
};

/* 'fastchat': called by the name of its script, so its format is the default. 0; 1: help was printed; -1: err (usage). */
int show_opts_parse(struct show_opts *o, bool fastchat, int argc, char **argv, struct err *err);
void show_opts_free(struct show_opts *o);

/* Several judges side by side. */
bool show_opts_panel(const struct show_opts *o);

#endif
