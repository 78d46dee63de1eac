/* cuda_cublas_library.c - cuBLASLt, opened when somebody asks for it: the program starts and computes without any file of it. */
#include "cuda_cublas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)
#define FILE_NAME "libcublasLt.so." TEXT_OF(CUBLAS_VER_MAJOR)

static const char remedy[] = "install cuBLAS " TEXT_OF(CUBLAS_VER_MAJOR) ", name its file by MTBENCH_CUBLASLT=PATH, or use --matmul own";

/* What dlerror() says, without the part about the file's name. */
static const char *reason(const char *file)
{
    const char *text = dlerror();
    const size_t n = strlen(file);
    if (!text)
        return "it cannot be opened";
    return !strncmp(text, file, n) && !strncmp(text + n, ": ", 2) ? text + n + 2 : text;
}

int cublas_open(struct cublas_library *lib, struct err *err)
{
    const char *named = getenv("MTBENCH_CUBLASLT"), *file = named && *named ? named : FILE_NAME;
    void *opened = dlopen(file, RTLD_NOW | RTLD_LOCAL);                             /* stays open: other backends use it too */
    if (!opened)
        return err_set(err, ERR_DEVICE, "--matmul cublas: %s: %s; %s", file, reason(file), remedy);
#define FIND(f)                                                                                                                            \
    if (!(lib->f = (__typeof__(lib->f))dlsym(opened, "cublasLt" #f)))                                                                      \
        return err_set(err, ERR_DEVICE, "--matmul cublas: %s: it has no cublasLt" #f "; %s", file, remedy);
    CUBLAS_EACH(FIND)
#undef FIND
    const size_t version = lib->GetVersion();                                       /* 130100 is 13.1.0 */
    if (version / 10000 != CUBLAS_VER_MAJOR)
        return err_set(err, ERR_DEVICE, "--matmul cublas: %s: it is version %zu.%zu, and this program was built for %d; %s", file,
                       version / 10000, version / 100 % 100, CUBLAS_VER_MAJOR, remedy);
    return 0;
}
