/* campaign.c - the tasks of a list, one after the other in one launch; those with the same weights share a rig. */
#include "mtbench/campaign.h"

#include "campaign_judges.h"
#include "campaign_places.h"
#include "finished.h"

#include "mtbench/ahead.h"
#include "mtbench/candidate.h"
#include "mtbench/exit_code.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/memory.h"
#include "mtbench/pipeline.h"
#include "mtbench/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct group {                           /* tasks with the same weights: order[at .. end) */
    int at, end;
    int n_files;                         /* of the model */
    char **path;                         /* (n_files) owned */
    uint64_t *size;                      /* (n_files) bytes */
    bool gone;                           /* the model is not there any more, and all is answered that it was for */
};

struct campaign {
    struct job *job;
    const char *list;                    /* its name, for messages */
    const struct campaign_task *task;    /* (n) */
    struct campaign_row *row;            /* (n) */
    struct questions *qs;                /* (n) of each task */
    int *order;                          /* (n) */
    int n;
    struct group *group;                 /* (n_groups) in the order of the work */
    int n_groups, now;                   /* 'now': the group that is being done */
    struct rig rig;                      /* of the tasks that are being done */
    double spent;                        /* dollars for the judgments of the tasks so far; rank 0 */
    struct ahead *ahead;                 /* reads the next group's files; leaders of a node */
    bool next_scratch;                   /* into copies */
    cpu_set_t cpus;                      /* where this process may run, as it was before any thread was pinned */
};

static bool root(const struct campaign *c)
{
    return job_info(c->job).rank == 0;
}

/* ---- what belongs together ---- */

bool campaign_same_devices(const struct rig_devices *a, const struct rig_devices *b)
{
    return a->device == b->device && a->per_model == b->per_model && a->total == b->total && a->matmul == b->matmul && a->bytes == b->bytes;
}

