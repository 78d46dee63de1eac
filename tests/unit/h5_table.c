/* h5_table.c - tables in an HDF5 file: what was written is read, in a file that was closed, copied, or appended to; and of files that
 * somebody cut, bent or wrote with other fields nothing is read that is not there. */
#include "src/report/h5_table.h"

#include "folder.h"
#include "tap.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

struct row {
    int64_t id;
    int32_t n;
    uint8_t word, flag;
    double x;
    char hash[65];
    char *text;
};
static const char *const words[] = { "ok", "failed", NULL };
static const struct h5_field field[] = {
    { "id", H5_INT, offsetof(struct row, id), NULL, "which", NULL },    { "n", H5_INT32, offsetof(struct row, n), "tokens", "", NULL },
    { "word", H5_WORD, offsetof(struct row, word), NULL, "", words },   { "flag", H5_FLAG, offsetof(struct row, flag), NULL, "", NULL },
    { "x", H5_REAL, offsetof(struct row, x), "s", "", NULL },           { "hash", H5_HASH, offsetof(struct row, hash), NULL, "", NULL },
    { "text", H5_TEXT, offsetof(struct row, text), NULL, "", NULL },
};
static const struct h5_table table = { "rows", "of a test", field, 7, sizeof(struct row) };
static struct err err;

static int put(struct h5 *h, const char *group, int first, int n)
{
    struct row r[300] = {0};
    char text[300][40];
    for (int i = 0; i < n; i++) {
        r[i] = (struct row){ first + i, -i, i % 2, i % 3 == 0, i ? i / 3.0 : NAN, "", text[i] };
        memset(r[i].hash, 'a' + i % 6, 64);
        snprintf(text[i], sizeof text[i], "tëxt %d\n%.*s", first + i, i % 20, "xxxxxxxxxxxxxxxxxxxxx");
    }
    if (n > 2)
        r[2].text = NULL;
    return h5_write(h, group, &table, r, (size_t)n, &err);
}

static bool holds(struct h5 *h, const char *group, int first, int n)
{
    void *rows;
    size_t count;
    if (h5_read(h, group, &table, &rows, &count, &err) < 0)
        return false;
    const struct row *r = rows;
    bool good = count == (size_t)n;
    for (int i = 0; i < n && good; i++) {
        char text[40];
        snprintf(text, sizeof text, "tëxt %d\n%.*s", first + i, i % 20, "xxxxxxxxxxxxxxxxxxxxx");
        good = r[i].id == first + i && r[i].n == -i && r[i].word == i % 2 && r[i].flag == (i % 3 == 0) && strlen(r[i].hash) == 64 &&
               (i ? r[i].x == i / 3.0 : isnan(r[i].x)) && (i == 2 ? !r[i].text : !strcmp(r[i].text, text));
    }
    h5_free(&table, rows, count);
    return good;
}

static void test_written(void)
{
    struct h5 *h = h5_create(own("a.h5"), &err);
    ok(h && put(h, "/run/one", 100, 300) == 0 && put(h, "/run/two", 5, 3) == 0 && put(h, "/", 7, 1) == 0 && put(h, "/run/none", 0, 0) == 0,
       "tables in groups that are made on the way: %s", err.text);
    ok(h && h5_put_text(h, "/", "schema", "a test", &err) == 0 && h5_put_int(h, "/run", "version", 3, &err) == 0, "attributes");
    ok(h5_close(h, &err) == 0, "closed");
    h = h5_open(own("a.h5"), &err);
    ok(h && holds(h, "/run/one", 100, 300) && holds(h, "/run/two", 5, 3) && holds(h, "/", 7, 1) && holds(h, "/run/none", 0, 0),
       "read again");
    void *rows;
    size_t n;
    ok(h && h5_read(h, "/nowhere/at/all", &table, &rows, &n, &err) == 0 && n == 0, "a table that is not there has no rows");
    h5_free(&table, rows, n);
    char *text = h5_get_text(h, "/", "schema"), **name;
    int64_t v = 0;
    ok(text && !strcmp(text, "a test") && h5_get_int(h, "/run", "version", &v) && v == 3 && !h5_get_text(h, "/run", "version") &&
           !h5_get_int(h, "/", "schema", &v) && !h5_get_text(h, "/no", "schema"),
       "attributes by name and kind");
    free(text);
    const int count = h5_names(h, "/run", &name, &err);
    ok(count == 3 && !strcmp(name[0], "none") && !strcmp(name[1], "one") && !strcmp(name[2], "two"), "names in order");
    for (int i = 0; i < count; i++)
        free(name[i]);
    free(name);
    h5_close(h, NULL);
}

