/* answer_place.h - the place of a model's answers: the answer file, its journal, its manifest, its phases. Whose answers lie there, and how
 * they make room (room: bench). One process. */
#ifndef MTB_ANSWER_PLACE_H
#define MTB_ANSWER_PLACE_H

#include "mtbench/err.h"

#include <stdbool.h>

enum answer_maker { MADE_BY_ENGINE, MADE_BY_CALLS };     /* `answer` and `run` from weights, `api-answer` from a server */

/* Before a journal is opened: may this maker go on with what lies there? -1 (err: usage) for answers without a journal, which another
 * program made, and for those of the other maker; a damaged journal is left to whoever opens it.
 * 'fresh': all of it is put aside instead, as PATH.old1, PATH.old2, ..., one number for all files of a place, so that nothing is mixed and
 * nothing lost. -1 (err: busy, another run is writing there; io). */
int answer_place_claim(const char *answer_file, enum answer_maker maker, bool fresh, struct err *err);

#endif
