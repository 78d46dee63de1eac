/* paths.c - where the files of a bench lie. */
#include "mtbench/paths.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is wrong with a name, or NULL. */
static const char *fault_of(const char *name)
{
    if (!*name)
        return "is empty";
    if (strlen(name) > BENCH_NAME_MAX)   /* with the endings that come behind, under the 255 bytes of a file name */
        return "is too long for a file's name";
    if (utf8_bad(name, strlen(name)) >= 0)
        return "is no UTF-8";
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "holds a control character";
    /* ORG/MODEL is fine, it becomes ORG_MODEL; no part may climb out of the folder. */
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t n = strcspn(part, "/");
        if (n == 2 && !strncmp(part, "..", n)) /* "a..b" is a name */
            return "leads to another folder";
    }
    return *name == '.' ? "starts with a point, which hides files" : NULL;
}

int bench_name_check(const char *flag, const char *name, struct err *err)
{
    const char *fault = fault_of(name);
    return fault ? err_set(err, ERR_USAGE, "%s \"%s\": %s; files are named after it, give a plain name", flag, name, fault) : 0;
}

int bench_output_check(const char *path, struct err *err)
{
    static const char *const end[] = { ".jsonl", ".journal", ".manifest", ".h5" };
    const size_t n = strlen(path);
    if (!n || !strcmp(path, "-"))
        return err_set(err, ERR_USAGE, "--output \"%s\": is no file's name; name one, or /dev/stdout", path);
    for (size_t i = 0; i < sizeof end / sizeof *end; i++) {
        const size_t k = strlen(end[i]);
        if (n >= k && !strcmp(path + n - k, end[i]))
            return err_set(err, ERR_USAGE, "--output %s: is a file of records by its name, which this would replace; name another", path);
    }
    return 0;
}

void bench_name_make_plain(char *name)
{
    for (char *c = name; *c; c++)        /* a leading point hides a file; '/' makes folders, where FastChat does not look */
        if (*c == '/' || (c == name && *c == '.'))
            *c = '_';
}

char *bench_name_plain(const char *name)
{
    char *plain = xstrdup(name);
    bench_name_make_plain(plain);
    return plain;
}

char *bench_questions_path(const char *data_dir, const char *bench)
{
    return xasprintf("%s/%s/question.jsonl", data_dir, bench);
}

char *bench_prompts_path(const char *data_dir, const char *bench)
{
    struct stat st;
    char *own = xasprintf("%s/%s/judge_prompts.jsonl", data_dir, bench);
    /* One that is there and cannot be read (no permission, a dead link) is an error of whoever reads it: with the other prompts the same
     * answers would get other scores, and nobody would know. */
    if (lstat(own, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return own;
    free(own);
    return xasprintf("%s/judge_prompts.jsonl", data_dir);
}

char *bench_answers_folder(const char *data_dir, const char *bench)
{
    return xasprintf("%s/%s/model_answer", data_dir, bench);
}

char *bench_references_folder(const char *data_dir, const char *bench)
{
    return xasprintf("%s/%s/reference_answer", data_dir, bench);
}

char *bench_answers_file(const char *folder, const char *name)
{
    char *plain = bench_name_plain(name), *path = xasprintf("%s/%s.jsonl", folder, plain);
    /* Ours first, where both are. A name with a fault never becomes a path, whatever is there. */
    if (strcmp(plain, name) && !fault_of(name) && access(path, F_OK) < 0) {
        char *below = xasprintf("%s/%s.jsonl", folder, name);
        char **unused = access(below, F_OK) == 0 ? &path : &below;
        free(*unused);
        path = unused == &path ? below : path;
    }
    free(plain);
    return path;
}

char *bench_judgments_path(const char *data_dir, const char *bench, const char *judge, bool pairs)
{
    char *plain = bench_name_plain(judge);
    char *path = xasprintf("%s/%s/model_judgment/%s_%s.jsonl", data_dir, bench, plain, pairs ? "pair" : "single");
    free(plain);
    return path;
}

char *bench_beside(const char *file, const char *ending)
{
    size_t n = strlen(file), k = strlen(".jsonl"); /* ".jsonl" alone is a name and no ending */
    if (n > k && !strcmp(file + n - k, ".jsonl"))
        n -= k;
    return xasprintf("%.*s%s", (int)n, file, ending);
}

char *bench_repeat_path(const char *file, int repeat)
{
    /* The first repeat is FastChat's file, so that its tools see an ordinary run. */
    if (repeat == 1)
        return xstrdup(file);
    char *ending = xasprintf(".repeat%d.jsonl", repeat), *path = bench_beside(file, ending);
    free(ending);
    return path;
}
