/* pickle.c - a machine for the pickles of PyTorch's files, from hostile bytes.
 * Each instruction is a row of a table; rows without a function are what a state dict does not need. */
#include "pickle.h"

#include "mtbench/mem.h"
#include "little_endian.h"
#include "shown.h"

#include <stdlib.h>

/* ---- memory ---- */

struct block {
    struct block *next;
    size_t n, used;
};
enum { BLOCK = 64 << 10 };

static int spend(struct pickle *m, size_t n, struct err *err)
{
    if (n > PICKLE_MEMORY - m->spent)
        return err_set(err, ERR_MODEL, "its pickle needs more than %d MiB to be read, which no state dict does; convert it to safetensors",
                       PICKLE_MEMORY >> 20);
    m->spent += n;
    return 0;
}

void *pickle_take(struct pickle *m, size_t n, size_t size, struct err *err)
{
    enum { HEAD = (sizeof(struct block) + 15) / 16 * 16 };
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PICKLE_MEMORY)
        bytes = PICKLE_MEMORY;                                                      /* more than there ever is: refused below */
    bytes = (bytes + 15) / 16 * 16;
    if (!m->blocks || m->blocks->n - m->blocks->used < bytes) {
        size_t room = HEAD + (bytes > BLOCK ? bytes : BLOCK);
        if (spend(m, room, err) < 0)
            return NULL;
        struct block *b = xcalloc(1, room);
        *b = (struct block){ .next = m->blocks, .n = room, .used = HEAD };
        m->blocks = b;
    }
    void *p = (char *)m->blocks + m->blocks->used;
    m->blocks->used += bytes;
    return p;
}

/* Room for item 'n' of an array of values that doubles. */
static int reach(struct pickle *m, struct value **at, size_t *room, size_t n, struct err *err)
{
    if (n < *room)
        return 0;
    size_t more = n < PICKLE_MEMORY ? 2 * n + 16 : PICKLE_MEMORY;
    if (spend(m, (more - *room) * sizeof **at, err) < 0)
        return -1;
    *at = xrealloc(*at, more, sizeof **at);
    memset(*at + *room, 0, (more - *room) * sizeof **at);
    *room = more;
    return 0;
}

static int push(struct pickle *m, struct value v, struct err *err)
{
    if (reach(m, &m->stack, &m->stack_room, m->n_stack, err) < 0)
        return -1;
    m->stack[m->n_stack++] = v;
    return 0;
}

static int add_items(struct pickle *m, struct items *to, const struct value *from, size_t n, struct err *err)
{
    if (n > to->room - to->n) {
        size_t room = 2 * to->n + n;
        struct value *more = pickle_take(m, room, sizeof *more, err);
        if (!more)
            return -1;
        if (to->n)
            memcpy(more, to->at, to->n * sizeof *more);
        to->at = more, to->room = room;
    }
    if (n)
        memcpy(to->at + to->n, from, n * sizeof *from);
    to->n += n;
    return 0;
}

/* A container with the uppermost 'n' values, which leave the stack. */
static int pack(struct pickle *m, enum pickle_kind kind, size_t n, struct err *err)
{
    struct items *items = pickle_take(m, 1, sizeof *items, err);
    if (!items || add_items(m, items, m->stack + m->n_stack - n, n, err) < 0)
        return -1;
    m->n_stack -= n;
    return push(m, (struct value){ .kind = kind, .items = items }, err);
}

int pickle_dict(struct pickle *m, struct value *out, struct err *err)
{
    *out = (struct value){ .kind = PICKLE_DICT, .items = pickle_take(m, 1, sizeof *out->items, err) };
    if (!out->items)
        return -1;
    out->items->ordered = true;
    return 0;
}

/* ---- the instructions ---- */

static int damaged(const char *what, struct err *err)
{
    return err_set(err, ERR_FORMAT, "its pickle is damaged: %s; copy the file again", what);
}

const char *pickle_kind_name(const struct value *v)
{
    static const char *const name[] = {
        [PICKLE_NONE] = "None",         [PICKLE_BOOL] = "a truth",
        [PICKLE_INT] = "a number",      [PICKLE_LONG] = "a number",
        [PICKLE_FLOAT] = "a number",    [PICKLE_TEXT] = "a text",
        [PICKLE_TUPLE] = "a tuple",     [PICKLE_LIST] = "a list",
        [PICKLE_DICT] = "a dictionary", [PICKLE_NAME] = "a class or function",
        [PICKLE_STORAGE] = "a storage", [PICKLE_TENSOR] = "a tensor",
        [PICKLE_MARK] = "a mark",
    };
    return name[v->kind];
}

