/* rebuild.c - what the names in a state dict's pickle stand for: dictionaries, storages, and tensors that are views of them.
 * Calls are looked at, not made: the arguments of torch's own functions say all that a view is. */
#include "pickle.h"

#include "shown.h"

#define STORAGE(name, type, dtype, width) { "torch", name "Storage", TORCH_STORAGE, type, dtype, width }
#define TYPE(name, type, width) { "torch", name, TORCH_TYPE, type, DT_COUNT, width }
static const struct torch_name known[] = {
    { "collections", "OrderedDict", TORCH_ORDERED_DICT, NULL, DT_COUNT, 0 },
    { "torch._utils", "_rebuild_tensor", TORCH_TENSOR, NULL, DT_COUNT, 0 },
    { "torch._utils", "_rebuild_tensor_v2", TORCH_TENSOR_V2, NULL, DT_COUNT, 0 },
    { "torch._utils", "_rebuild_tensor_v3", TORCH_TENSOR_V3, NULL, DT_COUNT, 0 },
    { "torch._utils", "_rebuild_parameter", TORCH_PARAMETER, NULL, DT_COUNT, 0 },
    STORAGE("Float", "F32", DT_F32, 4),
    STORAGE("Half", "F16", DT_F16, 2),
    STORAGE("BFloat16", "BF16", DT_BF16, 2),
    STORAGE("Double", "F64", DT_COUNT, 8),
    STORAGE("Long", "I64", DT_COUNT, 8),
    STORAGE("Int", "I32", DT_COUNT, 4),
    STORAGE("Short", "I16", DT_COUNT, 2),
    STORAGE("Char", "I8", DT_COUNT, 1),
    STORAGE("Byte", "U8", DT_COUNT, 1),
    STORAGE("Bool", "BOOL", DT_COUNT, 1),
    STORAGE("ComplexFloat", "C64", DT_COUNT, 8),
    STORAGE("ComplexDouble", "C128", DT_COUNT, 16),
    /* types without a storage class of their own lie in bytes, and their tensors name the type */
    { "torch.storage", "UntypedStorage", TORCH_STORAGE, "bytes", DT_COUNT, 1 },
    TYPE("uint16", "U16", 2),
    TYPE("uint32", "U32", 4),
    TYPE("uint64", "U64", 8),
    TYPE("complex32", "C32", 4),
    TYPE("float8_e4m3fn", "F8_E4M3", 1),
    TYPE("float8_e5m2", "F8_E5M2", 1),
    TYPE("float8_e4m3fnuz", "F8_E4M3FNUZ", 1),
    TYPE("float8_e5m2fnuz", "F8_E5M2FNUZ", 1),
    TYPE("float8_e8m0fnu", "F8_E8M0", 1),
};

static const char advice[] = "nothing was called; save the model's state_dict() alone, or convert it to safetensors";

int rebuild_name(struct slice module, struct slice name, struct value *out, struct err *err)
{
    for (const struct torch_name *k = known; k < known + sizeof known / sizeof *known; k++)
        if (slice_is(module, k->module) && slice_is(name, k->name)) {
            *out = (struct value){ .kind = PICKLE_NAME, .name = k };
            return 0;
        }
    return err_set(err, ERR_MODEL, "its pickle names %s.%s, which no state dict needs; %s", shown(module).text, shown(name).text, advice);
}

static bool is_text(const struct value *v, const char *text)
{
    return v->kind == PICKLE_TEXT && slice_is((struct slice){ v->text, v->len }, text);
}

static bool is_name(const struct value *v, enum torch_kind kind)
{
    return v->kind == PICKLE_NAME && v->name->kind == kind;
}

static bool is_whole(const struct value *v)
{
    return v->kind == PICKLE_INT && v->integer >= 0;
}

/* None, or a dictionary that says nothing. */
static bool is_idle(const struct value *v)
{
    return v->kind == PICKLE_NONE || (v->kind == PICKLE_DICT && v->items->n == 0);
}

/* ('storage', class, key, where it was, elements) and, before PyTorch 0.4, of what it is a view. */
int rebuild_storage(struct pickle *m, const struct value *id, struct value *out, struct err *err)
{
    const struct value *v = id->kind == PICKLE_TUPLE ? id->items->at : NULL;
    size_t n = v ? id->items->n : 0;
    uint64_t bytes;
    if (n < 5 || n > 6 || !is_text(&v[0], "storage") || !is_name(&v[1], TORCH_STORAGE) || v[2].kind != PICKLE_TEXT || !is_whole(&v[4]))
        return err_set(err, ERR_MODEL, "its pickle refers to what is no storage of a tensor; %s", advice);
    if (n == 6 && v[5].kind != PICKLE_NONE)
        return err_set(err, ERR_MODEL, "storage %s is a view of another, as PyTorch wrote them before 0.4; save it again",
                       shown((struct slice){ v[2].text, v[2].len }).text);
    if (__builtin_mul_overflow((uint64_t)v[4].integer, (uint64_t)v[1].name->width, &bytes))
        return err_set(err, ERR_FORMAT, "storage %s has an impossible size; the file is damaged, copy it again",
                       shown((struct slice){ v[2].text, v[2].len }).text);
    struct storage *s = pickle_take(m, 1, sizeof *s, err);
    if (!s)
        return -1;
    *s = (struct storage){ .key = { v[2].text, v[2].len }, .type = v[1].name, .n = (uint64_t)v[4].integer };
    *out = (struct value){ .kind = PICKLE_STORAGE, .storage = s };
    return 0;
}

