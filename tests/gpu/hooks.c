/* hooks.c - the emulator's hooks (tests/cudasim/hooks.h) where a card is: its tests run unchanged, and what they ask of the emulator,
 * another order of threads, other bytes in fresh memory, has no effect and nothing to report. */
#include "tests/cudasim/hooks.h"

struct cudasim_settings *cudasim(void)
{
    static struct cudasim_settings settings;
    return &settings;
}

const char *cudasim_last(void)
{
    return "";
}

long cudasim_reports(void)
{
    return 0;
}

void cudasim_reset(void)
{
}

bool cudasim_checks(void)
{
    return false;
}