/* The uppermost values, all of them above the last mark. */
static struct value *top(struct pickle *m, size_t n, struct err *err)
{
    if (m->n_stack < n) {
        damaged("its stack is empty", err);
        return NULL;
    }
    struct value *v = m->stack + m->n_stack - n;
    for (size_t i = 0; i < n; i++)
        if (v[i].kind == PICKLE_MARK) {
            damaged("a mark lies where a value should", err);
            return NULL;
        }
    return v;
}

/* How many values lie above the last mark. -1: there is none. */
static int above_mark(struct pickle *m, size_t *n, struct err *err)
{
    size_t i = m->n_stack;
    while (i > 0 && m->stack[i - 1].kind != PICKLE_MARK)
        i--;
    *n = m->n_stack - i;
    return i ? 0 : damaged("there is no mark", err);
}

struct step {
    const char *name;
    uint8_t bytes;                        /* of its argument, a little-endian number */
    int (*run)(struct pickle *m, const struct step *op, uint64_t arg, struct err *err); /* 1: the bytes end; NULL: refused */
    int extra;
};

static int op_proto(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)m, (void)op;
    return arg >= 2 && arg <= 5 ? 0
                                : err_set(err, ERR_MODEL, "a pickle of protocol %d, this program reads 2 to 5; save it again", (int)arg);
}

static int op_frame(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)m, (void)op, (void)arg, (void)err;
    return 0;                                                                       /* its length would only help to read ahead */
}

static int op_constant(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)arg;
    if (op->extra == 'T')
        return push(m, (struct value){ .kind = PICKLE_BOOL, .integer = 1 }, err);
    return push(m, (struct value){ .kind = (enum pickle_kind)op->extra }, err);
}

static int op_empty(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)arg;
    return pack(m, (enum pickle_kind)op->extra, 0, err);
}

static int op_int(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    return push(m, (struct value){ .kind = PICKLE_INT, .integer = op->bytes == 4 ? (int32_t)arg : (int64_t)arg }, err);
}

static int op_long(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)op;
    if ((uint64_t)(m->end - m->p) < arg)
        return 1;
    struct value v = { .kind = arg > 8 ? PICKLE_LONG : PICKLE_INT };
    if (arg > 8)
        v.text = (const char *)m->p, v.len = (uint32_t)arg;
    if (arg > 0 && arg <= 8) {
        uint64_t bits = number(m->p, arg), sign = (uint64_t)1 << (8 * arg - 1);
        v.integer = (int64_t)((bits ^ sign) - sign);                                /* two's complement of 'arg' bytes */
    }
    m->p += arg;
    return push(m, v, err);
}

static int op_text(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)op;
    if ((uint64_t)(m->end - m->p) < arg)
        return 1;
    struct value v = { .kind = PICKLE_TEXT, .len = (uint32_t)arg, .text = (const char *)m->p };
    m->p += arg;
    return arg > UINT32_MAX ? damaged("a text of gigabytes", err) : push(m, v, err);
}

static int op_tuple(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)arg;
    return top(m, (size_t)op->extra, err) ? pack(m, PICKLE_TUPLE, (size_t)op->extra, err) : -1;
}

static int op_marked_tuple(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    size_t n;
    (void)op, (void)arg;
    if (above_mark(m, &n, err) < 0 || pack(m, PICKLE_TUPLE, n, err) < 0)
        return -1;
    m->stack[m->n_stack - 2] = m->stack[m->n_stack - 1];                            /* over the mark */
    m->n_stack--;
    return 0;
}

/* Put 'n' values into the container below them ('marked': below their mark). */
static int put(struct pickle *m, enum pickle_kind kind, size_t n, bool marked, struct err *err)
{
    if (m->n_stack < n + marked + 1)
        return damaged("its stack is empty", err);
    const struct value *to = &m->stack[m->n_stack - n - marked - 1];
    if (to->kind != kind)
        return damaged("something is added to what is no list or dictionary", err);
    if (kind == PICKLE_DICT && n % 2)
        return damaged("a key without a value", err);
    if (add_items(m, to->items, m->stack + m->n_stack - n, n, err) < 0)
        return -1;
    m->n_stack -= n + marked;
    return 0;
}

static int op_put(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    size_t n = op->extra == PICKLE_DICT ? 2 : 1;
    (void)arg;
    return top(m, n, err) ? put(m, (enum pickle_kind)op->extra, n, false, err) : -1;
}

