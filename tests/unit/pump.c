/* pump.c - calls from an asker to a transport and back: never more than there is room for, nothing lost when either end fails. */
#include "mtbench/pump.h"

#include "tap.h"

#include <stdbool.h>
#include <string.h>

static struct err err;

/* Both ends: an asker with 'left' calls, and a transport of 'places' that answers one call a step, the last asked first. */
struct ends {
    int left, places, flying, back;
    int asked, taken, flushed, most, steps;
    int fail_take, fail_step;            /* on the how-manieth; 0: never */
    bool drained;
    struct call call;
    struct call_record record;
};

static const struct call *next(void *ctx)
{
    struct ends *e = ctx;
    if (e->left == 0)
        return NULL;
    e->left--;
    e->asked++;
    return &e->call;
}

static int take(void *ctx, const struct call_record *r, struct err *why)
{
    struct ends *e = ctx;
    (void)r;
    return ++e->taken == e->fail_take ? err_set(why, ERR_FORMAT, "a reply that nobody asked for") : 0;
}

static int flush(void *ctx, struct err *why)
{
    struct ends *e = ctx;
    (void)why;
    e->flushed = e->taken;
    return 0;
}

static int room(void *ctx)
{
    const struct ends *e = ctx;
    return e->places - e->flying;
}

static void submit(void *ctx, const struct call *c)
{
    struct ends *e = ctx;
    (void)c;
    e->flying++;
    e->most = e->flying > e->most ? e->flying : e->most;
}

static int step(void *ctx, double wait, struct err *why)
{
    struct ends *e = ctx;
    (void)wait;
    e->steps++;
    if (e->flying) {
        e->flying--;
        e->back++;
    }
    return e->steps == e->fail_step ? err_set(why, ERR_CANCELLED, "the budget is spent") : e->drained && e->flying == 0 ? -1 : 0;
}

static const struct call_record *collect(void *ctx)
{
    struct ends *e = ctx;
    return e->back ? e->back--, &e->record : NULL;
}

static void drain(void *ctx)
{
    ((struct ends *)ctx)->drained = true;
}

static struct pump pump_of(struct ends *e, struct transport *t)
{
    *t = (struct transport){ .ctx = e, .room = room, .submit = submit, .step = step, .collect = collect, .drain = drain };
    return (struct pump){ .asker = { e, next, take, flush }, .transport = t };
}

static void test_flow(void)
{
    struct ends e = { .left = 10, .places = 3 };
    struct transport t;
    struct pump p = pump_of(&e, &t);
    int ticks = 1;
    while (pump_tick(&p, 0, &err) > 0)
        ticks++;
    ok(e.asked == 10 && e.taken == 10 && e.flushed == 10 && e.most == 3, "ten calls through three places, all taken and on disk");
    ok(ticks == 10 && p.in_flight == 0, "a tick moves what it can and leaves the rest for the next");
    int steps = e.steps;
    ok(pump_tick(&p, 1, &err) == 0 && e.steps == steps, "with nothing under way there is nothing to wait for");
    struct pump none = { .asker = p.asker };
    ok(pump_tick(&none, 1, &err) == 0 && pump_drain(&none, 1, &err) == 0, "without a transport nothing is asked");
}

static void test_failures(void)
{
    struct ends e = { .left = 10, .places = 4, .fail_take = 2 };
    struct transport t;
    struct pump p = pump_of(&e, &t);
    while (pump_tick(&p, 0, &err) > 0)
        ;
    ok(err.kind == ERR_FORMAT && e.taken == 2 && e.flushed == 2, "an asker that cannot take one ends it; those before it are on disk");
    e = (struct ends){ .left = 10, .places = 4, .fail_step = 3 };
    p = pump_of(&e, &t);
    while (pump_tick(&p, 0, &err) > 0)
        ;
    ok(err.kind == ERR_CANCELLED && e.taken == 3 && e.flushed == 3,
       "a transport that gives up: what it brought last is taken all the same");
}

static void test_drain(void)
{
    struct ends e = { .left = 10, .places = 4 };
    struct transport t;
    struct pump p = pump_of(&e, &t);
    pump_tick(&p, 0, &err);
    ok(pump_drain(&p, 5, &err) == 0 && e.drained && e.asked == 4 && e.taken == 4 && p.in_flight == 0,
       "draining asks nothing more and takes what is paid for");
}

int main(void)
{
    test_flow();
    test_failures();
    test_drain();
    return done_testing();
}
