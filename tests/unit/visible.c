/* visible.c - what CUDA_VISIBLE_DEVICES asks for. */
#include "src/backend/visible.h"
#include "tap.h"

#include <string.h>

static void counts(const char *text, int want)
{
    struct err err = {0};
    const int n = visible_count(text, &err);
    ok(n == want && !err.kind, "\"%s\": %d devices", text, want);
}

static void refused(const char *text, const char *words)
{
    struct err err = {0};
    ok(visible_count(text, &err) < 0 && err.kind == ERR_DEVICE && strstr(err.text, words), "\"%s\" is refused: %s", text, words);
}

int main(void)
{
    counts("", 0);
    counts("0", 1);
    counts("3,1, 2", 3);
    counts("0,", 1);
    counts("0,-1,1", 1);
    counts("-1", 0);
    counts("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,GPU-01", 2);
    counts("MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/2", 1);
    refused("foo", "\"foo\" is neither");
    refused("NoDevFiles", "Slurm gave this job no GPU");
    refused("0,1x", "\"1x\" is neither");
    refused("0,,1", "\"\" is neither");
    refused("GPU-", "neither");
    refused("GPU-xyz", "neither");
    refused("-2", "neither");
    refused("99999999999999999999", "neither");
    refused("0,1,0", "0 comes twice");
    refused("1,01", "01 comes twice");
    refused("GPU-12,GPU-12", "GPU-12 comes twice");
    return done_testing();
}