static int op_put_marked(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    size_t n;
    (void)arg;
    return above_mark(m, &n, err) < 0 ? -1 : put(m, (enum pickle_kind)op->extra, n, true, err);
}

static int remember(struct pickle *m, uint64_t at, struct err *err)
{
    const struct value *v = top(m, 1, err);
    if (!v || reach(m, &m->memo, &m->memo_room, at, err) < 0)
        return -1;
    m->memo[at] = *v;
    m->n_memo++;
    return 0;
}

static int op_memo(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    return remember(m, op->bytes ? arg : m->n_memo, err);                           /* MEMOIZE counts for itself */
}

static int op_recall(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    (void)op;
    /* What was never put is a zeroed value, and None is not put: it takes fewer bytes than to recall it. */
    if (arg >= m->memo_room || m->memo[arg].kind == PICKLE_NONE)
        return damaged("it recalls what it never put aside", err);
    return push(m, m->memo[arg], err);
}

static int line(struct pickle *m, struct slice *out)
{
    const uint8_t *nl = memchr(m->p, '\n', (size_t)(m->end - m->p));
    if (!nl)
        return 1;
    *out = (struct slice){ (const char *)m->p, (size_t)(nl - m->p) };
    m->p = nl + 1;
    return 0;
}

static int op_global(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    struct slice module, name;
    struct value v;
    (void)op, (void)arg;
    if (m->p == m->end || line(m, &module) || m->p == m->end || line(m, &name))
        return 1;
    return rebuild_name(module, name, &v, err) < 0 ? -1 : push(m, v, err);
}

static int op_stack_global(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    struct value *v = top(m, 2, err);
    (void)op, (void)arg;
    if (!v)
        return -1;
    if (v[0].kind != PICKLE_TEXT || v[1].kind != PICKLE_TEXT)
        return damaged("a name that is no text", err);
    m->n_stack -= 2;
    return rebuild_name((struct slice){ v[0].text, v[0].len }, (struct slice){ v[1].text, v[1].len }, v, err) < 0 ? -1 : push(m, *v, err);
}

static int op_reduce(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    struct value *v = top(m, 2, err), r;
    (void)op, (void)arg;
    if (!v || rebuild_call(m, &v[0], &v[1], &r, err) < 0)
        return -1;
    m->n_stack -= 2;
    return push(m, r, err);
}

static int op_persid(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    struct value *v = top(m, 1, err), r;
    (void)op, (void)arg;
    if (!v || rebuild_storage(m, v, &r, err) < 0)
        return -1;
    *v = r;
    return 0;
}

static int op_build(struct pickle *m, const struct step *op, uint64_t arg, struct err *err)
{
    struct value *v = top(m, 2, err);
    (void)op, (void)arg;
    if (!v || rebuild_state(&v[0], &v[1], err) < 0)
        return -1;
    m->n_stack--;
    return 0;
}

