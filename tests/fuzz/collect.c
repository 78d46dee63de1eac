/* collect.c - fuzz target: any bytes as a file of answers, or of judgments, in a data folder: an error, or a run. */
#include "src/report/collect.h"

#include "mtbench/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mtbench-fuzz-XXXXXX", answers[100], judgments[100];

static void begin(void)
{
    char path[100];
    if (*answers)
        return;
    if (!mkdtemp(folder))
        abort();
    snprintf(answers, sizeof answers, "%s/set/model_answer/m.jsonl", folder);
    snprintf(judgments, sizeof judgments, "%s/set/model_judgment/j_single.jsonl", folder);
    snprintf(path, sizeof path, "%s/set", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/set/model_answer", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/set/model_judgment", folder);
    mkdir(path, 0700);
}

static void put(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench_folder *bench;
    struct err err;
    int n, rc;
    begin();
    if (size == 0)
        return 0;
    unlink(answers);
    unlink(judgments);
    put(data[0] % 2 ? answers : judgments, data + 1, size - 1);
    rc = bench_folders_open(folder, &bench, &n, &err);
    for (int i = 0; i < n && rc == 0; i++)
        for (int m = 0; m < bench[i].n_models; m++) {
            struct run_data d = {0};
            if (collect_name(&bench[i], m, &d, &err) == 0)
                collect_run(&bench[i], m, &d, &err);
            run_data_free(&d);
        }
    bench_folders_free(bench, n);
    return 0;
}
