/* pacing.c - a few steps of the engine before it has work. */
#include "pacing.h"

bool pace_matters(const struct rig *rig)
{
    return rig->place.n_replicas > 1;
}

int pace_tell(const struct rig *rig, struct deal *d, struct err *err)
{
    double step, row;
    if (engine_pace(rig->engine, PACE_TRIES, PACE_ROWS, &step, &row, err) < 0)
        return -1;
    deal_pace(d, step, row);
    return 0;
}
