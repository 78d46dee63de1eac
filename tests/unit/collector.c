/* collector.c - runs collected ahead: all of them, in their order, and whatever moment the caller has enough at. */
#include "src/report/collector.h"

#include "folder.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

enum { FOLDERS = 9 };

static struct err err;
static char path[FOLDERS + 1][300];
static char *word[FOLDERS + 1];

static void make(int i)
{
    char name[100], line[200];
    for (int m = 0; m < 2; m++) {
        snprintf(name, sizeof name, "d%d/set/model_answer/m%d.jsonl", i, m);
        snprintf(line, sizeof line, "{\"question_id\": %d, \"choices\": [{\"index\": 0, \"turns\": [\"text %d\"]}], \"tstamp\": 1.0}\n", i,
                 m);
        own_put(name, line);
    }
    snprintf(name, sizeof name, "d%d", i);
    snprintf(path[i], sizeof path[i], "%s", own(name));
    word[i] = path[i];
}

/* How many runs come before there is none, or 'most' of them; 'with' rows. */
static int count(const struct map *known, int n_paths, int most, int *with)
{
    const struct opt_list paths = { word, n_paths };
    struct collector *c = collector_begin(&paths, known, &err);
    struct collected r;
    int n = 0, rc = 0;
    *with = 0;
    while (n < most && (rc = collector_next(c, &r, &err)) > 0) {
        const struct turn_row *t = r.d.turns.row;
        char model[20];
        snprintf(model, sizeof model, "m%d", n % 2);
        if (strcmp(r.d.run.model, model) || strcmp(r.folder->model[r.model], model) || (r.has_rows && t->question_id != n / 2))
            n = 1000;                    /* out of order */
        *with += r.has_rows && r.d.turns.n == 1;
        run_data_free(&r.d);
        n++;
    }
    collector_end(c);
    return rc < 0 ? -n - 1 : n;
}

int main(void)
{
    struct map known = {0};
    int with;
    for (int i = 0; i < FOLDERS; i++)
        make(i);
    ok(count(&known, FOLDERS, 1000, &with) == 2 * FOLDERS && with == 2 * FOLDERS, "all runs, in order");
    for (int most = 0; most < 8; most++)
        ok(count(&known, FOLDERS, most, &with) == most, "%d of them, and no more", most);
    const struct opt_list first = { word, 1 };
    struct collector *c = collector_begin(&first, &known, &err);
    struct collected r;
    ok(collector_next(c, &r, &err) == 1, "one");
    char *key = collect_known(&r.d.run);
    collector_end(c);
    run_data_free(&r.d);
    map_add_text(&known, key, 0);
    free(key);
    ok(count(&known, FOLDERS, 1000, &with) == 2 * FOLDERS && with == 2 * FOLDERS - 1, "one that is known comes without rows");
    snprintf(path[FOLDERS], sizeof path[FOLDERS], "%s/none", own_dir());
    word[FOLDERS] = path[FOLDERS];
    const int n = count(&known, FOLDERS + 1, 1000, &with);
    ok(n == -2 * FOLDERS - 1 && strstr(err.text, "none: cannot be aggregated"), "a path that is not there: %s", err.text);
    own_put("d3/set/model_answer/m1.jsonl", "no record\n");
    ok(count(&known, FOLDERS, 1000, &with) == -8 && strstr(err.text, "m1.jsonl:1"), "a broken file: what is before it, then %s", err.text);
    map_free(&known);
    return done_testing();
}
