/* pytorch.c - the tensors of a PyTorch file, and where their bytes lie. Two forms: a zip archive whose member data.pkl is the state dict
 * and whose members data/KEY are the storages; and, before PyTorch 1.6, five pickles and then the storages one behind the other. Only the
 * directory is read at open. What lies right before a storage's bytes is looked at when they are loaded: at open it would cost a read for
 * each, all over the file. */
#include "mtbench/pytorch.h"

#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "pickle.h"
#include "shown.h"
#include "zipdir.h"

#include <stdlib.h>

enum { MAX_DIRECTORY = 8 << 20, MAX_PICKLE = 8 << 20, MAX_TENSORS = 1 << 16, FIRST_READ = 256 << 10 };

/* The bytes of a storage. */
struct region {
    struct slice key;
    const struct torch_name *type;
    uint64_t n, bytes;                    /* elements, and their bytes */
    uint64_t at;                          /* of what lies before the data: a local header, or their number */
    const struct zip_member *member;      /* NULL: the old form */
    bool located;
    uint64_t data;                        /* once it is located */
};

struct pytorch_file {
    struct buf pickle, directory;         /* names point into them */
    struct zipdir zip;
    struct region *region;
    size_t n_regions;
};

static int read_more(const struct source *s, int file, uint64_t at, uint64_t n, struct buf *b, struct err *err)
{
    if (s->read(s->ctx, file, at, buf_reserve(b, n), n, err) < 0)
        return -1;
    b->len += n;
    return 0;
}

/* ---- from the state dict to tensors ---- */

/* The region of a storage: one for all tensors that share it. */
static int find_region(struct pytorch_file *f, struct map *by_key, const struct storage *s, size_t *index, struct err *err)
{
    *index = map_add(by_key, s->key.ptr, s->key.len, f->n_regions);
    if (*index < f->n_regions) {
        const struct region *r = &f->region[*index];
        return r->type == s->type && r->n == s->n
                   ? 0
                   : err_set(err, ERR_FORMAT,
                             "storage %s is said to be %llu numbers of %s and %llu of %s; "
                             "the file is damaged, copy it again",
                             shown(s->key).text, (unsigned long long)r->n, r->type->name, (unsigned long long)s->n, s->type->name);
    }
    f->region = xrealloc(f->region, f->n_regions + 1, sizeof *f->region);
    f->region[f->n_regions++] = (struct region){ .key = s->key, .type = s->type, .n = s->n, .bytes = s->n * (uint64_t)s->type->width };
    return 0;
}

static int add_tensor(struct pytorch *t, struct map *by_key, const struct value *key, const struct value *v, struct err *err)
{
    if (key->kind != PICKLE_TEXT)
        return err_set(err, ERR_MODEL, "its state dict has %s for a name; save the model's state_dict() alone", pickle_kind_name(key));
    struct slice name = { key->text, key->len };
    if (v->kind != PICKLE_TENSOR)
        return err_set(
            err, ERR_MODEL,
            "\"%s\" is %s and no tensor: a checkpoint of a training, not a state dict alone; save the model's state_dict() alone",
            shown(name).text, pickle_kind_name(v));
    const struct tensor *from = v->tensor;
    struct pytorch_tensor *to = &t->tensor[t->n_tensors++];
    *to = (struct pytorch_tensor){
        .name = name,
        .type = from->odd ? from->odd : from->type->type,
        .dtype = from->odd ? DT_COUNT : from->type->dtype,
        .n_dims = from->n_dims,
        .first = from->first * (uint64_t)from->type->width, /* no overflow: it lies inside the storage, or has no elements */
    };
    memcpy(to->dim, from->dim, sizeof to->dim);
    memcpy(to->stride, from->stride, sizeof to->stride);
    return find_region(t->file, by_key, from->storage, &to->storage, err);
}

static int add_tensors(struct pytorch *t, const struct value *root, struct err *err)
{
    struct map by_key = {0};
    int rc = 0;
    if (root->kind != PICKLE_DICT)
        return err_set(err, ERR_MODEL, "holds %s and no state dict; save the model's state_dict()", pickle_kind_name(root));
    size_t n = root->items->n / 2;
    if (n > MAX_TENSORS)
        return err_set(err, ERR_MODEL, "holds %zu tensors, more than the %d that a file may have; save it in shards", n, MAX_TENSORS);
    t->tensor = xcalloc(n ? n : 1, sizeof *t->tensor);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_tensor(t, &by_key, &root->items->at[2 * i], &root->items->at[2 * i + 1], err);
    map_free(&by_key);
    return rc;
}

static void place_tensors(struct pytorch *t)
{
    for (size_t i = 0; i < t->n_tensors; i++)
        t->tensor[i].place = t->file->region[t->tensor[i].storage].at + t->tensor[i].first;
}

