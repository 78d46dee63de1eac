/* campaign.c - the tasks of a list, one after the other in one launch; those with the same weights share a rig. */
#include "mtbench/campaign.h"

#include "mtbench/candidate.h"
#include "mtbench/exit_code.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/pipeline.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct campaign {
    struct job *job;
    const char *list;                    /* its name, for messages */
    const struct campaign_task *task;    /* (n) */
    struct campaign_row *row;            /* (n) */
    struct questions *qs;                /* (n) of each task */
    int *order;                          /* (n) */
    int n;
    struct rig rig;                      /* of the tasks that are being done */
};

static bool root(const struct campaign *c)
{
    return job_info(c->job).rank == 0;
}

/* ---- what belongs together ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_devices(const struct rig_devices *a, const struct rig_devices *b)
{
    return a->device == b->device && a->per_model == b->per_model && a->total == b->total && a->matmul == b->matmul && a->bytes == b->bytes;
}

bool campaign_same_model(const struct campaign_task *a, const struct campaign_task *b)
{
    const struct answer_opts *x = &a->answer, *y = &b->answer;
    return same_text(x->model_path, y->model_path) && same_text(x->base_path, y->base_path) && same_text(x->revision, y->revision) &&
           x->threads == y->threads && same_devices(&x->devices, &y->devices);
}

void campaign_order(const struct campaign_task *task, int n, int *order)
{
    bool *placed = xcalloc((size_t)n, sizeof *placed);
    int done = 0;
    for (int i = 0; i < n; i++)
        for (int k = i; !placed[i] && k < n; k++) /* what is not placed yet begins a group, and takes its like along */
            if (k == i || (!placed[k] && campaign_same_model(&task[i], &task[k]))) {
                order[done++] = k;
                placed[k] = k > i;
            }
    free(placed);
}

/* The tasks that begin at order[at]; returns where the next ones begin. */
static int group_end(const struct campaign *c, int at)
{
    int end = at + 1;
    while (end < c->n && campaign_same_model(&c->task[c->order[at]], &c->task[c->order[end]]))
        end++;
    return end;
}

/* One spelling for one file: links and dots in its folder are resolved as far as the folder is there. */
static char *spell(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("."), *real = realpath(folder, NULL);
    char *spelt = real ? xasprintf("%s/%s", real, slash ? slash + 1 : path) : xstrdup(path);
    free(folder);
    free(real);
    return spelt;
}

int campaign_check_places(const char *list, const struct campaign_task *task, int n, struct err *err)
{
    char **place = xcalloc((size_t)n, sizeof *place);
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        char *path = answer_opts_path(&task[i].answer);
        place[i] = spell(path);
        for (int k = 0; k < i && rc == 0; k++) /* a list has some hundred lines */
            if (!strcmp(place[i], place[k]))
                rc = err_set(err, ERR_USAGE, "%s:%ld: would write %s, which line %ld writes; give each line a --model-id of its own", list,
                             task[i].number, path, task[k].number);
        free(path);
    }
    for (int i = 0; i < n; i++)
        free(place[i]);
    free(place);
    return rc;
}

/* ---- before anything is computed ---- */

/* Memory for the largest of the tasks with these weights. */
static struct rig_opts sizes_of(const struct campaign *c, int at, int end)
{
    struct rig_opts ro = answer_rig_opts(&c->task[c->order[at]].answer, &c->qs[c->order[at]]);
    ro.shared = true;
    for (int i = at + 1; i < end; i++) {
        const struct rig_opts one = answer_rig_opts(&c->task[c->order[i]].answer, &c->qs[c->order[i]]);
        ro.max_batch = one.max_batch > ro.max_batch ? one.max_batch : ro.max_batch;
        ro.max_tokens = one.max_tokens > ro.max_tokens ? one.max_tokens : ro.max_tokens;
    }
    return ro;
}

/* The same rig with the template of task k. */
static struct rig_opts options_of(const struct campaign *c, int k, const struct rig_opts *sizes)
{
    struct rig_opts ro = answer_rig_opts(&c->task[k].answer, &c->qs[k]);
    ro.shared = true;
    ro.max_batch = sizes->max_batch;
    ro.max_tokens = sizes->max_tokens;
    return ro;
}

static int say(const struct campaign *c, int k, const struct err *err)
{
    if (root(c))
        log_error("%s:%ld: %s", c->list, c->task[k].number, err->text);
    return -1;
}

/* Is the model there, on every node, and does it know what to do with these questions? Returns how many tasks cannot run. */
static int try_group(struct campaign *c, int at, int end, struct err *err)
{
    const struct rig_opts sizes = sizes_of(c, at, end);
    int bad = 0;
    if (rig_open(&c->rig, c->job, &sizes, err) < 0) {
        say(c, c->order[at], err);
        bad = end - at;
    }
    for (int i = at; bad < end - at && i < end; i++) {
        const int k = c->order[i];
        const struct rig_opts ro = options_of(c, k, &sizes);
        if ((i > at && rig_choose_chat(&c->rig, &ro, err) < 0) || answer_try_template(&c->qs[k].q[0], &c->rig, err) < 0) {
            say(c, k, err);
            bad++;
        }
    }
    rig_close(&c->rig);
    return bad;
}

