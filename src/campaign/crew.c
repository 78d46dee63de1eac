/* crew.c - the ranks at work. Which rank answers what depends on time; what comes out must not. */
#include "mtbench/crew.h"

#include "members.h"
#include "pacing.h"

#include "mtbench/clock.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <stdlib.h>
#include <string.h>

/* ---- items ---- */

void crew_add(struct crew_item **item, int *n_items, int q, int choice, int n_done, const char *const *text)
{
    *item = xrealloc(*item, (size_t)*n_items + 1, sizeof **item);
    struct crew_item *it = &(*item)[(*n_items)++];
    *it = (struct crew_item){ .q = q, .choice = choice, .n_done = n_done, .text = xcalloc((size_t)n_done, sizeof *it->text) };
    for (int t = 0; t < n_done; t++)
        it->text[t] = xstrdup(text[t]);
}

void crew_items_free(struct crew_item *item, int n_items)
{
    for (int i = 0; i < n_items; i++) {
        for (int t = 0; t < item[i].n_done; t++)
            free(item[i].text[t]);
        free(item[i].text);
    }
    free(item);
}

/* As bytes: q, choice, n_done, then each text with its NUL (journals spell the character U+0000 as C0 80, nul.h). */
static void put_items(struct buf *b, const struct crew_item *item, int n_items)
{
    for (int i = 0; i < n_items; i++) {
        const int32_t head[3] = { item[i].q, item[i].choice, item[i].n_done };
        buf_add(b, head, sizeof head);   /* same machine, same program: no byte order to mind */
        for (int t = 0; t < item[i].n_done; t++)
            buf_add(b, item[i].text[t], strlen(item[i].text[t]) + 1);
    }
}

static void read_items(const struct buf *b, struct crew_item **item, int *n_items)
{
    for (size_t at = 0; at < b->len;) {
        int32_t head[3];
        memcpy(head, b->data + at, sizeof head);
        at += sizeof head;
        const char **text = xcalloc((size_t)head[2], sizeof *text);
        for (int t = 0; t < head[2]; t++, at += strlen(b->data + at) + 1)
            text[t] = b->data + at;
        crew_add(item, n_items, head[0], head[1], head[2], text);
        free(text);
    }
}

void crew_share(struct job *job, struct crew_item **item, int *n_items)
{
    const bool mine = job_info(job).rank == 0;
    struct buf b = {0};
    if (mine)
        put_items(&b, *item, *n_items);
    job_bcast_buf(job, &b);
    if (!mine)
        read_items(&b, item, n_items);
    buf_free(&b);
}

/* ---- work ---- */

struct crew {
    const struct crew_opts *o;
    struct map by_name;                  /* question, choice and with one_turn the turn, to item */
    struct feed *feed;                   /* this rank's engine and its conversations */
    struct deal *deal;                   /* who answers what */
    bool left;                           /* this rank answers no more; it stays for the collective end */
    bool rests;                          /* and as long as it has nothing to do: it waits, whatever the others do */
    struct engine_stats first, seen;     /* of this rank's engine, before its first step here and when its last step ended */
    double step_ended;                   /* seconds of clock_now(); 0: the engine rests */
};

static bool root(const struct crew *c)
{
    return job_info(c->o->job).rank == 0;
}

struct deal *crew_deal(struct crew *c)
{
    return c->deal;
}

/* An item is a conversation, unless its turns are items of their own. */
struct name { int64_t question_id, choice, turn; };

static struct name name_of(const struct crew *c, int64_t question_id, int choice, int turn)
{
    return (struct name){ question_id, choice, c->o->one_turn ? turn : 0 };
}

int crew_find(const struct crew *c, const struct turn_record *t)
{
    const struct name name = name_of(c, t->question_id, t->choice, t->turn);
    return (int)map_find(&c->by_name, &name, sizeof name); /* turns come from items of this very list, so there is one */
}

static void send_turns(struct crew *c)
{
    const struct crew_opts *o = c->o;
    const struct turn_record *t;
    struct buf line = {0};
    while ((t = feed_collect(c->feed))) {
        int i = crew_find(c, t);
        buf_clear(&line);
        o->put(o->ctx, i, t, c->feed, &line);
        deal_send(c->deal, line.data, line.len);
        /* A turn that failed takes the later ones along: their prompts would hold an answer that never was. */
        if (o->one_turn || t->status != TURN_OK || t->turn == o->question[o->item[i].q].n_turns)
            deal_done(c->deal, i);
    }
    buf_free(&line);
}

static void leave(struct crew *c)
{
    if (c->left)
        return;
    feed_cancel(c->feed);                /* open turns are dropped; finished ones are still in its queue */
    send_turns(c);
    deal_leave(c->deal);                 /* tells rank 0 that nothing more comes from here */
    team_end(c->o->rig->team);           /* and the other ranks of the replica, which leave only then */
    c->left = true;
}

/* From step to step, what rank 0 does in between included: that belongs to the time that is left. */
static void watch_step(struct crew *c)
{
    struct engine_stats now = engine_stats(c->o->rig->engine);
    double ended = clock_now();
    if (root(c) && c->o->stepped)
        c->o->stepped(c->o->ctx, ended - c->step_ended, &c->seen, &now);
    c->step_ended = ended;
    c->seen = now;
}