/* ---- the zip form ---- */

/* "NAME/data.pkl": length of "NAME/". 0: it is another file. */
static size_t root_of(struct slice name)
{
    static const char tail[] = "/data.pkl";
    const size_t n = sizeof tail - 1;
    const char *slash = memchr(name.ptr, '/', name.len);
    return slash && name.len > n && slash == name.ptr + name.len - n && !memcmp(slash, tail, n) ? name.len - n + 1 : 0;
}

static const struct zip_member *find_member(const struct pytorch_file *f, struct slice root, const char *sub, struct slice name)
{
    struct buf full = {0};
    buf_add(&full, root.ptr, root.len);
    buf_str(&full, sub);
    buf_add(&full, name.ptr, name.len);
    const struct zip_member *m = zipdir_find(&f->zip, (struct slice){ full.data, full.len });
    buf_free(&full);
    return m;
}

static int read_directory(struct pytorch_file *f, const struct source *s, int file, struct err *err)
{
    struct buf tail = {0};
    struct zip_end end;
    const uint64_t size = s->size[file], n = size < ZIPDIR_TAIL ? size : ZIPDIR_TAIL;
    int rc = read_more(s, file, size - n, n, &tail, err);
    if (rc == 0)
        rc = zipdir_end((const uint8_t *)tail.data, n, size, &end, err);
    buf_free(&tail);
    if (rc < 0)
        return -1;
    if (end.bytes > MAX_DIRECTORY)
        return err_set(err, ERR_MODEL, "its zip directory has %llu bytes, more than the %d of a weight file; convert it to safetensors",
                       (unsigned long long)end.bytes, MAX_DIRECTORY);
    if (read_more(s, file, end.at, end.bytes, &f->directory, err) < 0)
        return -1;
    return zipdir_parse((const uint8_t *)f->directory.data, &end, &f->zip, err);
}

/* The state dict's member, in an archive that torch.save() made. */
static int find_pickle(const struct pytorch_file *f, const struct zip_member **pickle, struct slice *root, struct err *err)
{
    *pickle = NULL;
    for (size_t i = 0; i < f->zip.n; i++) {
        const struct zip_member *m = &f->zip.member[i];
        size_t n = root_of(m->name);
        if (n && *pickle)
            return err_set(err, ERR_FORMAT, "a zip archive with two data.pkl, %s and %s; copy the file again", shown((*pickle)->name).text,
                           shown(m->name).text);
        if (n)
            *pickle = m, *root = (struct slice){ m->name.ptr, n };
    }
    if (!*pickle)
        return err_set(err, ERR_MODEL, "a zip archive without data.pkl, which torch.save() did not make; save the model's state_dict()");
    if (find_member(f, *root, "constants.pkl", (struct slice){ "", 0 }))
        return err_set(err, ERR_MODEL, "a TorchScript archive, which is a program; save the model's state_dict()");
    for (size_t i = 0; i < f->zip.n; i++)
        if (f->zip.member[i].packed)
            return err_set(err, ERR_MODEL, "zip member %s is %s, as torch.save() leaves none; save it again",
                           shown(f->zip.member[i].name).text, f->zip.member[i].packed);
    return 0;
}

static int locate_member(const struct zip_member *m, const struct source *s, int file, uint64_t *data, struct err *err)
{
    struct buf b = {0};
    int rc = read_more(s, file, m->at, ZIPDIR_LOCAL + m->name.len, &b, err);
    if (rc == 0)
        rc = zip_member_data(m, (const uint8_t *)b.data, data, err);
    buf_free(&b);
    return rc;
}

/* Files from before PyTorch 2.1 do not say, and were little-endian on every machine that had models. */
static int check_order(const struct pytorch_file *f, struct slice root, const struct source *s, int file, struct err *err)
{
    const struct zip_member *m = find_member(f, root, "byteorder", (struct slice){ "", 0 });
    char order[6];
    uint64_t at;
    if (!m)
        return 0;
    if (locate_member(m, s, file, &at, err) < 0)
        return -1;
    if (m->bytes != sizeof order || s->read(s->ctx, file, at, order, sizeof order, err) < 0 || memcmp(order, "little", 6) != 0)
        return err_set(err, ERR_MODEL,
                       "its numbers are not little-endian; save it on a little-endian machine, or convert it to safetensors");
    return 0;
}

static int place_members(struct pytorch_file *f, struct slice root, struct err *err)
{
    for (size_t i = 0; i < f->n_regions; i++) {
        struct region *r = &f->region[i];
        r->member = find_member(f, root, "data/", r->key);
        if (!r->member)
            return err_set(err, ERR_FORMAT, "storage %s is not in the archive; the file is damaged, copy it again", shown(r->key).text);
        if (r->member->bytes != r->bytes)
            return err_set(err, ERR_FORMAT,
                           "storage %s has %llu bytes, its %llu numbers of %s need %llu; the file is damaged, copy it again",
                           shown(r->key).text, (unsigned long long)r->member->bytes, (unsigned long long)r->n, r->type->name,
                           (unsigned long long)r->bytes);
        r->at = r->member->at;
    }
    return 0;
}

