/* published.h - what is known of models by the name that they were published under (room: rig, private): the 31 of the board of 2023, whose
 * answers `fetch` brings, and weights that are only differences from others'. */
#ifndef MTB_PUBLISHED_H
#define MTB_PUBLISHED_H

#include "mtbench/err.h"

enum published_how {
    PUBLISHED_RUNS,                      /* as it was published */
    PUBLISHED_ADAPTER,                   /* with its base */
    PUBLISHED_DIFFERENCE,                /* once it is added to its base */
    PUBLISHED_OTHER,                     /* not here: another architecture */
    PUBLISHED_HOSTED, PUBLISHED_GONE     /* no weights: an API that is there, one that is not */
};

struct published {
    const char *name;                    /* of its published answers */
    const char *hub;                     /* repository; NULL: none */
    enum published_how how;
    const char *why;                     /* OTHER: what it is; DIFFERENCE: a repository with the sum, or NULL */
};

extern const struct published published_board[];
extern const int published_board_count;

/* Are these, by the name of a folder, a file or a repository, differences of weights? They run, and answer rubbish. A folder's name is its
 * owner's to choose: of one that is there the weights have to say it too. -1: err (model) with the way to whole weights. */
int published_check_whole(const char *path, struct err *err);
/* After 'path' could not be opened: for a name that is known not to run say why, and what there is instead. The error's kind stays but for
 * files that need not be looked for. */
void published_advise(const char *path, struct err *err);

#endif
