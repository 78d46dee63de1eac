/* version.c - what this program was built from and runs on. */
#include "cmd.h"

#include "mtbench/campaign_file.h"
#include "mtbench/executor.h"
#include "mtbench/http.h"

#include <cjson/cJSON.h>
#include <hwloc.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <utf8proc.h>

void version_print(void)
{
    char pcre[64] = "";
    unsigned hw = hwloc_get_api_version();
    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    printf("mtbench %s (%s)\n", MTB_VERSION, MTB_GIT_ID);
#ifdef __clang__
    printf("build      %s, %s\n", MTB_BUILD_FLAGS, __VERSION__);
#else
    printf("build      %s, gcc %s\n", MTB_BUILD_FLAGS, __VERSION__);
#endif
    printf("mpi        %s\n", job_library());
#ifdef MTB_CUDA
    printf("cuda       %s\n", MTB_CUDA);
#else
    printf("cuda       not in this build\n");
#endif
#ifdef MTB_CUBLAS
    printf("cublas     opened by --matmul cublas\n");
#else
    printf("cublas     not in this build\n");
#endif
    printf("nccl       not in this build\n");
    printf("hdf5       %s\n", campaign_library());
    printf("cpu        %s\n", executor_cpu_isas());
    printf("curl       %s\n", http_library());
    printf("tls        %s\n", http_tls());
    printf("cjson      %s\n", cJSON_Version());
    printf("pcre2      %s\n", pcre);
    printf("utf8proc   %s\n", utf8proc_version());
    printf("hwloc      %u.%u.%u\n", hw >> 16, hw >> 8 & 255, hw & 255);
    printf("crypto     %s\n", OpenSSL_version(OPENSSL_VERSION));
}