/* torch.save() writes the storages of the tensors and no others: one too many is the trace of a name that was changed. */
static int check_unused(const struct pytorch_file *f, struct slice root, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < f->zip.n; i++) {
        struct slice name = f->zip.member[i].name;
        n += name.len > root.len + 5 && !memcmp(name.ptr, root.ptr, root.len) && !memcmp(name.ptr + root.len, "data/", 5);
    }
    if (n == f->n_regions)
        return 0;
    return err_set(err, ERR_FORMAT, "the archive has %zu storages, its tensors use %zu; the file is damaged, copy it again", n,
                   f->n_regions);
}

static int open_zip(struct pytorch *t, struct pickle *m, const struct source *s, int file, struct err *err)
{
    struct pytorch_file *f = t->file;
    const struct zip_member *pickle;
    struct slice root;
    struct value dict;
    uint64_t at;
    size_t used;
    if (read_directory(f, s, file, err) < 0 || find_pickle(f, &pickle, &root, err) < 0)
        return -1;
    if (pickle->bytes > MAX_PICKLE)
        return err_set(err, ERR_MODEL, "its data.pkl has %llu bytes, more than the %d of any state dict; convert it to safetensors",
                       (unsigned long long)pickle->bytes, MAX_PICKLE);
    if (locate_member(pickle, s, file, &at, err) < 0 || read_more(s, file, at, pickle->bytes, &f->pickle, err) < 0 ||
        check_order(f, root, s, file, err) < 0)
        return -1;
    int rc = pickle_run(m, f->pickle.data, f->pickle.len, &used, &dict, err);
    if (rc < 0)
        return -1;
    if (rc || used != f->pickle.len)
        return err_set(err, ERR_FORMAT, "its data.pkl ends %s; the file is damaged, copy it again", rc ? "in the middle" : "too early");
    return add_tensors(t, &dict, err) < 0 || place_members(f, root, err) < 0 ? -1 : check_unused(f, root, err);
}

/* ---- the old form ---- */

enum { MAGIC, PROTOCOL, SYSTEM, STATE, KEYS, N_PICKLES };

/* The five pickles at the head of the file. 1: they go on behind these bytes. */
static int run_head(struct pickle *m, const struct buf *b, struct value v[N_PICKLES], size_t *end, struct err *err)
{
    static const uint8_t magic[] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
    *end = 0;
    for (int i = 0; i < N_PICKLES; i++) {
        size_t used;
        int rc = pickle_run(m, b->data + *end, b->len - *end, &used, &v[i], err);
        if (rc)
            return rc;
        *end += used;
        if (i == MAGIC && (v[0].kind != PICKLE_LONG || v[0].len != sizeof magic || memcmp(v[0].text, magic, sizeof magic) != 0))
            return err_set(err, ERR_MODEL, "a pickle, but no file of PyTorch; save the model's state_dict() by torch.save()");
        if (i == PROTOCOL && (v[1].kind != PICKLE_INT || v[1].integer != 1001))
            return err_set(err, ERR_MODEL, "a file of PyTorch in a form of another version; save it again");
    }
    return 0;
}

static int check_system(const struct value *v, struct err *err)
{
    for (size_t i = 0; v->kind == PICKLE_DICT && i < v->items->n; i += 2) {
        const struct value *key = &v->items->at[i], *is = key + 1;
        if (key->kind == PICKLE_TEXT && slice_is((struct slice){ key->text, key->len }, "little_endian") && is->kind == PICKLE_BOOL &&
            is->integer)
            return 0;
    }
    return err_set(err, ERR_MODEL, "its numbers are not little-endian; save it on a little-endian machine, or convert it to safetensors");
}

