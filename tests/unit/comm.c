/* comm.c - tensor groups of threads: sums by the balanced tree, to the bit and alike on all; columns; messages; stops; a member that fails,
 * and one that does not come. (Groups of ranks: tests/run/comm.t.) */
#include "mtbench/comm.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include "parts.h"
#include "src/backend/comm_priv.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 60, MOST = 7 * 3001 };

struct actor {
    struct comm *c;
    int wrong;
    bool failed;
    struct err err;
    double seconds;
    void (*play)(struct actor *a);
};

static void *start(void *arg)
{
    struct actor *a = arg;
    const double begun = clock_now();
    a->play(a);
    a->seconds = clock_now() - begun;
    a->failed = comm_check(a->c, &a->err) < 0;
    return NULL;
}

/* All members at once; the group is closed behind it. */
static bool act(struct actor *a, int size, void (*play)(struct actor *), double patience, bool crowded)
{
    struct comm *member[COMM_MAX];
    pthread_t thread[COMM_MAX];
    struct err err = { 0 };
    if (comm_threads(member, size, &(struct comm_opts){ .crowded = crowded, .patience = patience }, &err) < 0)
        return ok(false, "%s", err.text);
    for (int r = 0; r < size; r++) {
        a[r] = (struct actor){ .c = member[r], .play = play };
        pthread_create(&thread[r], NULL, start, &a[r]);
    }
    for (int r = 0; r < size; r++)
        pthread_join(thread[r], NULL);
    for (int r = 0; r < size; r++)
        comm_close(member[r]);
    return true;
}

/* ---- sums ---- */

static void play_sums(struct actor *a)
{
    static const int rows[] = { 1, 7, 2, 5 }, dim[] = { 1, 3001, 17, 64 };
    float *x = xcalloc(MOST, sizeof *x);
    for (int round = 0; round < ROUNDS; round++)
        a->wrong += check_sum(a->c, x, rows[round % 4], dim[round % 4], round, round % 7 == 3 ? round % a->c->size : -1);
    free(x);
}

static void test_sums(int size, bool crowded)
{
    struct actor a[COMM_MAX];
    int wrong = 0;
    if (!act(a, size, play_sums, 0, crowded))
        return;
    for (int r = 0; r < size; r++)
        wrong += a[r].wrong + a[r].failed;
    ok(!wrong, "%d members%s: the tree's bits on all, and one's stop is everybody's", size, crowded ? " on a crowded machine" : "");
}

/* ---- columns and messages ---- */

static void play_columns(struct actor *a)
{
    float *x = xcalloc(9 * 40 * COMM_MAX, sizeof *x);
    a->wrong += check_columns(a->c, x);
    free(x);
}

static void play_messages(struct actor *a)
{
    struct buf b = { 0 };
    a->wrong += check_messages(a->c);
    if (a->c->rank > 0)
        a->wrong += comm_hear(a->c, &b, false) != 0;
    buf_free(&b);
}

static void test_rest(int size)
{
    struct actor a[COMM_MAX];
    int wrong = 0;
    if (act(a, size, play_columns, 0, false))
        for (int r = 0; r < size; r++)
            wrong += a[r].wrong + a[r].failed;
    ok(!wrong, "%d members: columns of all in their places at member 0", size);
    if (act(a, size, play_messages, 0, true))
        for (int r = 0; r < size; r++)
            wrong += a[r].wrong + a[r].failed;
    ok(!wrong, "%d members: 200 messages in order", size);
}

/* ---- faults ---- */

static void play_failure(struct actor *a)
{
    struct buf b = { 0 };
    bool stop = false;
    float x = 1;
    comm_sum(a->c, &x, 1, 1, &stop);
    struct err why;
    err_set(&why, ERR_DEVICE, "member %d is broken", a->c->rank);
    if (a->c->rank == 1)
        comm_fail(a->c, &why);
    else if (a->c->rank == 2)             /* one waits for a message, the others in a sum */
        a->wrong += comm_hear(a->c, &b, true) != -1;
    else
        a->wrong += comm_sum(a->c, &x, 1, 1, &stop);
    a->wrong += comm_sum(a->c, &x, 1, 1, &stop) || comm_gather(a->c, &x, 1, (int[COMM_MAX + 1]){ 0 }) || comm_tell(a->c, &x, 1);
    buf_free(&b);
}

static void play_absence(struct actor *a)
{
    bool stop = false;
    float x = 1;
    if (a->c->rank == a->c->size - 1)
        nanosleep(&(struct timespec){ .tv_sec = 2 }, NULL);
    a->wrong += comm_sum(a->c, &x, 1, 1, &stop);
}

static void play_deafness(struct actor *a)
{
    if (a->c->rank == 0)
        a->wrong += !comm_tell(a->c, "1", 1) || comm_tell(a->c, "2", 1);
}

static void test_faults(void)
{
    struct actor a[COMM_MAX];
    bool good = true;
    act(a, 4, play_failure, 0, true);
    for (int r = 0; r < 4; r++)
        good &= !a[r].wrong && a[r].failed && a[r].err.kind == ERR_DEVICE && !strcmp(a[r].err.text, "member 1 is broken") &&
                a[r].seconds < 5;
    ok(good, "a member that fails: all leave at once, with its words: %s, %.1f s", a[0].err.text, a[3].seconds);
    act(a, 4, play_absence, 0.3, true);
    good = true;
    for (int r = 0; r < 4; r++)
        good &= !a[r].wrong && a[r].failed && strstr(a[r].err.text, "waited 0.3 s for member 3 of 4") && a[r].seconds < 5;
    ok(good, "one that does not come: %s", a[0].err.text);
    act(a, 2, play_deafness, 0.3, true);
    ok(!a[0].wrong && a[0].failed && strstr(a[0].err.text, "for member 1 of 2"), "one that takes no message: %s", a[0].err.text);
}

/* A program that was stopped for an hour has waited for the second that the look took at most. */
static void test_patience(void)
{
    const struct comm_opts o = { .patience = 2 };
    struct comm_wait w = { 0 };
    ok(!comm_out_of_patience(&w, &o), "a wait begins with patience");
    w.last -= 3600;
    ok(!comm_out_of_patience(&w, &o), "an hour in which the program stood still is no wait");
    w.last -= 3600;
    ok(!comm_out_of_patience(&w, &o), "nor are two");
    w.waited = 2;
    w.last -= 0.5;
    ok(comm_out_of_patience(&w, &o), "two seconds and more are");
}

static void test_alone(void)
{
    struct comm *c = NULL;
    struct err err = { 0 };
    struct buf b = { 0 };
    float x = 3;
    bool stop = true;
    ok(comm_threads(&c, 1, &(struct comm_opts){ 0 }, &err) == 0 && c == &comm_self, "a group of one is the member alone");
    ok(comm_sum(c, &x, 1, 1, &stop) && x == 3 && stop && comm_gather(c, &x, 1, (int[]){ 0, 1 }) && comm_tell(c, &x, 4) &&
       comm_hear(c, &b, true) == 0 && comm_check(c, &err) == 0, "and nothing happens");
    comm_close(c);
    comm_close(NULL);
}

int main(void)
{
    test_alone();
    test_patience();
    for (int size = 2; size <= COMM_MAX; size *= 2) {
        test_sums(size, false);
        test_sums(size, true);
        test_rest(size);
    }
    test_faults();
    return done_testing();
}
