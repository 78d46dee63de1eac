/* procstat.c - the state and the birth of a process. */
#include "mtbench/procstat.h"

#include <stdio.h>
#include <string.h>

struct procstat procstat_parse(const char *text)
{
    struct procstat p = { .state = '?' };
    /* The name before the last bracket may hold blanks and brackets itself. */
    const char *behind = strrchr(text, ')');
    char state;
    unsigned long long born;
    if (behind && sscanf(behind + 1, " %c", &state) == 1)
        p.state = state;
    /* the 22nd field; the third follows the bracket */
    if (behind &&
        sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &born) == 1)
        p.born = born;
    return p;
}

struct procstat procstat_of(long process)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    FILE *f = fopen(path, "re");
    const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    return procstat_parse(text);
}