/* Returns an exit code. All that is wrong is told, so that a list is mended in one go. */
static int preflight(struct campaign *c, struct err *err)
{
    int bad = 0, code = EXIT_COMPLETE;
    if (job_agree(c->job, root(c) ? campaign_check_places(c->list, c->task, c->n, err) : 0, err) < 0)
        return EXIT_INPUT;
    for (int k = 0; k < c->n; k++)
        if (answer_questions(c->job, &c->task[k].answer, &c->qs[k], err) < 0) {
            say(c, k, err);
            bad++;
        }
    for (int at = 0, end; bad == 0 && at < c->n; at = end) {
        end = group_end(c, at);
        bad += try_group(c, at, end, err);
        code = bad && err->kind == ERR_DEVICE ? EXIT_PREFLIGHT : code;
    }
    if (bad == 0)
        return EXIT_COMPLETE;
    err_set(err, err->kind, "%s: %d of %d tasks cannot run; mend their lines, nothing was computed", c->list, bad, c->n);
    return code == EXIT_PREFLIGHT ? code : EXIT_INPUT;
}

/* ---- the work ---- */

struct one {                             /* a task under way */
    struct campaign *c;
    int k;
    struct rig_opts ro;
};

static int answer_one(void *ctx, struct job *job, const struct answer_watch *watch, struct err *err)
{
    struct one *o = ctx;
    struct campaign *c = o->c;
    return answer_with(job, &c->task[o->k].answer, &c->qs[o->k], &c->rig, &o->ro, watch, &c->row[o->k].answer, err);
}

static int work(struct campaign *c, int k, const struct rig_opts *sizes, struct err *err)
{
    const struct campaign_task *t = &c->task[k];
    struct one one = { c, k, options_of(c, k, sizes) };
    struct pipeline_result res;
    if (rig_choose_chat(&c->rig, &one.ro, err) < 0)
        return EXIT_INPUT;
    if (t->judged && !t->judge.judge_path)
        return pipeline_around(c->job, &t->answer, &t->judge, answer_one, &one, &res, err);
    return answer_one(&one, c->job, &(struct answer_watch){0}, err);
}

/* Alike on all ranks, although a signal or a failure reaches them one after the other. Collective. */
static enum job_state state_of_all(const struct campaign *c)
{
    return (enum job_state)job_max(c->job, (uint64_t)job_poll(c->job));
}

static void do_task(struct campaign *c, int k, const struct rig_opts *sizes)
{
    const struct campaign_task *t = &c->task[k];
    struct campaign_row *row = &c->row[k];
    struct err err = {0};
    if (root(c))
        printf("task      %s:%ld   %s   %s   seed %ld\n", c->list, t->number, t->answer.name, t->answer.bench_name, t->answer.seed);
    row->code = work(c, k, sizes, &err);
    row->state = row->code == EXIT_RESUME ? TASK_STOPPED : row->code == EXIT_INPUT || row->code == EXIT_PREFLIGHT ? TASK_FAILED : TASK_DONE;
    if (err.kind != ERR_NONE && row->state != TASK_DONE)
        say(c, k, &err);
    if (root(c))
        fflush(stdout);                  /* a line may be hours away from the next */
}

static void do_group(struct campaign *c, int at, int end)
{
    const struct rig_opts sizes = sizes_of(c, at, end);
    struct err err = {0};
    /* It was there a moment ago; should it be gone, the other models can still be asked. */
    if (rig_open(&c->rig, c->job, &sizes, &err) < 0) {
        for (int i = at; i < end; i++)
            c->row[c->order[i]] = (struct campaign_row){ .state = TASK_FAILED, .code = EXIT_INPUT };
        say(c, c->order[at], &err);
    } else
        for (int i = at; i < end && state_of_all(c) == JOB_RUNNING; i++)
            do_task(c, c->order[i], &sizes);
    rig_close(&c->rig);
}

/* Of the whole: to come back is the first thing that a batch script must know. */
static int verdict(const struct campaign *c)
{
    static const int rank[] = { EXIT_RESUME, EXIT_PREFLIGHT, EXIT_INPUT, EXIT_FAILURES };
    for (size_t r = 0; r < sizeof rank / sizeof *rank; r++)
        for (int i = 0; i < c->n; i++)
            if (c->row[i].code == rank[r])
                return rank[r];
    return EXIT_COMPLETE;
}

int campaign_run(struct job *job, const char *list, const struct campaign_task *task, int n, struct campaign_row *row, struct err *err)
{
    struct campaign c = { .job = job, .list = list, .task = task, .row = row, .n = n };
    c.qs = xcalloc((size_t)n, sizeof *c.qs);
    c.order = xcalloc((size_t)n, sizeof *c.order);
    campaign_order(task, n, c.order);
    for (int i = 0; i < n; i++)
        row[i] = (struct campaign_row){ .state = TASK_WAITING, .code = EXIT_RESUME };
    int code = preflight(&c, err);
    if (code == EXIT_COMPLETE) {
        for (int at = 0, end; at < n && state_of_all(&c) == JOB_RUNNING; at = end) {
            end = group_end(&c, at);
            do_group(&c, at, end);
        }
        code = verdict(&c);
    }
    for (int i = 0; i < n; i++)
        questions_free(&c.qs[i]);
    free(c.qs);
    free(c.order);
    return code;
}
