/* kv.h - pages of the KV cache and who holds them (room engine, private). What lies in them is the team's.
 * A page is held by every sequence whose page table names it (ref) and pinned by those of them that run (pin). What is not
 * pinned may be evicted; what nobody holds is free. */
#ifndef MTB_KV_H
#define MTB_KV_H

#include "mtbench/team.h"

struct kv {
    struct team *team;        /* that holds their memory */
    int n_pages, n_free, n_pinned;
    int least_free;           /* n_free was never less: pages beyond were never touched */
    int32_t *free;            /* (n_pages) a stack: the page freed last goes out first, so that memory never touched stays so */
    int32_t *ref, *pin;       /* (n_pages) */
};

/* All n_pages pages that the team has been started with. */
void kv_create(struct kv *kv, struct team *team, int n_pages);
void kv_destroy(struct kv *kv);

/* A free page, held once; -1 when there is none. */
int32_t kv_take(struct kv *kv);
void kv_hold(struct kv *kv, int32_t page);
/* Let go; the last holder's page becomes free. */
void kv_drop(struct kv *kv, int32_t page);
void kv_pin(struct kv *kv, int32_t page);
void kv_unpin(struct kv *kv, int32_t page);
void kv_copy(struct kv *kv, int32_t dst, int32_t src);

/* Pages that could be had by evicting everything that does not run. */
static inline int kv_available(const struct kv *kv)
{
    return kv->n_pages - kv->n_pinned;
}

static inline int kv_pages_for(int n_positions)
{
    return (n_positions + KV_PAGE - 1) / KV_PAGE;
}

#endif
