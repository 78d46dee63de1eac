/* version.c - what this program was built from and runs on. */
#include "cmd.h"

#include "mtbench/campaign_file.h"
#include "mtbench/executor.h"
#include "mtbench/http.h"
#include "mtbench/reporting.h"

#include <cjson/cJSON.h>
#include <hwloc.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <utf8proc.h>

#ifdef MTB_CUDA
static const char cuda[] = MTB_CUDA;
#else
static const char cuda[] = "not in this build";
#endif
#ifdef MTB_CUBLAS
static const char cublas[] = "opened by --matmul cublas";
#else
static const char cublas[] = "not in this build";
#endif
#ifdef __clang__
static const char build[] = MTB_BUILD_FLAGS ", " __VERSION__;
#else
static const char build[] = MTB_BUILD_FLAGS ", gcc " __VERSION__;
#endif

int version_rows(struct report_version *row)
{
    static char pcre[64], hw[32];
    const unsigned hwloc = hwloc_get_api_version();
    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    snprintf(hw, sizeof hw, "%u.%u.%u", hwloc >> 16, hwloc >> 8 & 255, hwloc & 255);
    const struct report_version all[] = {
        { "mtbench", MTB_VERSION " (" MTB_GIT_ID ")" }, { "build", build }, { "mpi", job_library() }, { "cuda", cuda },
        { "cublas", cublas }, { "nccl", "not in this build" }, { "hdf5", campaign_library() }, { "cpu", executor_cpu_isas() },
        { "curl", http_library() }, { "tls", http_tls() }, { "cjson", cJSON_Version() }, { "pcre2", pcre },
        { "utf8proc", utf8proc_version() }, { "hwloc", hw }, { "md4c", MTB_MD4C }, { "crypto", OpenSSL_version(OPENSSL_VERSION) },
    };
    const int n = sizeof all / sizeof *all;
    _Static_assert(sizeof all / sizeof *all <= VERSION_ROWS, "room for all");
    for (int i = 0; i < n; i++)
        row[i] = all[i];
    return n;
}

void version_print(void)
{
    struct report_version row[VERSION_ROWS];
    const int n = version_rows(row);
    printf("mtbench %s\n", row[0].version);
    for (int i = 1; i < n; i++)
        printf("%-10s %s\n", row[i].what, row[i].version);
}