static void rest(struct crew *c, bool rests)
{
    if (rests && !c->rests)
        watch_begin(WATCH_WAITS, "waiting for conversations to answer");
    else if (!rests && c->rests)
        watch_end();
    c->rests = rests;
}

/* One step of this rank, if it has something to do. -1: err, its engine is at its end. */
static int step(struct crew *c, int *live, struct err *err)
{
    if (team_beat(c->o->rig->team, err) < 0)
        return -1;
    deal_want(c->deal, feed_room(c->feed)); /* places that are free now; what was granted and not taken counts against them */
    for (int i; (i = deal_next(c->deal)) != DEAL_NONE; ++*live) {
        const struct crew_item *it = &c->o->item[i];
        feed_add(c->feed, it->q, it->choice, (const char *const *)it->text, it->n_done);
    }
    rest(c, *live == 0);
    if (*live == 0) {
        c->step_ended = 0;
        deal_idle(c->deal);
        return 0;
    }
    if (c->step_ended == 0)
        c->step_ended = clock_now();
    if ((*live = feed_step(c->feed, err)) < 0)
        return -1;
    watch_moved();
    watch_step(c);
    deal_tally(c->deal, c->seen.new_tokens - c->first.new_tokens, c->seen.steps - c->first.steps);
    send_turns(c);
    return 0;
}

/* What was made or used before the first step of a conversation is no answer's. */
static int begin(struct crew *c, struct err *err)
{
    const struct crew_opts *o = c->o;
    const int rc = pace_matters(o->rig) ? pace_tell(o->rig, c->deal, err) : 0;
    c->first = c->seen = engine_stats(o->rig->engine);
    if (o->energy)
        energy_share(o->energy);
    if (rc < 0)
        job_fail(o->job, err);
    return rc;
}

static int work(struct crew *c, struct err *err)
{
    const struct crew_opts *o = c->o;
    enum deal_state state;
    struct err late = { 0 };             /* of what goes wrong behind the first error, which is the one to be told */
    int live = 0, taken = 0;             /* rank 0 takes what others have finished also when its own engine is at its end */
    int rc = begin(c, err);
    /* Every rank goes round until the dealer says that all have left, also when it failed itself: whoever stopped
     * earlier would strand the rest. */
    while ((state = deal_poll(c->deal)) != DEAL_OVER) {
        if (root(c) && taken == 0 && (taken = o->round(o->ctx, c, rc < 0 ? &late : err)) < 0) { /* a full disk stops all ranks */
            rc = -1;
            job_fail(o->job, err);
        }
        if (state == DEAL_STOPPING || rc < 0)
            leave(c);                    /* also after a failed step: what had ended before it is kept */
        if (c->left)
            rest(c, true), deal_idle(c->deal);
        else if ((rc = step(c, &live, err)) < 0)
            job_fail(o->job, err);
    }
    rest(c, false);
    if (!c->left)
        team_end(o->rig->team);
    if (root(c) && taken == 0 && o->round(o->ctx, c, rc < 0 ? &late : err) < 0) /* what came with the last farewell */
        rc = -1;
    return rc;
}

static double joules(void *energy)
{
    return energy_share(energy);
}

static struct feed *open_feed(const struct crew_opts *o, long batch, const char *stream)
{
    const struct rig *r = o->rig;
    return feed_create(&(struct feed_opts){
        .engine = r->engine,
        .tokenizer = r->tokenizer,
        .chat = r->chat,
        .stop_id = r->stops.id,
        .n_stop = (int)r->stops.n,
        .question = o->question,
        .one_turn = o->one_turn,
        .sampling = o->sampling,
        .max_new_token = (int)o->max_new_token,
        .max_batch = (int)batch,
        .seed = o->seed,
        .joules = o->energy ? joules : NULL,
        .joules_ctx = o->energy,
        .stream = stream,
    });
}

int crew_work(const struct crew_opts *o, struct err *err)
{
    struct crew c = { .o = o };
    const bool leads = o->rig->engine != NULL;
    long batch = o->n_items < o->max_batch ? o->n_items : o->max_batch; /* per rank: one rank alone may have to take them all */
    /* Law 1: random numbers are named by weights, bench, seed, question, choice, turn, position; never by rank, batch
     * or time. */
    char *stream = xasprintf("%s %s", o->rig->model_sha256, o->bench_name);
    for (int i = 0; i < o->n_items; i++) {
        const struct crew_item *it = &o->item[i];
        const struct name name = name_of(&c, o->question[it->q].id, it->choice, it->n_done + 1);
        map_add(&c.by_name, &name, sizeof name, (size_t)i);
    }
    if (leads)
        c.feed = open_feed(o, batch, stream);
    /* The longest conversations are dealt first: one that begins last would keep all other ranks waiting. */
    c.deal = deal_create(o->job, &(struct deal_opts){ .n_items = o->n_items, .cost = o->cost, .steps = o->steps,
                                                      .want = leads ? (int)batch : 0, .paced = pace_matters(o->rig) });
    watch_begin(WATCH_WORKS, "answering");
    int rc = leads ? work(&c, err) : members_follow(o->job, o->rig, c.deal, err);
    watch_end();
    if ((rc = job_agree(o->job, rc, err)) == 0)
        rig_say_peak(o->rig);
    deal_destroy(c.deal);
    feed_destroy(c.feed);
    map_free(&c.by_name);
    free(stream);
    return rc;
}
