/* pytorch_large.c - a PyTorch file beyond 4 GiB: sizes and places that only zip64's fields can hold. Its large tensor is a hole in a sparse
 * file, so that this takes no room and, as nobody asks for that tensor, no time. */
#include "src/model/model_priv.h"

#include "folder.h"
#include "tap.h"
#include "torch_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;

/* False: this file system has no holes, or no room. */
static bool put(const char *path, const struct torch_file *f)
{
    struct stat st;
    size_t head = (size_t)f->hole_at, tail = f->b.len - head;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool good = fd >= 0 && ftruncate(fd, (off_t)(f->b.len + f->hole)) == 0 && pwrite(fd, f->b.data, head, 0) == (ssize_t)head &&
                pwrite(fd, f->b.data + head, tail, (off_t)(head + f->hole)) == (ssize_t)tail && fstat(fd, &st) == 0 &&
                st.st_blocks * 512 < 1 << 20;
    if (fd >= 0)
        close(fd);
    return good;
}

static bool reads(struct weight_plan *p, const struct source *s, const char *name, uint64_t row, const float want[3])
{
    float got[3] = { 0 };
    const struct stored *t = tensors_find(p, name);
    return t && t->cols == 3 && stored_read(p, s, t, row, 1, got, &err) == 0 && !memcmp(got, want, sizeof got);
}

int main(void)
{
    static const float before[3] = { 1, 2, 3 }, after[6] = { 4, 5, 6, 7, 8, 9 }, none[3];
    const int64_t rows = 1600000000;      /* of three numbers: 19 GB */
    const struct torch_spec spec[] = {
        { .name = "before", .storage_class = "FloatStorage", .key = "0", .n = 3, .n_dims = 1, .dim = { 3 }, .stride = { 1 }, .data = before,
          .width = 4 },
        { .name = "large", .storage_class = "FloatStorage", .key = "1", .n = 3 * rows, .n_dims = 2, .dim = { rows, 3 }, .stride = { 3, 1 },
          .width = 4 },
        { .name = "after", .storage_class = "FloatStorage", .key = "2", .n = 6, .n_dims = 2, .dim = { 2, 3 }, .stride = { 3, 1 },
          .data = after, .width = 4 },
    };
    struct torch_file f = { 0 };
    struct weight_plan p = { 0 };
    struct buf pickle = { 0 };
    torch_dict(&pickle, spec, 3, NULL, 0, false);
    torch_zip(&f, spec, 3, &pickle, NULL, "little");
    if (!put(own("large.bin"), &f)) {
        skip(4, "no sparse files here");
    } else {
        struct source *s = source_files_open((const char *const[]){ own("large.bin") }, 1, &err);
        ok(s && tensors_open(&p, s, &err) == 0 && p.n_stored == 3, "a file of %llu bytes: %s",
           s ? (unsigned long long)s->size[0] : 0, *err.text ? err.text : "opened");
        ok(reads(&p, s, "before", 0, before), "what lies before the large tensor %s", err.text);
        ok(reads(&p, s, "large", (uint64_t)rows - 1, none), "the large tensor's last row %s", err.text);
        ok(reads(&p, s, "after", 1, after + 3), "what lies behind it %s", err.text);
        source_files_close(s);
    }
    tensors_close(&p);
    torch_free(&f);
    buf_free(&pickle);
    return done_testing();
}
