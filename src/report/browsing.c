/* browsing.c - from what somebody wants to see in a browser to the page of it. */
#include "mtbench/browsing.h"

#include "gallery.h"
#include "page.h"

#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <stdlib.h>
#include <string.h>

/* "mt_bench.html", here, whatever folder the bench lies in. */
static char *page_name(const char *bench)
{
    const char *end = bench + strlen(bench);
    while (end > bench && end[-1] == '/')
        end--;
    const char *start = end;
    while (start > bench && start[-1] != '/')
        start--;
    return end == start || *start == '.' ? xstrdup("page.html") : xasprintf("%.*s.html", (int)(end - start), start);
}

static void put_count(struct buf *out, long n, const char *what)
{
    buf_printf(out, "%ld %s%s, ", n, what, n == 1 ? "" : "s");
}

static void tell(struct buf *out, const struct gallery *g, const char *place, bool split, const struct page_size *size)
{
    buf_printf(out, "%s%s: ", place, split ? "/index.html" : "");
    put_count(out, g->n_models, "model");
    put_count(out, g->questions.n, "question");
    put_count(out, size->answers, "answer");
    put_count(out, size->judgments, "judgment");
    put_count(out, g->n_judges, "judge");
    buf_printf(out, "%.1f MB; open it in a browser\n", (double)size->bytes / 1e6);
}

int browsing_put(struct buf *out, const struct browsing *o, struct err *err)
{
    if (o->output && bench_output_check(o->output, err) < 0)
        return -1;
    const struct gallery_choice choice = { o->data_dir, o->bench_name, o->model_list, o->judges, o->slicing, o->sliced };
    char *place = o->split ? xstrdup(o->split) : o->output ? xstrdup(o->output) : page_name(o->bench_name);
    struct gallery g;
    struct page_size size;
    int rc = gallery_open(&g, &choice, err);
    if (rc == 0 && g.n_models == 0)
        rc = err_set(err, ERR_USAGE, "%s/%s: no answers and no judgments in it; answer the questions first, or name another --data-dir or "
                                     "--bench-name", o->data_dir, o->bench_name);
    if (rc == 0)
        rc = o->split ? page_put_split(&g, place, &size, err) : page_put(&g, place, &size, err);
    if (rc == 0)
        tell(out, &g, place, o->split != NULL, &size);
    gallery_close(&g);
    free(place);
    return rc;
}