/* Do all elements lie inside the storage? Every dimension counts, also those that are not kept. */
static bool fits(const struct tensor *t, const struct items *dim, const struct items *stride)
{
    uint64_t last = t->first, step, bytes;
    for (size_t i = 0; i < dim->n; i++)
        if (dim->at[i].integer == 0)
            return true;                                                            /* no elements at all */
    for (size_t i = 0; i < dim->n; i++)
        if (__builtin_mul_overflow((uint64_t)dim->at[i].integer - 1, (uint64_t)stride->at[i].integer, &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    return !__builtin_add_overflow(last, 1, &last) && !__builtin_mul_overflow(last, (uint64_t)t->type->width, &bytes) &&
           bytes <= t->storage->n * (uint64_t)t->storage->type->width;
}

static bool all_whole(const struct value *v)
{
    if (v->kind != PICKLE_TUPLE)
        return false;
    for (size_t i = 0; i < v->items->n; i++)
        if (!is_whole(&v->items->at[i]))
            return false;
    return true;
}

/* storage, first element, sizes, strides[, requires_grad, hooks[, type][, metadata]] */
static int rebuild_tensor(struct pickle *m, const struct torch_name *f, const struct items *args, struct value *out, struct err *err)
{
    const struct value *v = args->at;
    size_t n = args->n, least = f->kind == TORCH_TENSOR ? 4 : f->kind == TORCH_TENSOR_V2 ? 6 : 7, most = least + (f->kind != TORCH_TENSOR);
    bool typed = f->kind == TORCH_TENSOR_V3;
    if (n < least || n > most || v[0].kind != PICKLE_STORAGE || !is_whole(&v[1]) || !all_whole(&v[2]) || !all_whole(&v[3]) ||
        v[2].items->n != v[3].items->n || v[2].items->n > INT8_MAX || (typed && !is_name(&v[6], TORCH_TYPE)))
        return err_set(err, ERR_MODEL, "its pickle calls torch._utils.%s with arguments of another kind; %s", f->name, advice);
    struct tensor *t = pickle_take(m, 1, sizeof *t, err);
    if (!t)
        return -1;
    *t = (struct tensor){ .storage = v[0].storage, .type = typed ? v[6].name : v[0].storage->type, .first = (uint64_t)v[1].integer };
    t->n_dims = (int)v[2].items->n;
    for (int i = 0; i < t->n_dims && i < 4; i++)
        t->dim[i] = (uint64_t)v[2].items->at[i].integer, t->stride[i] = (uint64_t)v[3].items->at[i].integer;
    if (!fits(t, v[2].items, v[3].items))
        return err_set(err, ERR_FORMAT, "a tensor reaches out of its storage %s; the file is damaged, copy it again",
                       shown(t->storage->key).text);
    /* metadata: bits that say "conjugate", "negative": the numbers in the file are not the tensor's */
    if (n > least && !is_idle(&v[n - 1]))
        t->odd = "conjugate or negated";
    if (n > 5 && !is_idle(&v[5]))
        t->odd = "with hooks";
    *out = (struct value){ .kind = PICKLE_TENSOR, .tensor = t };
    return 0;
}

int rebuild_call(struct pickle *m, const struct value *f, const struct value *args, struct value *out, struct err *err)
{
    if (f->kind != PICKLE_NAME || args->kind != PICKLE_TUPLE || f->name->kind == TORCH_STORAGE || f->name->kind == TORCH_TYPE)
        return err_set(err, ERR_MODEL, "its pickle calls %s, which no state dict needs; %s",
                       f->kind == PICKLE_NAME ? f->name->name : pickle_kind_name(f), advice);
    const struct items *a = args->items;
    if (f->name->kind == TORCH_ORDERED_DICT && a->n == 0)
        return pickle_dict(m, out, err);
    if (f->name->kind == TORCH_PARAMETER && a->n == 3 && a->at[0].kind == PICKLE_TENSOR && is_idle(&a->at[2])) {
        *out = a->at[0];
        return 0;
    }
    if (f->name->kind == TORCH_ORDERED_DICT || f->name->kind == TORCH_PARAMETER)
        return err_set(err, ERR_MODEL, "its pickle calls %s.%s with arguments of another kind; %s", f->name->module, f->name->name, advice);
    return rebuild_tensor(m, f->name, a, out, err);
}

/* What a module's state_dict() carries besides its tensors: versions of its parts. */
int rebuild_state(const struct value *of, const struct value *state, struct err *err)
{
    const bool plain = of->kind == PICKLE_DICT && of->items->ordered && state->kind == PICKLE_DICT;
    for (size_t i = 0; plain && i < state->items->n; i += 2)
        if (!is_text(&state->items->at[i], "_metadata"))
            return err_set(err, ERR_MODEL, "its pickle sets an attribute other than _metadata, which no state dict has; %s", advice);
    if (!plain)
        return err_set(err, ERR_MODEL, "its pickle sets attributes of %s, which no state dict needs; %s", pickle_kind_name(of), advice);
    return 0;
}
