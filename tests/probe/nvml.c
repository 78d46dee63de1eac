/* nvml.c - probe for energy.t: BUS FILE MILLIJOULES: opens the card, writes the new counter into FILE, prints the joules since, or the
 * error. */
#include "mtbench/nvml.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct err err = {0};
    double joules;
    struct nvml *n = argc == 4 ? nvml_open(argv[1], &err) : NULL;
    FILE *f = n ? fopen(argv[2], "w") : NULL;
    if (f) {
        fprintf(f, "%s\n", argv[3]);
        fclose(f);
    }
    if (n && nvml_read(n, &joules, &err) == 0)
        printf("%.3f\n", joules);
    else
        printf("%s\n", err.text);
    nvml_close(n);
    return 0;
}
