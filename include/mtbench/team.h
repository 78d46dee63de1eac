/* team.h - the members of a replica that live in this process, and their part of every step (room: model).
 * A replica is one member with the whole model, T members here (each on a thread of its own, member 0 on the caller's), or T ranks with one
 * member each. The engine, which is where member 0 is, sees the team alone: what it asks for, all members do. Ranks without member 0 call
 * team_follow() in their loop instead. */
#ifndef MTB_TEAM_H
#define MTB_TEAM_H

#include "mtbench/model.h"

struct team;

struct team_opts {
    struct model *const *member;  /* (n) shares in order of rank, each with a backend of its own: all of the replica's, or one */
    int n;
    struct comm *comm;            /* of one of several ranks; else NULL. The team closes it */
    bool crowded;                 /* members wait on cores that others need */
    bool (*interrupted)(void *ctx);   /* asked in the layers of a step, or before it where the executor is not synchronous, on the caller's
                                         thread: true on any rank: the step ends at once everywhere and has not happened. NULL: never */
    void *interrupt_ctx;
    double patience;              /* of the comm (comm.h); 0: COMM_PATIENCE */
};

/* Keeps the members; takes no memory to speak of. NULL: err (memory); the comm is closed then, too. */
struct team *team_create(const struct team_opts *o, struct err *err);
void team_destroy(struct team *t);
/* The first member here, which has the configuration of all. */
const struct model *team_model(const struct team *t);
/* Is member 0 here? */
bool team_leads(const struct team *t);
/* What the team was given to ask, asked now. */
bool team_interrupted(const struct team *t);

/* Bytes of the members here: weights, activations, rotation tables, and a page of the KV cache. */
size_t team_weight_bytes(const struct team *t);
size_t team_activation_bytes(const struct team *t, int max_rows, int max_out);
size_t team_rotation_bytes(const struct team *t, int max_tokens);
size_t team_page_bytes(const struct team *t);

struct team_sizes {
    int max_rows, max_out;        /* of a step */
    int max_tokens;               /* longest sequence: positions of the rotation table */
    int n_pages;                  /* of the KV cache */
};
/* Take memory and begin, with weights that are loaded; on all ranks with the same sizes. -1: err (memory, device). */
int team_start(struct team *t, const struct team_sizes *s, struct err *err);
void team_stop(struct team *t);

/* ---- where member 0 is ---- */

/* 1: logits are there; 0: interrupted, the rows' pages are to be written again; -1: err (device), and nothing more will come. */
int team_step(struct team *t, const struct step *s, struct err *err);
/* Logits (n_vocab) of the i-th row that draws in the step that was run last, before it is drawn from. */
void team_logits(struct team *t, int i, float *host);
/* As forward_draw(). */
int team_draw(struct team *t, const struct step *s, int32_t *token, struct err *err);
void team_copy_page(struct team *t, int32_t dst, int32_t src);
/* As forward_find_fault(). */
bool team_find_fault(struct team *t, const struct step *s, struct forward_fault *fault);
/* Tell other ranks that member 0 is there, if it has not told them anything for a second. To be called in any loop that others follow.
 * -1: err (device), the group has failed. */
int team_beat(struct team *t, struct err *err);
/* For now there is nothing more to follow: other ranks' team_follow() says so. Whoever leaves the loop that others follow in calls this. */
void team_end(struct team *t);

/* ---- on ranks without it ---- */

enum { TEAM_IDLE, TEAM_FOLLOWED, TEAM_ENDED };
/* Do what member 0 has asked for; where it has asked for nothing, look again for some milliseconds. TEAM_IDLE, TEAM_FOLLOWED, TEAM_ENDED,
 * or -1: err (device), also where nothing was heard for five times the group's patience: what member 0 does between two steps takes time of
 * its own, a disk's, say. A rank stays in its loop until it hears the end or an error: who leaves on its own leaves the others in a sum. */
int team_follow(struct team *t, struct err *err);

#endif
