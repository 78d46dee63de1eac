/* gguf.c - the header of a GGUF file, from hostile bytes: every count and length is checked against what is there.
 * A header may be longer than the bytes at hand; that is told apart from a header that is wrong, so that the reader can fetch more. */
#include "mtbench/gguf.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 65536, MAX_TENSORS = 1 << 20, MAX_NAME = 65535 };

struct cursor {
    const uint8_t *data;
    size_t size, at;
    uint64_t file_size;
    bool more;                    /* ran past 'size', but not past the file */
    struct err *err;
};

static const size_t type_bytes[GGUF_TYPES] = {
    [GGUF_U8] = 1, [GGUF_I8] = 1, [GGUF_BOOL] = 1, [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4,
    [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

/* Step over n bytes; NULL when they are not there. */
static const uint8_t *take(struct cursor *c, uint64_t n)
{
    /* first against the file, then against what was read of it: wrong, or not there yet */
    if (n > c->file_size || c->at > c->file_size - n) {
        err_set(c->err, ERR_FORMAT,
                "header claims %llu bytes at offset %zu, but the file has %llu; it is cut short or damaged, copy it again",
                (unsigned long long)n, c->at, (unsigned long long)c->file_size);
        return NULL;
    }
    if (n > c->size - c->at) {
        c->more = true;
        return NULL;
    }
    const uint8_t *p = c->data + c->at;
    c->at += n;
    return p;
}

static bool take_u32(struct cursor *c, uint32_t *v)
{
    const uint8_t *p = take(c, 4);
    if (p)
        memcpy(v, p, 4);
    return p != NULL;
}

static bool take_u64(struct cursor *c, uint64_t *v)
{
    const uint8_t *p = take(c, 8);
    if (p)
        memcpy(v, p, 8);
    return p != NULL;
}

static bool take_string(struct cursor *c, struct slice *s)
{
    uint64_t n;
    if (!take_u64(c, &n) || !(s->ptr = (const char *)take(c, n)))
        return false;
    s->len = n;
    return true;
}

static bool take_array(struct cursor *c, struct gguf_value *v)
{
    uint32_t item;
    if (!take_u32(c, &item) || !take_u64(c, &v->count))
        return false;
    if (item >= GGUF_TYPES || item == GGUF_ARRAY) {                                 /* arrays of arrays: nobody writes them */
        err_set(c->err, ERR_FORMAT, "key %.*s: array of type %u is not supported", (int)v->key.len, v->key.ptr, item);
        return false;
    }
    v->item = item;
    size_t start = c->at;
    if (item == GGUF_STRING) { /* strings have lengths of their own, so each is stepped over */
        struct slice s;
        for (uint64_t i = 0; i < v->count; i++)
            if (!take_string(c, &s))
                return false;
    } else if (v->count > c->file_size || !take(c, v->count * type_bytes[item])) {  /* no overflow: at most 8 bytes an item */
        if (!c->more)
            err_set(c->err, ERR_FORMAT, "key %.*s: array of %llu items is longer than the file", (int)v->key.len, v->key.ptr,
                    (unsigned long long)v->count);
        return false;
    }
    v->data = c->data + start;
    v->n_data = c->at - start;
    return true;
}

static bool take_value(struct cursor *c, struct gguf_value *v)
{
    uint32_t type;
    if (!take_string(c, &v->key) || !take_u32(c, &type))
        return false;
    /* an unknown type has an unknown length, so nothing behind it can be read */
    if (v->key.len > MAX_NAME || type >= GGUF_TYPES) {
        err_set(c->err, ERR_FORMAT, "key %.*s: type %u is unknown", (int)(v->key.len < 64 ? v->key.len : 64), v->key.ptr, type);
        return false;
    }
    v->type = type;
    if (type == GGUF_ARRAY)
        return take_array(c, v);
    size_t start = c->at;
    struct slice s;
    if (type == GGUF_STRING ? !take_string(c, &s) : !take(c, type_bytes[type]))
        return false;
    v->data = type == GGUF_STRING ? (const uint8_t *)s.ptr : c->data + start;
    v->n_data = type == GGUF_STRING ? s.len : type_bytes[type];
    return true;
}

/* ggml's numbers of the types that this program runs. */
static enum dtype dtype_of(uint32_t ggml)
{
    static const struct {
        uint32_t ggml;
        enum dtype t;
    } table[] = {
        { 0, DT_F32 }, { 1, DT_F16 }, { 2, DT_Q4_0 }, { 3, DT_Q4_1 }, { 6, DT_Q5_0 }, { 7, DT_Q5_1 }, { 8, DT_Q8_0 },
        { 12, DT_Q4_K }, { 13, DT_Q5_K }, { 14, DT_Q6_K }, { 30, DT_BF16 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].ggml == ggml)
            return table[i].t;
    return DT_COUNT;
}

static bool tensor_shape(struct cursor *c, struct gguf_tensor *t, uint32_t ggml)
{
    uint64_t n = 1;
    for (int i = 0; i < t->n_dims; i++) {
        /* products stay below 2^48, bytes below 2^51 */
        if (t->dim[i] == 0 || t->dim[i] > (uint64_t)1 << 40 || __builtin_mul_overflow(n, t->dim[i], &n) || n > (uint64_t)1 << 48) {
            err_set(c->err, ERR_FORMAT, "tensor %.*s: its dimensions are impossible", (int)t->name.len, t->name.ptr);
            return false;
        }
    }
    t->ggml = ggml;
    t->dtype = dtype_of(ggml);
    if (t->dtype == DT_COUNT)     /* no error here: nobody may need the tensor */
        return true;
    if (t->dim[0] % (uint64_t)dtype_info[t->dtype].block) {                         /* blocks never cross a row */
        err_set(c->err, ERR_FORMAT, "tensor %.*s: rows of %llu are no multiple of the %d of %s", (int)t->name.len, t->name.ptr,
                (unsigned long long)t->dim[0], dtype_info[t->dtype].block, dtype_info[t->dtype].name);
        return false;
    }
    t->bytes = n / (uint64_t)dtype_info[t->dtype].block * (uint64_t)dtype_info[t->dtype].block_bytes;
    return true;
}

static bool take_tensor(struct cursor *c, struct gguf_tensor *t)
{
    uint32_t n_dims, ggml;
    if (!take_string(c, &t->name) || !take_u32(c, &n_dims))
        return false;
    if (t->name.len > MAX_NAME || n_dims < 1 || n_dims > 4) {
        err_set(c->err, ERR_FORMAT, "tensor %.*s: %u dimensions; 1 to 4 are possible", (int)(t->name.len < 64 ? t->name.len : 64),
                t->name.ptr, n_dims);
        return false;
    }
    t->n_dims = (int)n_dims;
    for (int i = 0; i < t->n_dims; i++)
        if (!take_u64(c, &t->dim[i]))
            return false;
    for (int i = t->n_dims; i < 4; i++)
        t->dim[i] = 1;
    return take_u32(c, &ggml) && take_u64(c, &t->offset) && tensor_shape(c, t, ggml);
}

/* Offsets in the file are relative to the data; check that each tensor lies inside the file. */
static int place_tensors(struct gguf *g, size_t header, uint64_t file_size, struct err *err)
{
    int64_t align = 32;                                                             /* the format's default */
    gguf_int(g, "general.alignment", &align);
    if (align < 1 || align > 1 << 20 || (align & (align - 1)))
        return err_set(err, ERR_FORMAT, "general.alignment %lld is no power of two", (long long)align);
    g->data_start = (header + (uint64_t)align - 1) / (uint64_t)align * (uint64_t)align;
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct gguf_tensor *t = &g->tensor[i];
        uint64_t end;
        /* overlapping tensors are no harm: they are only read */
        if (t->offset % (uint64_t)align || __builtin_add_overflow(t->offset, g->data_start, &t->offset) ||
            __builtin_add_overflow(t->offset, t->bytes, &end) || end > file_size)
            return err_set(err, ERR_FORMAT,
                           "tensor %.*s: its %llu bytes at offset %llu do not lie in the file of %llu bytes; the file is cut short or "
                           "damaged, copy it again",
                           (int)t->name.len, t->name.ptr, (unsigned long long)t->bytes, (unsigned long long)t->offset,
                           (unsigned long long)file_size);
    }
    return 0;
}

static bool take_head(struct cursor *c, struct gguf *g)
{
    uint64_t n_tensors, n_values;
    const uint8_t *magic = take(c, 4);
    if (!magic)
        return false;
    if (memcmp(magic, "GGUF", 4)) {
        err_set(c->err, ERR_FORMAT, "no GGUF file: it does not begin with \"GGUF\"");
        return false;
    }
    if (!take_u32(c, &g->version))
        return false;
    /* version 1 has 32-bit lengths; a big-endian file shows a version of many millions */
    if (g->version != 2 && g->version != 3) {
        err_set(c->err, ERR_FORMAT, "GGUF version %u; versions 2 and 3 (little-endian) can be read", g->version);
        return false;
    }
    if (!take_u64(c, &n_tensors) || !take_u64(c, &n_values))
        return false;
    if (n_tensors > MAX_TENSORS || n_values > MAX_VALUES) {
        err_set(c->err, ERR_FORMAT, "header claims %llu tensors and %llu keys; it is damaged", (unsigned long long)n_tensors,
                (unsigned long long)n_values);
        return false;
    }
    g->n_tensors = n_tensors;
    g->n_values = n_values;
    return true;
}

int gguf_parse(const void *data, size_t size, uint64_t file_size, struct gguf *g, struct err *err)
{
    struct cursor c = { .data = data, .size = size, .file_size = file_size, .err = err };
    *g = (struct gguf){0};
    if (!take_head(&c, g))
        return c.more ? 1 : -1;
    /* A count that cannot be true must not cost memory: every key and tensor takes at least 12 bytes. */
    if ((g->n_values + g->n_tensors) * 12 > file_size)
        return err_set(err, ERR_FORMAT, "header claims %zu tensors and %zu keys in a file of %llu bytes; it is damaged", g->n_tensors,
                       g->n_values, (unsigned long long)file_size);
    g->value = xcalloc(g->n_values, sizeof *g->value);
    g->tensor = xcalloc(g->n_tensors, sizeof *g->tensor);
    for (size_t i = 0; i < g->n_values; i++)
        if (!take_value(&c, &g->value[i]))
            goto stop;
    for (size_t i = 0; i < g->n_tensors; i++)
        if (!take_tensor(&c, &g->tensor[i]))
            goto stop;
    if (place_tensors(g, c.at, file_size, err) == 0)
        return 0;
    c.more = false;                                                                 /* a wrong place stays wrong, however much is read */
stop:
    gguf_free(g);
    return c.more ? 1 : -1;
}

void gguf_free(struct gguf *g)
{
    free(g->value);
    free(g->tensor);
    *g = (struct gguf){0};
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
    for (size_t i = 0; i < g->n_values; i++)
        if (slice_is(g->value[i].key, key))
            return &g->value[i];
    return NULL;
}

const struct gguf_tensor *gguf_tensor_find(const struct gguf *g, const char *name)
{
    for (size_t i = 0; i < g->n_tensors; i++)
        if (slice_is(g->tensor[i].name, name))
            return &g->tensor[i];
    return NULL;
}

static bool value_int(const struct gguf_value *v, int64_t *out)
{
    union {
        uint8_t u8; int8_t i8; uint16_t u16; int16_t i16; uint32_t u32; int32_t i32; uint64_t u64; int64_t i64;
    } x = { .u64 = 0 };
    if (v->type == GGUF_STRING || v->type == GGUF_ARRAY)
        return false;
    memcpy(&x, v->data, v->n_data);                                                 /* at most 8 bytes: strings and arrays are out */
    switch (v->type) {
    case GGUF_U8: *out = x.u8; return true;
    case GGUF_I8: *out = x.i8; return true;
    case GGUF_U16: *out = x.u16; return true;
    case GGUF_I16: *out = x.i16; return true;
    case GGUF_U32: *out = x.u32; return true;
    case GGUF_I32: *out = x.i32; return true;
    case GGUF_I64: *out = x.i64; return true;
    case GGUF_U64: *out = (int64_t)x.u64; return x.u64 <= INT64_MAX;                /* beyond int64 it is no number of ours */
    default: return false;
    }
}

bool gguf_int(const struct gguf *g, const char *key, int64_t *out)
{
    const struct gguf_value *v = gguf_find(g, key);
    int64_t x;
    if (!v || !value_int(v, &x))
        return false;
    *out = x;
    return true;
}

bool gguf_float(const struct gguf *g, const char *key, double *out)
{
    const struct gguf_value *v = gguf_find(g, key);
    int64_t whole;
    float f;
    if (!v)
        return false;
    if (v->type == GGUF_F32) {
        memcpy(&f, v->data, 4);
        *out = (double)f;
        return true;
    }
    if (v->type == GGUF_F64) {
        memcpy(out, v->data, 8);
        return true;
    }
    if (!value_int(v, &whole))
        return false;
    *out = (double)whole;
    return true;
}

bool gguf_bool(const struct gguf *g, const char *key, bool *out)
{
    const struct gguf_value *v = gguf_find(g, key);
    if (!v || v->type != GGUF_BOOL)
        return false;
    *out = v->data[0] != 0;
    return true;
}

bool gguf_string(const struct gguf *g, const char *key, struct slice *out)
{
    const struct gguf_value *v = gguf_find(g, key);
    if (!v || v->type != GGUF_STRING)
        return false;
    *out = (struct slice){ (const char *)v->data, v->n_data };
    return true;
}

static const struct gguf_value *find_array(const struct gguf *g, const char *key, enum gguf_type a, enum gguf_type b)
{
    const struct gguf_value *v = gguf_find(g, key);
    return v && v->type == GGUF_ARRAY && (v->item == a || v->item == b) ? v : NULL;
}

struct slice *gguf_strings(const struct gguf *g, const char *key, size_t *count)
{
    /* lengths were checked when the header was parsed */
    const struct gguf_value *v = find_array(g, key, GGUF_STRING, GGUF_STRING);
    if (!v)
        return NULL;
    struct slice *s = xcalloc(v->count, sizeof *s);
    const uint8_t *p = v->data;
    for (uint64_t i = 0; i < v->count; i++) {
        uint64_t n;
        memcpy(&n, p, 8);
        s[i] = (struct slice){ (const char *)p + 8, n };
        p += 8 + n;
    }
    *count = v->count;
    return s;
}

static void *copy_array(const struct gguf_value *v, size_t *count)
{
    if (!v)
        return NULL;
    void *p = xcalloc(v->count, 4);                                                 /* both kinds are four bytes wide */
    memcpy(p, v->data, v->n_data);
    *count = v->count;
    return p;
}

int64_t *gguf_ints(const struct gguf *g, const char *key, size_t *count)
{
    const struct gguf_value *v = gguf_find(g, key);
    if (!v || v->type == GGUF_STRING || (v->type == GGUF_ARRAY && (v->item == GGUF_STRING || v->count == 0)))
        return NULL;
    struct gguf_value one = { .type = v->type == GGUF_ARRAY ? v->item : v->type, .data = v->data };
    one.n_data = type_bytes[one.type];
    *count = v->type == GGUF_ARRAY ? v->count : 1;
    int64_t *out = xcalloc(*count, sizeof *out);
    for (size_t i = 0; i < *count; i++, one.data += one.n_data)
        if (!value_int(&one, &out[i])) {
            free(out);
            return NULL;
        }
    return out;
}

int32_t *gguf_int32s(const struct gguf *g, const char *key, size_t *count)
{
    return copy_array(find_array(g, key, GGUF_I32, GGUF_U32), count);
}

float *gguf_floats(const struct gguf *g, const char *key, size_t *count)
{
    return copy_array(find_array(g, key, GGUF_F32, GGUF_F32), count);
}