/* Storages lie in the order of the keys, each behind its 8 bytes of number, and fill the file. */
static int place_regions(struct pytorch_file *f, const struct value *keys, uint64_t at, uint64_t size, struct err *err)
{
    struct map by_key = {0};
    int rc = -1;
    if (keys->kind != PICKLE_LIST || keys->items->n != f->n_regions) {
        err_set(err, ERR_FORMAT, "its list of storages is not that of its tensors; the file is damaged, copy it again");
        goto out;
    }
    for (size_t i = 0; i < f->n_regions; i++)
        map_add(&by_key, f->region[i].key.ptr, f->region[i].key.len, i);
    for (size_t i = 0; i < f->n_regions; i++) {
        const struct value *key = &keys->items->at[i];
        size_t k = key->kind == PICKLE_TEXT ? map_find(&by_key, key->text, key->len) : MAP_NONE;
        struct region *r = k == MAP_NONE ? NULL : &f->region[k];
        if (!r || r->at) {                                                          /* every place is behind the head, so not 0 */
            err_set(err, ERR_FORMAT, "its list of storages is not that of its tensors; the file is damaged, copy it again");
            goto out;
        }
        if (size - at < 8 || size - at - 8 < r->bytes) {
            err_set(err, ERR_FORMAT,
                    "storage %s: its %llu bytes from byte %llu on reach beyond the end; the file is cut short, copy it again",
                    shown(r->key).text, (unsigned long long)r->bytes, (unsigned long long)at);
            goto out;
        }
        r->at = at, at += 8 + r->bytes;
    }
    rc = at == size ? 0 : err_set(err, ERR_FORMAT, "its storages end at byte %llu, the file has %llu; the file is damaged, copy it again",
                                  (unsigned long long)at, (unsigned long long)size);
out:
    map_free(&by_key);
    return rc;
}

/* How long the head is shows at its end: read a piece, and twice as much when it was too short. */
static int open_old(struct pytorch *t, struct pickle *m, const struct source *s, int file, struct err *err)
{
    struct pytorch_file *f = t->file;
    struct buf *b = &f->pickle;
    const uint64_t size = s->size[file];
    uint64_t want = FIRST_READ;
    struct value v[N_PICKLES];
    size_t end;
    int rc;
    do {
        want = want > size ? size : want;
        if (read_more(s, file, b->len, want - b->len, b, err) < 0)
            return -1;
        pickle_free(m);                                                             /* the bytes may have moved */
        rc = run_head(m, b, v, &end, err);
        want *= 2;
    } while (rc == 1 && b->len < size && want <= MAX_PICKLE);
    if (rc == 1)
        return err_set(err, ERR_FORMAT, "its head does not end within %zu bytes; the file is cut short or damaged, copy it again", b->len);
    if (rc < 0 || check_system(&v[SYSTEM], err) < 0 || add_tensors(t, &v[STATE], err) < 0)
        return -1;
    return place_regions(f, &v[KEYS], end, size, err);
}

/* ---- open, locate ---- */

static int foreign(const char *head, struct err *err)
{
    if (!memcmp(head, "vers", 4))
        return err_set(err, ERR_MODEL, "a pointer of Git LFS and not the file itself; fetch it with git lfs pull");
    return err_set(err, ERR_MODEL, "no file of PyTorch: neither a zip archive nor a pickle; copy it again, or choose another format");
}

int pytorch_open(struct pytorch *t, const struct source *s, int file, struct err *err)
{
    struct pickle m = {0};
    char head[4];
    int rc;
    *t = (struct pytorch){ .file = xcalloc(1, sizeof *t->file) };
    if (s->size[file] < sizeof head)
        rc = err_set(err, ERR_FORMAT, "only %llu bytes; no PyTorch file is that short, copy it again", (unsigned long long)s->size[file]);
    else if ((rc = s->read(s->ctx, file, 0, head, sizeof head, err)) == 0)
        rc = !memcmp(head, "PK\3\4", 4)    ? open_zip(t, &m, s, file, err)
             : (uint8_t)head[0] == 0x80 ? open_old(t, &m, s, file, err)
                                        : foreign(head, err);
    pickle_free(&m);
    if (rc < 0)
        pytorch_free(t);
    else
        place_tensors(t);
    return rc;
}

int pytorch_data(struct pytorch *t, const struct source *s, int file, size_t storage, uint64_t *at, struct err *err)
{
    struct region *r = &t->file->region[storage];
    if (!r->located && r->member) {
        if (locate_member(r->member, s, file, &r->data, err) < 0)
            return -1;
    } else if (!r->located) {
        uint64_t n;
        if (s->read(s->ctx, file, r->at, &n, sizeof n, err) < 0)                    /* little-endian, as this machine is */
            return -1;
        if (n != r->n)
            return err_set(err, ERR_FORMAT, "storage %s has %llu numbers, its tensors say %llu; the file is damaged, copy it again",
                           shown(r->key).text, (unsigned long long)n, (unsigned long long)r->n);
        r->data = r->at + sizeof n;
    }
    r->located = true;                                                              /* once: tensors that share it may be read later */
    *at = r->data;
    return 0;
}

void pytorch_free(struct pytorch *t)
{
    if (t->file) {
        buf_free(&t->file->pickle);
        buf_free(&t->file->directory);
        zipdir_free(&t->file->zip);
        free(t->file->region);
    }
    free(t->file);
    free(t->tensor);
    *t = (struct pytorch){0};
}
