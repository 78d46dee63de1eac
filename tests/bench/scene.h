/* scene.h - sequences in their pages of the KV cache, for programs that measure steps: prompts as the engine lays them out, and steps of
 * one row of each sequence. Tokens are numbers out of the air. A step that fails ends the program: 77 where a device does, else 1. */
#ifndef MTB_BENCH_SCENE_H
#define MTB_BENCH_SCENE_H

#include "mtbench/mem.h"
#include "mtbench/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct scene {
    struct model *m;                      /* loaded, by who measures */
    int max_rows;                         /* of a step */
    struct forward *forward;
    struct kv_view kv;
    size_t page_bytes;
    int n_seq, context, pages_per_seq;    /* context: tokens of each prompt */
    int32_t *page;                        /* (n_seq, pages_per_seq): each sequence has memory of its own */
    int32_t *token, *out_row, *drawn;     /* (max_rows) */
    struct seq_run *run;                  /* (max_rows) */
    struct sampling *how;                 /* (max_rows) greedy */
};

static _Noreturn inline void scene_fail(const struct err *e)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, e->text);
    exit(e->kind == ERR_DEVICE ? 77 : 1);
}

static inline void scene_close(struct scene *s)
{
    const struct model *m = s->m;
    forward_destroy(s->forward);
    m->ops->release(m->be, s->kv.base, s->page_bytes * (size_t)(s->n_seq * s->pages_per_seq));
    free(s->page), free(s->token), free(s->out_row), free(s->drawn), free(s->run), free(s->how);
    *s = (struct scene){ .m = s->m, .max_rows = s->max_rows };
}

/* Room for n_seq sequences of 'longest' tokens. -1: err, and nothing is held. */
static inline int scene_open(struct scene *s, int context, int n_seq, int longest, struct err *err)
{
    struct model *m = s->m;
    const struct model_config *c = &m->config;
    const size_t rows = (size_t)s->max_rows;
    s->context = context;
    s->n_seq = n_seq;
    s->pages_per_seq = (longest + KV_PAGE - 1) / KV_PAGE;
    s->kv = (struct kv_view){ NULL, c->n_layers, c->n_kv, c->head_dim };
    s->page_bytes = m->ops->kv_page_bytes(c->n_layers, c->n_kv, c->head_dim);
    const int n_pages = n_seq * s->pages_per_seq;
    s->page = xcalloc((size_t)n_pages, sizeof *s->page);
    for (int i = 0; i < n_pages; i++)
        s->page[i] = i;
    s->token = xcalloc(rows, sizeof *s->token);
    s->out_row = xcalloc(rows, sizeof *s->out_row);
    s->drawn = xcalloc(rows, sizeof *s->drawn);
    s->run = xcalloc(rows, sizeof *s->run);
    s->how = xcalloc(rows, sizeof *s->how);
    for (size_t i = 0; i < rows; i++)
        s->how[i] = (struct sampling){ .top_p = 1.0f, .repetition_penalty = 1.0f };
    if (model_rope(m, s->pages_per_seq * KV_PAGE, err) == 0 && (s->forward = forward_create(m, &comm_self, s->max_rows, n_seq, err)) &&
        (s->kv.base = m->ops->alloc(m->be, s->page_bytes * (size_t)n_pages, err)))
        return 0;
    scene_close(s);
    return -1;
}

static inline int32_t scene_token(const struct scene *s, int seq, int pos)
{
    return (int32_t)(((uint32_t)seq * 7919u + (uint32_t)pos * 2654435761u) % (uint32_t)s->m->config.n_vocab);
}

static inline void scene_step(struct scene *s, struct step *st, int n_out)
{
    struct err e;
    st->n_out = n_out;
    st->out_row = s->out_row;
    st->how = s->how;
    forward_step(s->forward, &s->kv, st);
    if (forward_draw(s->forward, st, s->drawn, &e) < 0)
        scene_fail(&e);
}

/* The prompts of the first n sequences; a step may end one and begin the next. */
static inline void scene_prompts(struct scene *s, int n)
{
    for (int seq = 0, pos = 0; seq < n;) {
        struct step st = { .token = s->token, .run = s->run };
        int n_out = 0;
        while (seq < n && st.n_rows < s->max_rows) {
            const int left = s->max_rows - st.n_rows, rows = s->context - pos < left ? s->context - pos : left;
            for (int i = 0; i < rows; i++)
                s->token[st.n_rows + i] = scene_token(s, seq, pos + i);
            s->run[st.n_runs++] = (struct seq_run){ st.n_rows, rows, pos, s->page + seq * s->pages_per_seq };
            st.n_rows += rows;
            pos += rows;
            if (pos == s->context) {
                s->out_row[n_out++] = st.n_rows - 1;
                seq++;
                pos = 0;
            }
        }
        scene_step(s, &st, n_out);
    }
}

/* One prompt is computed, the others get copies of its pages. */
static inline void scene_fill(struct scene *s)
{
    const struct model *m = s->m;
    const size_t bytes = s->page_bytes * (size_t)s->pages_per_seq;
    scene_prompts(s, 1);
    for (int i = 1; i < s->n_seq; i++)
        m->ops->copy(m->be, (char *)s->kv.base + (size_t)i * bytes, s->kv.base, bytes);
}

/* One row of each sequence, at that position. */
static inline void scene_decode(struct scene *s, int pos)
{
    for (int i = 0; i < s->n_seq; i++) {
        s->token[i] = scene_token(s, i, pos);
        s->out_row[i] = i;
        s->run[i] = (struct seq_run){ i, 1, pos, s->page + i * s->pages_per_seq };
    }
    scene_step(s, &(struct step){ .n_rows = s->n_seq, .token = s->token, .n_runs = s->n_seq, .run = s->run }, s->n_seq);
}

#endif
