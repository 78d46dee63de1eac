/* fallback.c - what the first judge filters goes to the second, all else stays with the first, and every call comes back once. Both judges
 * are transports of the test's own that reply by the last letter of the key. */
#include "tap.h"

#include "mtbench/fallback.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 8 };

struct fake {
    struct transport t;
    const char *filters;                 /* last letters of keys */
    const char *says;
    char key[MOST][8];
    uint64_t content[MOST];
    int n, asked, room;
    bool dead, drained, destroyed;
    struct call_record back;
    char back_key[8];
};

static int fake_room(void *ctx)
{
    const struct fake *f = ctx;
    return f->dead || f->drained ? 0 : f->room - f->n;
}

static void fake_submit(void *ctx, const struct call *c)
{
    struct fake *f = ctx;
    snprintf(f->key[f->n], sizeof f->key[0], "%s", c->key);
    f->content[f->n++] = c->content;
    f->asked++;
}

static int fake_step(void *ctx, double wait, struct err *err)
{
    const struct fake *f = ctx;
    (void)wait;
    return (f->dead || f->drained) && f->n == 0 ? err_set(err, ERR_CANCELLED, "%s is gone", f->says) : 0;
}

static const struct call_record *fake_collect(void *ctx)
{
    struct fake *f = ctx;
    if (f->n == 0)
        return NULL;
    strcpy(f->back_key, f->key[--f->n]);
    bool filtered = strchr(f->filters, f->back_key[strlen(f->back_key) - 1]) != NULL;
    f->back = (struct call_record){.key = f->back_key,
                                   .content = f->content[f->n],
                                   .status = filtered ? CALL_FILTERED : CALL_OK,
                                   .reason = filtered ? "a filter" : NULL,
                                   .text = filtered ? "" : f->says,
                                   .tokens_in = 10,
                                   .tokens_out = 1,
                                   .cost = 0.25,
                                   .tries = 1,
                                   .seconds = 1};
    return &f->back;
}

static void fake_drain(void *ctx)
{
    ((struct fake *)ctx)->drained = true;
}

static void fake_destroy(void *ctx)
{
    ((struct fake *)ctx)->destroyed = true;
}

static void fake_init(struct fake *f, const char *says, const char *filters, int room)
{
    *f = (struct fake){ .says = says, .filters = filters, .room = room };
    f->t = (struct transport){ f, fake_room, fake_submit, fake_step, fake_collect, fake_drain, fake_destroy };
}

/* "key=text/judge " of every record, in order of coming, with what it took. */
static void take_all(struct transport *t, struct buf *out)
{
    const struct call_record *r;
    while ((r = t->collect(t->ctx)))
        buf_printf(out, "%s=%s/%s/%d/%g ", r->key, r->status == CALL_OK ? r->text : call_status_name(r->status), r->judge ? r->judge : "-",
                   r->tries, r->cost);
}

static void ask(struct transport *t, const char *key)
{
    struct call_message m = { "user", "text" };
    t->submit(t->ctx, &(struct call){ .key = key, .content = 7, .message = &m, .n_messages = 1, .verdict = -1 });
}

static struct transport *start(struct fake *one, struct fake *two, int room)
{
    fake_init(one, "one", "fx", MOST);
    fake_init(two, "two", "x", room);
    return fallback_create(&(struct fallback_opts){ &one->t, &two->t, "other" });
}

static void test_filtered(void)
{
    struct fake one, two;
    struct buf got = {0};
    struct err err = {0};
    struct transport *t = start(&one, &two, 1);
    ask(t, "a"), ask(t, "bf"), ask(t, "cx"), ask(t, "d"), ask(t, "ef");
    for (int i = 0; i < 6; i++) {
        ok(t->step(t->ctx, 0, &err) == 0, "step %d", i);
        take_all(t, &got);
    }
    ok(two.asked == 3 && one.asked == 5, "the second is asked for three of five");
    ok(strstr(got.data, "a=one/-/1/0.25 ") && strstr(got.data, "d=one/-/1/0.25 "), "what is not filtered is the first's: %s", got.data);
    ok(strstr(got.data, "bf=two/other/2/0.5 ") && strstr(got.data, "ef=two/other/2/0.5 "),
       "what is, the second's, with its name and what both took");
    ok(strstr(got.data, "cx=filtered/other/2/0.5 "), "what both filter is filtered, and both are paid");
    int n = 0;
    for (const char *c = got.data; (c = strchr(c, ' ')); c++)
        n++;
    ok(n == 5 && !t->collect(t->ctx), "every call comes back once");
    t->destroy(t->ctx);
    ok(one.destroyed && two.destroyed, "both go with it");
    buf_free(&got);
}

static void test_second_is_lost(void)
{
    struct fake one, two;
    struct buf got = {0};
    struct err err = {0};
    struct transport *t = start(&one, &two, MOST);
    two.dead = true;
    ask(t, "af"), ask(t, "b");
    for (int i = 0; i < 3; i++) {
        ok(t->step(t->ctx, 0, &err) == 0, "the first goes on");
        take_all(t, &got);
    }
    ask(t, "cf");
    take_all(t, &got);
    ok(!strcmp(got.data, "b=one/-/1/0.25 af=filtered/-/1/0.25 cf=filtered/-/1/0.25 "), "without the second the first's word stands: %s",
       got.data);
    one.dead = true;
    ok(t->step(t->ctx, 0, &err) < 0 && strstr(err.text, "one is gone"), "the end of the first is the end: %s", err.text);
    t->destroy(t->ctx);
    buf_free(&got);
}

static void test_drain(void)
{
    struct fake one, two;
    struct buf got = {0};
    struct err err = {0};
    struct transport *t = start(&one, &two, 1);
    ask(t, "af"), ask(t, "bf"), ask(t, "cf");
    take_all(t, &got);
    t->step(t->ctx, 0, &err);            /* one of three is with the second */
    ask(t, "df");
    t->drain(t->ctx);
    for (int i = 0; i < 10 && t->step(t->ctx, 0, &err) == 0; i++)
        take_all(t, &got);
    int n = 0;
    for (const char *c = got.data; (c = strchr(c, ' ')); c++)
        n++;
    ok(n == 4 && strstr(got.data, "=two/other/") && two.asked == 1, "after a drain what is under way ends, and nothing more is sent: %s",
       got.data);
    ok(t->step(t->ctx, 0, &err) < 0 && err.kind == ERR_CANCELLED, "and then it is over");
    t->destroy(t->ctx);
    t = start(&one, &two, 1);
    ask(t, "af"), ask(t, "b");
    t->destroy(t->ctx);
    ok(one.destroyed && two.destroyed, "calls under way are freed");
    buf_free(&got);
}

int main(void)
{
    test_filtered();
    test_second_is_lost();
    test_drain();
    return done_testing();
}
