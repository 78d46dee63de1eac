/* chat.c - messages to a prompt: which template a model gets, and where its answers stop. */
#include "mtbench/chat.h"

#include "conversation.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/stop.h"
#include "mtbench/template.h"

#include <stdlib.h>
#include <string.h>

struct chat {
    struct template *jinja;                       /* or */
    const struct conversation *named;
    char name[64], sha256[65];
    char *bos, *eos, *unk, *pad;
    double now;
    struct stop_rule stop;
};

static char *copy_text(const char *s)
{
    return s && *s ? xstrdup(s) : NULL;
}

/* All names, for messages. */
static int unknown(const char *choice, const struct chat_opts *o, struct err *err)
{
    struct buf b = {0};
    for (int i = 0; i < conversation_count && b.len < 300; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", conversation_table[i].name);
    if (choice)
        err_set(err, ERR_USAGE, "--chat-template %s: no such template; give a Jinja file or one of %s ...", choice, b.data);
    else
        err_set(err, ERR_USAGE, "chat template: the model has none, and FastChat has none for \"%s\"; choose by --chat-template a Jinja file or one of %s ...",
                o->model_id && *o->model_id ? o->model_id : o->model_path, b.data);
    buf_free(&b);
    return -1;
}

/* A template whose text is not carried: 'model' is what FastChat's rules chose it for, NULL: the user named it. */
static int missing(const char *name, const char *model, struct err *err)
{
    for (const struct conversation_missing *m = conversation_missing; m->name; m++) {
        if (strcmp(name, m->name))
            continue;
        if (model)
            err_set(err, ERR_USAGE, "FastChat's template for \"%s\" is %s, whose text is not part of this program (%s); "
                    "choose by --chat-template: a Jinja file or a name", model, name, m->why);
        else
            err_set(err, ERR_USAGE, "--chat-template %s: FastChat's text of it is not part of this program (%s); give it as a Jinja file", name,
                    m->why);
        return -1;
    }
    return 0;
}

static int use_named(struct chat *c, const char *name, const char *choice, const struct chat_opts *o, struct err *err)
{
    c->named = conversation_find(name);
    if (!c->named)
        return choice && missing(name, NULL, err) < 0 ? -1 : unknown(choice, o, err);
    strncpy(c->name, name, sizeof c->name - 1);
    struct buf b = {0};
    const struct chat_message sample[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    conversation_render(c->named, sample, 3, true, &b);
    sha256_hex(b.data, b.len, c->sha256);
    buf_free(&b);
    c->stop.stop = c->named->stop;
    c->stop.n_stop = c->named->n_stop;
    c->stop.strip_assistant = !strcmp(name, "xgen");
    return 0;
}

static int use_jinja(struct chat *c, const char *name, const char *text, size_t n, struct err *err)
{
    strcpy(c->name, name);
    sha256_hex(text, n, c->sha256);
    c->jinja = template_parse(text, n, err);
    return c->jinja ? 0 : -1;
}

static int choose(struct chat *c, const struct chat_opts *o, struct err *err)
{
    char name[64];
    bool automatic = !o->choice || !strcmp(o->choice, "auto");
    if (!automatic && !strcmp(o->choice, "file"))
        return use_jinja(c, "file", o->file, o->n_file, err);
    if (!automatic)
        return use_named(c, o->choice, o->choice, o, err);
    if (o->own)
        return use_jinja(c, "own", o->own, o->n_own, err);
    const char *const given[] = { o->model_id, o->model_path };
    for (int i = 0; i < 2; i++) {
        if (!given[i] || !conversation_rule(given[i], name))
            continue;
        if (conversation_find(name))
            return use_named(c, name, NULL, o, err);
        if (missing(name, given[i], err) < 0)
            return -1;
    }
    return unknown(NULL, o, err);
}

struct chat *chat_create(const struct chat_opts *o, struct err *err)
{
    struct chat *c = xcalloc(1, sizeof *c);
    c->bos = copy_text(o->bos);
    c->eos = copy_text(o->eos);
    c->unk = copy_text(o->unk);
    c->pad = copy_text(o->pad);
    c->now = o->now;
    c->stop = (struct stop_rule){ .special = o->special, .n_special = o->n_special };
    if (choose(c, o, err) < 0) {
        chat_destroy(c);
        return NULL;
    }
    return c;
}

void chat_destroy(struct chat *c)
{
    if (!c)
        return;
    template_destroy(c->jinja);
    free(c->bos);
    free(c->eos);
    free(c->unk);
    free(c->pad);
    free(c);
}

int chat_render(const struct chat *c, const struct chat_message *m, int n, bool add_generation_prompt, struct buf *out, struct err *err)
{
    if (c->named) {
        conversation_render(c->named, m, n, add_generation_prompt, out);
        return 0;
    }
    struct template_message *t = xcalloc((size_t)n, sizeof *t);
    for (int i = 0; i < n; i++)
        t[i] = (struct template_message){ { m[i].role, strlen(m[i].role) }, { m[i].content, m[i].n_content } };
    const struct template_vars v = {
        .message = t, .n_messages = n, .add_generation_prompt = add_generation_prompt, .bos_token = c->bos ? c->bos : "", .eos_token = c->eos ? c->eos : "",
        .unk_token = c->unk, .pad_token = c->pad, .now = c->now,
    };
    int rc = template_render(c->jinja, &v, out, err);
    free(t);
    return rc;
}

const char *chat_name(const struct chat *c)
{
    return c->name;
}

const char *chat_sha256(const struct chat *c)
{
    return c->sha256;
}

bool chat_is_own_template(const struct chat *c)
{
    return c->jinja != NULL;
}

int chat_stop_ids(const struct chat *c, const int32_t **id)
{
    *id = c->named ? c->named->stop_id : NULL;
    return c->named ? c->named->n_stop_ids : 0;
}

bool chat_has_stop_strings(const struct chat *c)
{
    return c->stop.n_stop > 0;
}

bool chat_stopped(const struct chat *c, const char *text, size_t n)
{
    return stop_reached(&c->stop, text, n);
}

void chat_clean(const struct chat *c, const char *text, size_t n, struct buf *out)
{
    stop_clean(&c->stop, text, n, out);
}

/* Templates of hosted models that no prompt can be rendered by. */
static const struct {
    const char *name, *system;
} wordless[] = { { "bard", "" }, { "gemini", "" }, { "steerlm", "" }, { "pplxai", "Be precise and concise." } };

const char *chat_hosted_system(const char *model, char template[64])
{
    if (!conversation_rule(model, template))
        strcpy(template, "one_shot");
    for (size_t i = 0; i < sizeof wordless / sizeof *wordless; i++)
        if (!strcmp(template, wordless[i].name))
            return wordless[i].system;
    /* one_shot is zero_shot with an example conversation in front, and examples are not sent. */
    const struct conversation *c = conversation_find(!strcmp(template, "one_shot") ? "zero_shot" : template);
    return c ? c->system : NULL;
}