bool campaign_same_model(const struct campaign_task *a, const struct campaign_task *b)
{
    const struct answer_opts *x = &a->answer, *y = &b->answer;
    return same_text(x->model_path, y->model_path) && same_text(x->base_path, y->base_path) && same_text(x->revision, y->revision) &&
           x->threads == y->threads && campaign_same_devices(&x->devices, &y->devices);
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

static void cut_groups(struct campaign *c)
{
    c->group = xcalloc((size_t)c->n, sizeof *c->group);
    for (int at = 0; at < c->n; at = c->group[c->n_groups++].end) {
        int end = at + 1;
        while (end < c->n && campaign_same_model(&c->task[c->order[at]], &c->task[c->order[end]]))
            end++;
        c->group[c->n_groups] = (struct group){ .at = at, .end = end };
    }
}

static void free_groups(struct campaign *c)
{
    for (int g = 0; g < c->n_groups; g++) {
        for (int i = 0; i < c->group[g].n_files; i++)
            free(c->group[g].path[i]);
        free(c->group[g].path);
        free(c->group[g].size);
    }
    free(c->group);
}

/* ---- before anything is computed ---- */

/* Memory for the largest of the tasks with these weights. */
static struct rig_opts sizes_of(const struct campaign *c, const struct group *g)
{
    struct rig_opts ro = answer_rig_opts(&c->task[c->order[g->at]].answer, &c->qs[c->order[g->at]]);
    ro.shared = true;
    for (int i = g->at + 1; i < g->end; i++) {
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

/* For whoever reads them ahead. */
static void remember_files(struct group *g, const struct source *files)
{
    g->n_files = files->n_files;
    g->path = xcalloc((size_t)g->n_files, sizeof *g->path);
    g->size = xcalloc((size_t)g->n_files, sizeof *g->size);
    for (int i = 0; i < g->n_files; i++) {
        g->path[i] = xstrdup(files->path[i]);
        g->size[i] = files->size[i];
    }
}

/* Collective. A model that was answered with may have been removed to make room for others: its lines are done all the same. */
static bool needs_no_model(struct campaign *c, const struct group *g, const struct err *why)
{
    bool all = root(c) && why->kind != ERR_DEVICE && why->kind != ERR_CANCELLED;
    for (int i = g->at; i < g->end && all; i++)
        all = finished_task(&c->task[c->order[i]], &c->qs[c->order[i]], &(struct answer_watch){0}, &c->row[c->order[i]].answer);
    job_bcast(c->job, &all, sizeof all);
    if (all && root(c))
        log_note("%s:%ld: %s. The answers of all lines with this model are there, and are taken as they are", c->list,
                 c->task[c->order[g->at]].number, why->text);
    return all;
}

/* Is the model there, on every node, and does it know what to do with these questions? Returns how many tasks cannot run. */
static int try_group(struct campaign *c, struct group *g, struct err *err)
{
    const struct rig_opts sizes = sizes_of(c, g);
    struct err why = {0};
    int bad = 0;
    if (rig_open(&c->rig, c->job, &sizes, &why) < 0) {
        rig_close(&c->rig);
        if ((g->gone = needs_no_model(c, g, &why)))
            return 0;
        *err = why;
        say(c, c->order[g->at], err);
        return g->end - g->at;
    }
    remember_files(g, rig_files(&c->rig));
    for (int i = g->at; c->rig.chat && i < g->end; i++) {
        const int k = c->order[i];
        const struct rig_opts ro = options_of(c, k, &sizes);
        if ((i > g->at && rig_choose_chat(&c->rig, &ro, err) < 0) || answer_try_template(&c->qs[k].q[0], &c->rig, err) < 0) {
            say(c, k, err);
            bad++;
            break;                       /* a rig without a template is not asked further */
        }
    }
    rig_close(&c->rig);
    return bad;
}

/* Each judge once. Returns how many tasks cannot be judged. */
static int try_judges(struct campaign *c, struct err *err)
{
    int bad = 0;
    for (int k = 0; k < c->n; k++) {
        bool asked = !c->task[k].judged;
        for (int i = 0; i < k && !asked; i++)
            asked = campaign_same_judge(&c->task[i], &c->task[k]);
        if (!asked && campaign_try_judge(c->job, &c->task[k], err) < 0) {
            say(c, k, err);
            bad++;
        }
    }
    return bad;
}

/* Returns an exit code. All that is wrong is told, so that a list is mended in one go. */
static int preflight(struct campaign *c, struct err *err)
{
    int bad = 0;
    if (job_agree(c->job, root(c) ? campaign_check_places(c->list, c->task, c->n, err) : 0, err) < 0)
        return EXIT_INPUT;
    for (int k = 0; k < c->n; k++)
        if (answer_questions(c->job, &c->task[k].answer, &c->qs[k], err) < 0) {
            say(c, k, err);
            bad++;
        }
    for (int g = 0; bad == 0 && g < c->n_groups; g++) /* sizes are the questions' */
        bad += try_group(c, &c->group[g], err);
    if (bad == 0)
        bad = try_judges(c, err);
    if (bad == 0)
        return EXIT_COMPLETE;
    const bool device = err->kind == ERR_DEVICE;
    err_set(err, err->kind, "%s: nothing was computed; mend what is told above and start again", c->list);
    return device ? EXIT_PREFLIGHT : EXIT_INPUT;
}

/* ---- the work ---- */

/* As much of the next model as half of the memory that is left will hold: pages of a file give way to whoever needs memory, but not all
 * at once. */
static void read_next(void *campaign)
{
    struct campaign *c = campaign;
    const struct job_info in = job_info(c->job);
    const struct group *next = NULL;
    for (int g = c->now + 1; g < c->n_groups && !next; g++)
        next = c->group[g].gone ? NULL : &c->group[g];
    if (!next || in.local_rank > 0 || c->ahead)
        return;
    c->next_scratch = c->task[c->order[next->at]].answer.scratch != NULL;
    c->ahead = ahead_begin(&(struct ahead_opts){
            .path = (const char *const *)next->path, .size = next->size, .n = next->n_files,
            .scratch = c->task[c->order[next->at]].answer.scratch, .most = memory_available() / 2,
            .node = in.node, .n_nodes = in.n_nodes, .cpus = &c->cpus });
}

struct one {                             /* a task under way */
    struct campaign *c;
    int k;
    bool last;                           /* of its group: the next model's files are wanted soon */
    struct rig_opts ro;
};

/* Its journal was whole a moment ago. */
static int look_at_finished(struct one *o, const struct answer_watch *watch, struct err *err)
{
    struct campaign *c = o->c;
    struct answer_result *res = &c->row[o->k].answer;
    int rc = 0;
    if (root(c) && !finished_task(&c->task[o->k], &c->qs[o->k], watch, res))
        rc = err_set(err, ERR_USAGE, "neither the model is there nor all its answers; start again");
    if (job_agree(c->job, rc, err) < 0)
        return EXIT_INPUT;
    job_bcast(c->job, res, sizeof *res);
    return EXIT_COMPLETE;
}

static int answer_one(void *ctx, struct job *job, const struct answer_watch *watch, struct err *err)
{
    struct one *o = ctx;
    struct campaign *c = o->c;
    struct answer_watch with_next = *watch;
    if (c->group[c->now].gone)
        return look_at_finished(o, watch, err);
    with_next.begun = o->last ? read_next : NULL;
    with_next.begun_ctx = c;
    return answer_with(job, &c->task[o->k].answer, &c->qs[o->k], &c->rig, &o->ro, &with_next, &c->row[o->k].answer, err);
}

/* Has this judge answered in this launch? One call for each task, only to see that it is there, would be paid for. */
static bool was_heard(const struct campaign *c, int k)
{
    for (int i = 0; i < c->n; i++)
        if (i != k && c->row[i].state == TASK_DONE && campaign_same_judge(&c->task[i], &c->task[k]))
            return true;
    return false;
}

static int work(struct campaign *c, int k, bool last, const struct rig_opts *sizes, struct err *err)
{
    const struct campaign_task *t = &c->task[k];
    struct one one = { c, k, last, options_of(c, k, sizes) };
    struct pipeline_result res;
    struct judge_opts judge = t->judge;
    judge.heard = was_heard(c, k);
    judge.spent_before = c->spent;
    if (!c->group[c->now].gone && rig_choose_chat(&c->rig, &one.ro, err) < 0)
        return EXIT_INPUT;
    if (t->judged && !t->judge.judge_path) {
        const int code = pipeline_around(c->job, &t->answer, &judge, answer_one, &one, &res, err);
        c->spent += res.cost;
        return code;
    }
    return answer_one(&one, c->job, &(struct answer_watch){0}, err);
}

/* Alike on all ranks, although a signal or a failure reaches them one after the other. Collective. */
static enum job_state state_of_all(const struct campaign *c)
{
    return (enum job_state)job_max(c->job, (uint64_t)job_poll(c->job));
}

static void do_task(struct campaign *c, int k, bool last, const struct rig_opts *sizes)
{
    const struct campaign_task *t = &c->task[k];
    struct campaign_row *row = &c->row[k];
    struct err err = {0};
    if (root(c))
        printf("task      %s:%ld   %s   %s   seed %ld\n", c->list, t->number, t->answer.name, t->answer.bench_name, t->answer.seed);
    row->code = work(c, k, last, sizes, &err);
    row->state = row->code == EXIT_RESUME ? TASK_STOPPED : row->code == EXIT_INPUT || row->code == EXIT_PREFLIGHT ? TASK_FAILED : TASK_DONE;
    if (err.kind != ERR_NONE && row->state != TASK_DONE)
        say(c, k, &err);
    if (root(c))
        fflush(stdout);                  /* a line may be hours away from the next */
}

/* Before the model is opened whose files were read ahead: what is not in the cache yet its own readers bring. Copies are waited for: they
 * would be made now, and one that is broken off anew. */
static void end_ahead(struct campaign *c, bool wanted)
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    watch_begin(WATCH_WORKS, "copying the next model into --scratch");
    while (wanted && c->ahead && c->next_scratch && ahead_busy(c->ahead) && job_poll(c->job) == JOB_RUNNING)
        nanosleep(&pause, NULL);
    watch_end();
    const uint64_t bytes = ahead_end(c->ahead);
    c->ahead = NULL;
    if (bytes)
        log_verbose("read %.1f MB of the next model ahead", (double)bytes / 1e6);
}

static void do_group(struct campaign *c, const struct group *g)
{
    const struct rig_opts sizes = sizes_of(c, g);
    struct err err = {0};
    if (!g->gone)                        /* else what is read is for a later one */
        end_ahead(c, true);
    /* It was there a moment ago; should it be gone, the other models can still be asked. */
    if (!g->gone && rig_open(&c->rig, c->job, &sizes, &err) < 0) {
        for (int i = g->at; i < g->end; i++)
            c->row[c->order[i]] = (struct campaign_row){ .state = TASK_FAILED, .code = EXIT_INPUT };
        say(c, c->order[g->at], &err);
    } else
        for (int i = g->at; i < g->end && state_of_all(c) == JOB_RUNNING; i++)
            do_task(c, c->order[i], i + 1 == g->end, &sizes);
    rig_close(&c->rig);
}

/* Of the whole: to come back is the first thing that a batch script must know, but not where a rank could not go on for a reason that will
 * be the same then, a full disk say: those that did not begin for it have no word. */
static int verdict(const struct campaign *c, bool failed)
{
    static const int stopped[] = { EXIT_RESUME, EXIT_PREFLIGHT, EXIT_INPUT, EXIT_FAILURES },
                     broken[] = { EXIT_PREFLIGHT, EXIT_INPUT, EXIT_RESUME, EXIT_FAILURES };
    const int *rank = failed ? broken : stopped;
    for (size_t r = 0; r < sizeof stopped / sizeof *stopped; r++)
        for (int i = 0; i < c->n; i++)
            if (c->row[i].code == rank[r] && !(failed && c->row[i].state == TASK_WAITING))
                return rank[r];
    return EXIT_COMPLETE;
}

int campaign_run(struct job *job, const char *list, const struct campaign_task *task, int n, struct campaign_row *row, struct err *err)
{
    struct campaign c = { .job = job, .list = list, .task = task, .row = row, .n = n };
    c.qs = xcalloc((size_t)n, sizeof *c.qs);
    c.order = xcalloc((size_t)n, sizeof *c.order);
    campaign_order(task, n, c.order);
    sched_getaffinity(0, sizeof c.cpus, &c.cpus);
    for (int i = 0; i < n; i++)
        row[i] = (struct campaign_row){ .state = TASK_WAITING, .code = EXIT_RESUME };
    cut_groups(&c);
    int code = preflight(&c, err);
    if (code == EXIT_COMPLETE) {
        for (c.now = 0; c.now < c.n_groups && state_of_all(&c) == JOB_RUNNING; c.now++)
            do_group(&c, &c.group[c.now]);
        end_ahead(&c, false);
        campaign_judge_locally(job, list, task, n, row); /* behind all answers: two engines at once would not fit */
        code = verdict(&c, state_of_all(&c) == JOB_FAILED);
    }
    for (int i = 0; i < n; i++)
        questions_free(&c.qs[i]);
    free_groups(&c);
    free(c.qs);
    free(c.order);
    return code;
}

int campaign_run_one(struct job *job, const char *list, const struct campaign_task *task, int n, int k, struct err *err)
{
    const bool first = job_info(job).rank == 0;
    if (job_agree(job, first ? campaign_check_places(list, task, n, err) : 0, err) < 0)
        return EXIT_INPUT;
    bool made = first && campaign_made_before(list, task, k);
    job_bcast(job, &made, sizeof made);
    if (made)
        return EXIT_COMPLETE;
    if (first && task[k].judged)
        log_note("%s:%ld: is answered here and not judged; judgments of all tasks share files: let one job judge them, behind the array",
                 list, task[k].number);
    const int code = answer_all(job, &task[k].answer, &(struct answer_watch){0}, err);
    /* The other codes have had their words already. */
    if (code == EXIT_INPUT || code == EXIT_PREFLIGHT || err->kind == ERR_DEVICE)
        err_wrap(err, "%s:%ld", list, task[k].number);
    else
        *err = (struct err){0};
    return code;
}