static off_t size_of(const char *name)
{
    struct stat st;
    return stat(own(name), &st) == 0 ? st.st_size : -1;
}

/* Until the commit the file is the old one, byte for byte as far as its end. */
static void test_appended(void)
{
    static const char *const group[] = { "/run", NULL };
    struct buf before = {0}, after = {0};
    io_read(own("a.h5"), &before, &err);
    struct h5 *h = h5_append(own("a.h5"), group, &err), *old = h5_open(own("a.h5"), &err);
    ok(h && put(h, "/run/three", 9, 200) == 0 && h5_remove(h, "/run/two", &err) == 0 &&
           h5_remove(h, "/run/one", &err) == 0 && put(h, "/run/one", 50, 4) == 0 && put(h, "/", 8, 2) == 0 &&
           h5_put_text(h, "/", "schema", "another", &err) == 0,
       "one more, one less, one changed: %s", err.text);
    io_read(own("a.h5"), &after, &err);
    ok(after.len >= before.len && !memcmp(after.data, before.data, before.len), "nothing of the old file has changed");
    struct h5 *look = h5_open(own("a.h5"), &err);
    ok(look && holds(look, "/run/one", 100, 300) && holds(look, "/run/two", 5, 3) && !h5_there(look, "/run/three"),
       "who looks sees the old one");
    h5_close(look, NULL);
    ok(h && h5_commit(h, &err) == 0, "commit: %s", err.text);
    ok(old && holds(old, "/run/two", 5, 3) && holds(old, "/run/one", 100, 300), "who had the old one open goes on seeing it");
    h5_close(old, NULL);                 /* in one process the library shares what two have open */
    look = h5_open(own("a.h5"), &err);
    ok(look && holds(look, "/run/one", 50, 4) && holds(look, "/run/three", 9, 200) && holds(look, "/", 8, 2) &&
           !h5_there(look, "/run/two") && h5_there(look, "/run/none"),
       "and the new one behind it");
    h5_close(look, NULL);
    h = h5_append(own("a.h5"), group, &err);
    const off_t size = size_of("a.h5");
    put(h, "/run/four", 1, 250);
    h5_close(h, NULL);
    look = h5_open(own("a.h5"), &err);
    ok(look && !h5_there(look, "/run/four") && holds(look, "/run/three", 9, 200) && size_of("a.h5") == size,
       "without a commit nothing has happened");
    h5_close(look, NULL);
    for (int i = 0; i < 3; i++) {
        h = h5_append(own("a.h5"), group, &err);
        h5_remove(h, "/run/five", &err);
        put(h, "/run/five", i, 250);
        ok(h && h5_commit(h, &err) == 0, "again: %s", err.text);
    }
    look = h5_open(own("a.h5"), &err);
    ok(look && holds(look, "/run/five", 2, 250) && holds(look, "/run/three", 9, 200) && holds(look, "/run/one", 50, 4) &&
           size_of("a.h5") > size,
       "all of it is there");
    struct h5 *copy = h5_create(own("b.h5"), &err);
    ok(copy && h5_copy(look, copy, "/run", &err) == 0 && holds(copy, "/run/five", 2, 250) && holds(copy, "/run/one", 50, 4),
       "copied to a new file");
    h5_close(copy, NULL);
    h5_close(look, NULL);
    ok(size_of("b.h5") < size_of("a.h5"), "which has nothing of what was replaced");
    buf_free(&before);
    buf_free(&after);
}

/* The library loses memory of files that it refuses. */
__attribute__((used, visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* Every byte of the head, and places all over, cut and bent: an error or the right rows, and no other end. */
static void test_hostile(void)
{
    struct buf b = {0};
    int refused = 0, read = 0;
    io_read(own("b.h5"), &b, &err);
    for (size_t i = 0; i < 400; i++) {
        const size_t at = i < 100 ? i : (i * 7919) % b.len;
        const char was = b.data[at];
        b.data[at] ^= (char)(1 << i % 8);
        io_replace(own("c.h5"), b.data, i % 5 == 4 ? at : b.len, &err);
        b.data[at] = was;
        struct h5 *h = h5_open(own("c.h5"), &err), *more = h5_append(own("c.h5"), (const char *const[]){ "/run", NULL }, &err);
        void *rows;
        size_t n;
        if (h && h5_read(h, "/run/five", &table, &rows, &n, &err) == 0) {
            h5_free(&table, rows, n);
            read++;
        } else {
            refused++;
        }
        h5_close(h, NULL);
        h5_close(more, NULL);
    }
    ok(refused > 0 && read > 0, "400 files that were cut or bent: %d refused, %d read", refused, read);
    buf_free(&b);
}

int main(void)
{
    test_written();
    test_appended();
    test_hostile();
    return done_testing();
}
