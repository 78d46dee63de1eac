/* pump.c - calls go out, records come in. */
#include "mtbench/pump.h"

#include "mtbench/clock.h"
#include "mtbench/watch.h"

static int take_all(struct pump *p, struct err *err)
{
    struct transport *t = p->transport;
    const struct call_record *r;
    int rc = 0;
    while (rc == 0 && (r = t->collect(t->ctx))) {
        p->in_flight--;
        watch_moved();
        rc = p->asker.take(p->asker.ctx, r, err);
    }
    /* One that could not be taken does not unsay those before it. */
    if (p->asker.flush && p->asker.flush(p->asker.ctx, rc < 0 ? NULL : err) < 0)
        rc = -1;
    return rc;
}

int pump_tick(struct pump *p, double wait, struct err *err)
{
    struct transport *t = p->transport;
    const struct call *c;
    if (!t)
        return 0;
    /* Room first: next() marks a call as asked, and one that then finds no room would be lost. */
    for (; t->room(t->ctx) > 0 && (c = p->asker.next(p->asker.ctx)); p->in_flight++)
        t->submit(t->ctx, c);
    int rc = p->in_flight ? t->step(t->ctx, wait, err) : 0; /* nothing under way: a step would only sleep */
    if (take_all(p, rc < 0 ? NULL : err) < 0 || rc < 0) /* the step's error is the one to tell */
        return -1;
    return p->in_flight;
}

int pump_drain(struct pump *p, double seconds, struct err *err)
{
    struct transport *t = p->transport;
    struct err why;
    double end = clock_now() + seconds;
    int ended = 0;
    if (!t)
        return 0;
    if (t->drain)
        t->drain(t->ctx);
    while (!ended && clock_now() < end) { /* a bound: schedulers kill soon after their signal */
        ended = t->step(t->ctx, 0.2, &why);  /* that it has ended is what was asked for */
        if (take_all(p, err) < 0)
            return -1;
        ended = ended || p->in_flight == 0;
    }
    return 0;
}
