/* watch.c - what this process is at. Words are copied to where others look under a turn that is odd meanwhile, so that nobody waits. */
#include "mtbench/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 8 };                      /* deeper ones are counted and pass unseen */

static struct watch_post own_place;
static struct watch_post *place = &own_place;
static struct { enum watch_kind kind; char text[WATCH_TEXT]; } level[DEPTH] = { { WATCH_WORKS, "starting" } };
static int depth = 1;
static _Thread_local bool is_watched;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int top(void)
{
    return (depth < DEPTH ? depth : DEPTH) - 1;
}

static void publish(void)
{
    const unsigned turn = atomic_load_explicit(&place->turn, memory_order_relaxed);
    uint64_t words[WATCH_TEXT / 8];
    memcpy(words, level[top()].text, sizeof words);
    atomic_store_explicit(&place->turn, turn + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (int i = 0; i < WATCH_TEXT / 8; i++)
        atomic_store_explicit(&place->text[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&place->kind, (int)level[top()].kind, memory_order_relaxed);
    atomic_store_explicit(&place->moved, now_ms(), memory_order_relaxed);
    atomic_store_explicit(&place->turn, turn + 2, memory_order_release);
}

void watch_start(struct watch_post *post, int rank)
{
    is_watched = true;
    place = post ? post : &own_place;
    atomic_store(&place->rank, rank);
    atomic_store(&place->process, (int64_t)getpid());
    publish();
}

struct watch_post *watch_own(void)
{
    return place;
}

void watch_begin(enum watch_kind kind, const char *fmt, ...)
{
    va_list ap;
    if (!is_watched)
        return;
    char text[WATCH_TEXT];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (++depth <= DEPTH) {
        /* whoever waits for others is asked in the middle of what */
        const char *outer = kind == WATCH_WAITS ? level[depth - 2].text : "";
        snprintf(level[depth - 1].text, WATCH_TEXT, "%.*s%s%.*s", kind == WATCH_WAITS ? 80 : WATCH_TEXT - 1, text, *outer ? ", while " : "",
                 WATCH_TEXT - 100, outer);
        level[depth - 1].kind = kind;
    }
    publish();
}

void watch_end(void)
{
    if (!is_watched)
        return;
    depth -= depth > 1;
    publish();
}

void watch_moved(void)
{
    if (is_watched)
        atomic_store_explicit(&place->moved, now_ms(), memory_order_relaxed);
}

bool watch_look(struct watch_post *post, struct watch_seen *seen)
{
    const unsigned turn = atomic_load_explicit(&post->turn, memory_order_acquire);
    uint64_t words[WATCH_TEXT / 8];
    for (int i = 0; i < WATCH_TEXT / 8; i++)
        words[i] = atomic_load_explicit(&post->text[i], memory_order_relaxed);
    *seen = (struct watch_seen){
        .kind = (enum watch_kind)atomic_load_explicit(&post->kind, memory_order_relaxed), .rank = atomic_load(&post->rank),
        .process = (long)atomic_load(&post->process),
        .still = (double)(now_ms() - atomic_load_explicit(&post->moved, memory_order_relaxed)) / 1000,
    };
    memcpy(seen->text, words, sizeof seen->text);
    seen->text[WATCH_TEXT - 1] = '\0';
    atomic_thread_fence(memory_order_acquire);
    return turn != 0 && turn % 2 == 0 && atomic_load_explicit(&post->turn, memory_order_relaxed) == turn;
}
