/* phase_file.c - what the phases of a run took. */
#include "phase_file.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/phases.h"

#include <stdio.h>
#include <stdlib.h>

void phase_file_add(const char *results, const char *name, const struct energy_phase *p, uint64_t tokens)
{
    struct err err;
    char *path = bench_beside(results, ".phases");
    const struct phase phase = { .name = name, .started = p->started, .seconds = p->seconds, .tokens = tokens, .nodes = p->nodes,
                                 .joules = p->joules, .source = p->source, .reason = p->reason };
    if (p->nodes && phase_append(path, &phase, &err) < 0)
        log_note("%s", err.text);
    free(path);
}

void phase_say(const struct energy_phase *p, const char *name, const struct energy_phase *load, uint64_t tokens)
{
    if (!p->nodes)
        return;
    if (!p->source) {
        printf("energy    not measured (%s)\n", p->reason);
        return;
    }
    printf("energy    %.1f J %s", p->joules, name);
    if (load->source)
        printf("   %.1f J load", load->joules);
    if (tokens)
        printf("   %.3f J/token", p->joules / (double)tokens);
    printf("   (%s)\n", p->source);
}
