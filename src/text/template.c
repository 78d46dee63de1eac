/* template.c - chat templates: parse once, render often. */
#include "template_priv.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

struct template {
    struct work w;                       /* owns source, tokens and tree */
    struct node *root;
};

/* CR LF and CR alone are line feeds before anything is read, as in jinja2. */
static struct slice with_line_feeds(struct work *w, const char *src, size_t n)
{
    char *text = work_alloc(w, n + 1), *to = text;
    for (size_t i = 0; i < n; i++) {
        if (src[i] == '\r' && i + 1 < n && src[i + 1] == '\n') /* the line feed that follows is copied */
            continue;
        *to++ = src[i] == '\r' ? '\n' : src[i];
    }
    return (struct slice){ text, (size_t)(to - text) };
}

struct template *template_parse(const char *src, size_t n, struct err *err)
{
    /* Everything that a parse makes lives in t->w's arena; longjmp lands here, so nothing between may own memory of its own. */
    struct template *t = xcalloc(1, sizeof *t);
    t->w.err = err;
    if (n > MAX_SOURCE) {
        err_set(err, ERR_MODEL, "chat template: %zu bytes are more than the %d that one may have", n, MAX_SOURCE);
        template_destroy(t);
        return NULL;
    }
    /* 't' is set before and never again: no local changes after setjmp(), so none needs to be volatile. */
    if (setjmp(t->w.fail)) {
        template_destroy(t);
        return NULL;
    }
    t->w.line = 1;
    /* All that follows steps by characters without looking: this one check is what makes char_at() and text_offset() safe. */
    if (utf8_bad(src, n) >= 0)
        work_fail(&t->w, "not UTF-8");
    /* Copied because tokens and constants are slices of the source, and the caller may free his. */
    struct slice copy = with_line_feeds(&t->w, src, n);
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
    /* Values point into the caller's texts: nothing of the messages is copied for a render. */
    struct value messages = v_list(w, L_LIST);
    for (int i = 0; i < v->n_messages; i++) {
        struct value m = v_dict(w);
        dict_set(w, m.dict, v_text("role"), v_slice(v->message[i].role));
        dict_set(w, m.dict, v_text("content"), v_slice(v->message[i].content));
        list_add(w, messages.list, m);
    }
    set(w, f, "messages", messages);
    set(w, f, "add_generation_prompt", v_bool(v->add_generation_prompt));
    /* apply_chat_template() passes both, as None: "tools is defined" holds, and many templates tell tools by "is not none". */
    set(w, f, "tools", v_none());
    set(w, f, "documents", v_none());
    for (int i = 0; i < v->n_tokens; i++)
        set(w, f, v->token[i].name, v_text(v->token[i].text));
    struct value additional = v_list(w, L_LIST);
    for (int i = 0; i < v->n_additional; i++)
        list_add(w, additional.list, v_text(v->additional[i]));
    /* Undefined without any, as Hugging Face's special_tokens_map has then no such key. */
    if (v->n_additional)
        set(w, f, "additional_special_tokens", additional);
}

int template_render(const struct template *t, const struct template_vars *v, struct buf *out, struct err *err)
{
    /* A render has an arena of its own: the tree is only read, so one template may be rendered over and over, and a limit met once
     * does not count for the next. */
    struct work w = { .err = err };
    struct eval e = { .w = &w, .out = out, .vars = v, .out_start = out->len };
    const size_t start = out->len;
    if (setjmp(w.fail)) {
        work_free(&w);
        out->len = start;            /* no half prompt is left behind */
        return -1;
    }
    e.frame = work_alloc(&w, sizeof *e.frame);
    /* Only inside a filter block does it hold anything; a template cannot name it. */
    e.hole = v_nothing();
    set_globals(&w, e.frame, v);
    /* The globals are the outermost frame, so "set messages = ..." replaces them for the rest of this render, as in jinja2. */
    template_run(&e, t->root);
    work_free(&w);
    return 0;
}
