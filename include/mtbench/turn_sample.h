/* turn_sample.h - which turns of a run are looked at again: a sample that stands for all of them (room: bench). Pure. */
#ifndef MTB_TURN_SAMPLE_H
#define MTB_TURN_SAMPLE_H

#include "mtbench/question.h"

struct turn_name {
    int q, choice, turn;                 /* place in the questions, number of the answer, turn from 1 */
};

/* Choose 'want' of n turns; they come to the front, in order of question, choice and turn. The categories get equal shares as far as they
 * have turns, and within one the turns do: a first one, a second one, a first one ... 'seed' chooses among equals, by a hash, so that the
 * same turns come on every machine. Returns how many: at most n. */
size_t turn_sample(const struct questions *qs, struct turn_name *turn, size_t n, size_t want, uint64_t seed);

#endif
