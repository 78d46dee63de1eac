/* template.c - chat templates: parse once, render often. */
#include "template_priv.h"

#include "mtbench/mem.h"

#include <stdlib.h>

struct template {
    struct work w;                       /* owns source, tokens and tree */
    struct node *root;
};

struct template *template_parse(const char *src, size_t n, struct err *err)
{
    struct template *t = xcalloc(1, sizeof *t);
    t->w.err = err;
    if (n > MAX_SOURCE) {
        err_set(err, ERR_MODEL, "chat template: %zu bytes are more than the %d that one may have", n, MAX_SOURCE);
        template_destroy(t);
        return NULL;
    }
    if (setjmp(t->w.fail)) {
        template_destroy(t);
        return NULL;
    }
    struct slice copy = work_copy(&t->w, src, n);
    t->root = template_tree(&t->w, template_lex(&t->w, copy));
    return t;
}

void template_destroy(struct template *t)
{
    if (!t)
        return;
    work_free(&t->w);
    free(t);
}

static void set(struct work *w, struct frame *f, const char *name, struct value v)
{
    dict_set(w, &f->vars, v_text(name), v);
}

static void set_globals(struct work *w, struct frame *f, const struct template_vars *v)
{
    struct value messages = v_list(w, false);
    for (int i = 0; i < v->n_messages; i++) {
        struct value m = v_dict(w, false);
        dict_set(w, m.dict, v_text("role"), v_slice(v->message[i].role));
        dict_set(w, m.dict, v_text("content"), v_slice(v->message[i].content));
        list_add(w, messages.list, m);
    }
    set(w, f, "messages", messages);
    set(w, f, "add_generation_prompt", v_bool(v->add_generation_prompt));
    set(w, f, "tools", v_none());
    set(w, f, "documents", v_none());
    for (int i = 0; i < v->n_tokens; i++)
        set(w, f, v->token[i].name, v_text(v->token[i].text));
    struct value additional = v_list(w, false);
    for (int i = 0; i < v->n_additional; i++)
        list_add(w, additional.list, v_text(v->additional[i]));
    if (v->n_additional)
        set(w, f, "additional_special_tokens", additional);
}

int template_render(const struct template *t, const struct template_vars *v, struct buf *out, struct err *err)
{
    struct work w = { .err = err };
    struct eval e = { .w = &w, .out = out, .vars = v, .out_start = out->len };
    const size_t start = out->len;
    if (setjmp(w.fail)) {
        work_free(&w);
        out->len = start;
        return -1;
    }
    e.frame = work_alloc(&w, sizeof *e.frame);
    set_globals(&w, e.frame, v);
    template_run(&e, t->root);
    work_free(&w);
    return 0;
}
