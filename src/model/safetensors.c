/* safetensors.c - the header of a safetensors file, from hostile bytes. */
#include "mtbench/safetensors.h"

#include "mtbench/mem.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100 << 20 };          /* the limit of the format's own library */

int safetensors_header(const void *prefix, uint64_t file_size, uint64_t *length, struct err *err)
{
    if (file_size < SAFETENSORS_PREFIX)
        return err_set(err, ERR_FORMAT, "only %llu bytes; no safetensors file is that short, copy it again", (unsigned long long)file_size);
    memcpy(length, prefix, 8);                                                      /* little-endian, as this machine is */
    /* a length beyond the end of the file is told below, as that of a file that is cut short */
    if (*length <= file_size - SAFETENSORS_PREFIX && *length > MAX_HEADER)
        return err_set(
            err, ERR_FORMAT,
            "a header of %llu bytes, more than the %d that the format allows; the file is damaged or of another kind, copy it again",
            (unsigned long long)*length, MAX_HEADER);
    if (*length > file_size - SAFETENSORS_PREFIX)
        return err_set(err, ERR_FORMAT, "header claims %llu bytes, the file has %llu; it is cut short or damaged, copy it again",
                       (unsigned long long)*length, (unsigned long long)file_size);
    return 0;
}

static enum dtype type_of(const char *name)
{
    static const enum dtype known[] = { DT_F32, DT_F16, DT_BF16 };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, dtype_info[known[i]].name))
            return known[i];
    return DT_COUNT;                                                                /* no error: nobody may need the tensor */
}

/* A JSON number that is a whole one up to 2^53. */
static int whole(const cJSON *j, uint64_t *out)
{
    /* cJSON keeps numbers as doubles; above 2^53 a byte offset would be rounded */
    if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0 && j->valuedouble <= 9007199254740992.0) ||
        j->valuedouble != (double)(uint64_t)j->valuedouble)
        return -1;
    *out = (uint64_t)j->valuedouble;
    return 0;
}

static int parse_shape(const cJSON *shape, struct safetensor *t, uint64_t *n, struct err *err)
{
    const cJSON *d;
    *n = 1;
    if (!cJSON_IsArray(shape))
        return err_set(err, ERR_FORMAT, "tensor %s: its shape is no list of numbers", t->name);
    cJSON_ArrayForEach(d, shape)
    {
        uint64_t size;
        /* bounded so that bytes of four each cannot overflow either */
        if (whole(d, &size) < 0 || __builtin_mul_overflow(*n, size, n) || *n > (uint64_t)1 << 48)
            return err_set(err, ERR_FORMAT, "tensor %s: its dimensions are impossible", t->name);
        if (t->n_dims < 4)                                                          /* more are counted, not kept: no weight has them */
            t->dim[t->n_dims] = size;
        t->n_dims++;
    }
    return 0;
}

static int parse_tensor(const cJSON *j, uint64_t data_start, uint64_t file_size, struct safetensor *t, struct err *err)
{
    uint64_t n, begin, end;
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(j, "dtype"), *at = cJSON_GetObjectItemCaseSensitive(j, "data_offsets");
    t->name = xstrdup(j->string);
    if (!cJSON_IsString(dtype))
        return err_set(err, ERR_FORMAT, "tensor %s: no dtype", t->name);
    snprintf(t->type, sizeof t->type, "%s", dtype->valuestring);
    t->dtype = type_of(dtype->valuestring);
    if (parse_shape(cJSON_GetObjectItemCaseSensitive(j, "shape"), t, &n, err) < 0)
        return -1;
    if (!cJSON_IsArray(at) || cJSON_GetArraySize(at) != 2 || whole(at->child, &begin) < 0 || whole(at->child->next, &end) < 0 ||
        begin > end)
        return err_set(err, ERR_FORMAT, "tensor %s: data_offsets are no two rising numbers", t->name);
    /* of an unknown type the file is believed, of a known one the shape must agree */
    t->bytes = t->dtype == DT_COUNT ? end - begin : n * (uint64_t)dtype_info[t->dtype].block_bytes;
    t->offset = data_start + begin;
    if (end - begin != t->bytes)
        return err_set(err, ERR_FORMAT, "tensor %s: %llu bytes for a shape that needs %llu; the header is damaged", t->name,
                       (unsigned long long)(end - begin), (unsigned long long)t->bytes);
    if (end > file_size - data_start) /* data_start fits: the header was read from this file */
        return err_set(err, ERR_FORMAT, "tensor %s: ends at byte %llu, the file has %llu; it is cut short, copy it again", t->name,
                       (unsigned long long)(data_start + end), (unsigned long long)file_size);
    return 0;
}

int safetensors_parse(const char *json, size_t n, uint64_t file_size, struct safetensors *s, struct err *err)
{
    int rc = -1;
    cJSON *root = cJSON_ParseWithLength(json, n), *j;
    *s = (struct safetensors){0};
    if (!cJSON_IsObject(root)) {
        err_set(err, ERR_FORMAT, "the header is no JSON object; the file is damaged or of another format");
        goto out;
    }
    s->tensor = xcalloc((size_t)cJSON_GetArraySize(root), sizeof *s->tensor);
    cJSON_ArrayForEach(j, root)
    {
        if (!strcmp(j->string, "__metadata__"))                                     /* the format's one key that is no tensor */
            continue;
        if (parse_tensor(j, SAFETENSORS_PREFIX + n, file_size, &s->tensor[s->n_tensors++], err) < 0)
            goto out;
    }
    rc = 0;
out:
    cJSON_Delete(root);
    if (rc < 0)
        safetensors_free(s);
    return rc;
}

void safetensors_free(struct safetensors *s)
{
    for (size_t i = 0; i < s->n_tensors; i++)
        free(s->tensor[i].name);
    free(s->tensor);
    *s = (struct safetensors){0};
}