static const struct step step[256] = {
    /* what state dicts are made of */
    [0x80] = { "PROTO", 1, op_proto, 0 },
    [0x95] = { "FRAME", 8, op_frame, 0 },
    ['('] = { "MARK", 0, op_constant, PICKLE_MARK },
    ['N'] = { "NONE", 0, op_constant, PICKLE_NONE },
    [0x88] = { "NEWTRUE", 0, op_constant, 'T' },
    [0x89] = { "NEWFALSE", 0, op_constant, PICKLE_BOOL },
    ['G'] = { "BINFLOAT", 8, op_constant, PICKLE_FLOAT },
    ['}'] = { "EMPTY_DICT", 0, op_empty, PICKLE_DICT },
    [']'] = { "EMPTY_LIST", 0, op_empty, PICKLE_LIST },
    [')'] = { "EMPTY_TUPLE", 0, op_empty, PICKLE_TUPLE },
    ['K'] = { "BININT1", 1, op_int, 0 },
    ['M'] = { "BININT2", 2, op_int, 0 },
    ['J'] = { "BININT", 4, op_int, 0 },
    [0x8a] = { "LONG1", 1, op_long, 0 },
    ['X'] = { "BINUNICODE", 4, op_text, 0 },
    [0x8c] = { "SHORT_BINUNICODE", 1, op_text, 0 },
    [0x8d] = { "BINUNICODE8", 8, op_text, 0 },
    [0x85] = { "TUPLE1", 0, op_tuple, 1 },
    [0x86] = { "TUPLE2", 0, op_tuple, 2 },
    [0x87] = { "TUPLE3", 0, op_tuple, 3 },
    ['t'] = { "TUPLE", 0, op_marked_tuple, 0 },
    ['s'] = { "SETITEM", 0, op_put, PICKLE_DICT },
    ['a'] = { "APPEND", 0, op_put, PICKLE_LIST },
    ['u'] = { "SETITEMS", 0, op_put_marked, PICKLE_DICT },
    ['e'] = { "APPENDS", 0, op_put_marked, PICKLE_LIST },
    ['q'] = { "BINPUT", 1, op_memo, 0 },
    ['r'] = { "LONG_BINPUT", 4, op_memo, 0 },
    [0x94] = { "MEMOIZE", 0, op_memo, 0 },
    ['h'] = { "BINGET", 1, op_recall, 0 },
    ['j'] = { "LONG_BINGET", 4, op_recall, 0 },
    ['c'] = { "GLOBAL", 0, op_global, 0 },
    [0x93] = { "STACK_GLOBAL", 0, op_stack_global, 0 },
    ['R'] = { "REDUCE", 0, op_reduce, 0 },
    ['Q'] = { "BINPERSID", 0, op_persid, 0 },
    ['b'] = { "BUILD", 0, op_build, 0 },
    /* what they are not made of, by name */
    ['0'] = { .name = "POP" }, ['1'] = { .name = "POP_MARK" }, ['2'] = { .name = "DUP" }, ['F'] = { .name = "FLOAT" },
    ['I'] = { .name = "INT" }, ['L'] = { .name = "LONG" }, ['P'] = { .name = "PERSID" }, ['S'] = { .name = "STRING" },
    ['T'] = { .name = "BINSTRING" }, ['U'] = { .name = "SHORT_BINSTRING" }, ['V'] = { .name = "UNICODE" }, ['d'] = { .name = "DICT" },
    ['g'] = { .name = "GET" }, ['i'] = { .name = "INST" }, ['l'] = { .name = "LIST" }, ['o'] = { .name = "OBJ" }, ['p'] = { .name = "PUT" },
    ['B'] = { .name = "BINBYTES" }, ['C'] = { .name = "SHORT_BINBYTES" }, [0x81] = { .name = "NEWOBJ" }, [0x82] = { .name = "EXT1" },
    [0x83] = { .name = "EXT2" }, [0x84] = { .name = "EXT4" }, [0x8b] = { .name = "LONG4" }, [0x8e] = { .name = "BINBYTES8" },
    [0x8f] = { .name = "EMPTY_SET" }, [0x90] = { .name = "ADDITEMS" }, [0x91] = { .name = "FROZENSET" }, [0x92] = { .name = "NEWOBJ_EX" },
    [0x96] = { .name = "BYTEARRAY8" }, [0x97] = { .name = "NEXT_BUFFER" }, [0x98] = { .name = "READONLY_BUFFER" },
};

static int refuse(uint8_t op, struct err *err)
{
    if (!step[op].name)
        return err_set(err, ERR_FORMAT, "its pickle is damaged: 0x%02x is no instruction; copy the file again", op);
    return err_set(err, ERR_MODEL, "its pickle uses %s, which no state dict needs; nothing was called; save the model's state_dict() alone",
                   step[op].name);
}

int pickle_run(struct pickle *m, const void *bytes, size_t n, size_t *used, struct value *out, struct err *err)
{
    m->p = bytes, m->end = m->p + n;
    m->n_stack = m->n_memo = 0;
    if (reach(m, &m->stack, &m->stack_room, 0, err) < 0)                            /* so that it is never NULL */
        return -1;
    if (m->memo_room)
        memset(m->memo, 0, m->memo_room * sizeof *m->memo);                         /* no value of an earlier pickle */
    for (;;) {
        if (m->p == m->end)
            return 1;
        uint8_t op = *m->p++;
        if (op == '.')
            break;
        const struct step *s = &step[op];
        if (!s->run)
            return refuse(op, err);
        if (m->end - m->p < s->bytes)
            return 1;
        uint64_t arg = number(m->p, s->bytes);
        m->p += s->bytes;
        int rc = s->run(m, s, arg, err);
        if (rc)
            return rc;
    }
    if (m->n_stack != 1 || m->stack[0].kind == PICKLE_MARK)
        return damaged("it ends with other than one value", err);
    *used = n - (size_t)(m->end - m->p);
    *out = m->stack[0];
    return 0;
}

void pickle_free(struct pickle *m)
{
    while (m->blocks) {
        struct block *next = m->blocks->next;
        free(m->blocks);
        m->blocks = next;
    }
    free(m->stack);
    free(m->memo);
    *m = (struct pickle){0};
}
