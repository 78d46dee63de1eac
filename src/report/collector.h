/* collector.h - runs collected ahead, in threads, while others are written (room: report, the campaign file's own). HDF5's serial library
 * is for one thread; reading and parsing, which takes five times as long, is not. */
#ifndef MTB_COLLECTOR_H
#define MTB_COLLECTOR_H

#include "collect.h"

#include "mtbench/map.h"
#include "mtbench/opts.h"

struct collected {
    const struct bench_folder *folder;   /* until the next one is taken */
    int model;
    struct run_data d;
    bool has_rows;                       /* false: it has its names alone, as it was known */
};

struct collector;

/* Begins with the first of the paths. 'known' has what collect_known() names: of such a run no rows are wanted. Paths and map stay until it
 * ends. NULL: err (io). */
struct collector *collector_begin(const struct opt_list *paths, const struct map *known, struct err *err);
/* The next run, in the order of paths, benches and models. 1; 0: there is none; -1: err. Whose rows go with run_data_free(). */
int collector_next(struct collector *c, struct collected *out, struct err *err);
/* NULL is fine. */
void collector_end(struct collector *c);
/* What a run holds and came from, as a key; the caller's. */
char *collect_known(const struct run_row *run);

#endif
