/* chat.c - messages to a prompt: which template a model gets, and where its answers stop. */
#include "mtbench/chat.h"

#include "conversation.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/stop.h"
#include "mtbench/template.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct chat {
    struct template *jinja;                       /* or */
    const struct conversation *named;
    char name[64], sha256[65];
    struct template_token *token;                 /* (n_tokens) */
    char **additional;
    int n_tokens, n_additional;
    bool uses_time;
    double now;
    struct stop_rule stop;
};

/* All names, for messages. */
static int unknown(const char *choice, const struct chat_opts *o, struct err *err)
{
    struct buf b = {0};
    for (int i = 0; i < conversation_count && b.len < 300; i++) /* an error is one line: the first few */
        buf_printf(&b, "%s%s", i ? ", " : "", conversation_table[i].name);
    if (choice)
        err_set(err, ERR_USAGE, "--chat-template %s: no such template; give a Jinja file or one of %s ...", choice, b.data);
    else
        err_set(
            err, ERR_USAGE,
            "chat template: the model has none, and FastChat has none for \"%s\"; choose by --chat-template a Jinja file or one of %s ...",
            o->model_id && *o->model_id ? o->model_id : o->model_path, b.data);
    buf_free(&b);
    return -1;
}

/* A template whose text is not carried: 'model' is what FastChat's rules chose it for, NULL: the user named it. */
static int missing(const char *name, const char *model, struct err *err)
{
    /* Told apart from "unknown": the user's name is right, and only he can supply the text. */
    for (const struct conversation_missing *m = conversation_missing; m->name; m++) {
        if (strcmp(name, m->name))
            continue;
        if (model)
            err_set(err, ERR_USAGE, "FastChat's template for \"%s\" is %s, whose text is not part of this program (%s); "
                    "choose by --chat-template: a Jinja file or a name", model, name, m->why);
        else
            err_set(err, ERR_USAGE, "--chat-template %s: FastChat's text of it is not part of this program (%s); give it as a Jinja file",
                    name, m->why);
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
    /* A template is data and code: the rendering of a sample shows a change in either, as a hash of the table would not. */
    const struct chat_message sample[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    conversation_render(c->named, sample, 3, true, &b);
    sha256_hex(b.data, b.len, c->sha256);
    buf_free(&b);
    c->stop.stop = c->named->stop;
    c->stop.n_stop = c->named->n_stop;
    c->stop.strip_assistant = !strcmp(name, "xgen"); /* gen_model_answer.py's own exception */
    return 0;
}

static int use_jinja(struct chat *c, const char *name, const char *text, size_t n, struct err *err)
{
    strcpy(c->name, name);
    sha256_hex(text, n, c->sha256);
    /* By its text: whether the call is reached depends on messages that are not there yet. Asking too often costs a note in the
     * manifest. */
    c->uses_time = memmem(text, n, "strftime", 8) != NULL;
    c->jinja = template_parse(text, n, err);
    return c->jinja ? 0 : -1;
}

static int choose(struct chat *c, const struct chat_opts *o, struct err *err)
{
    char name[64];
    bool automatic = !o->choice || !strcmp(o->choice, "auto");
    /* What the user gave wins, then the model's own template, then FastChat's rules: theirs serve models that have none. */
    if (!automatic && !strcmp(o->choice, "file"))
        return use_jinja(c, "file", o->file, o->n_file, err);
    if (!automatic)
        return use_named(c, o->choice, o->choice, o, err);
    if (o->own)
        return use_jinja(c, "own", o->own, o->n_own, err);
    const char *const given[] = { o->model_id, o->model_path };
    /* The id first: a path is wherever the user put the model, and its folders may be called anything. */
    for (int i = 0; i < 2; i++) {
        if (!given[i] || !conversation_rule(given[i], name))
            continue;
        /* A rule that names a template nobody carries ends the search: another one's prompt would be wrong in silence. */
        if (conversation_find(name))
            return use_named(c, name, NULL, o, err);
        if (missing(name, given[i], err) < 0)
            return -1;
    }
    return unknown(NULL, o, err);
}

/* The names under which Hugging Face hands special tokens to a template; a token that is not set has none there. */
static void copy_tokens(struct chat *c, const struct chat_opts *o)
{
    const struct template_token all[] = {
        {"bos_token", o->bos}, {"eos_token", o->eos}, {"unk_token", o->unk},   {"pad_token", o->pad},
        {"sep_token", o->sep}, {"cls_token", o->cls}, {"mask_token", o->mask},
    };
    c->token = xcalloc(sizeof all / sizeof *all, sizeof *all);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        /* "bos_token is defined" must be false for a model without one. */
        if (all[i].text && *all[i].text)
            c->token[c->n_tokens++] = (struct template_token){ all[i].name, xstrdup(all[i].text) };
    c->additional = xcalloc((size_t)o->n_additional + 1, sizeof *c->additional); /* never of size 0 */
    for (int i = 0; i < o->n_additional; i++)
        c->additional[c->n_additional++] = xstrdup(o->additional[i]);
}

struct chat *chat_create(const struct chat_opts *o, struct err *err)
{
    struct chat *c = xcalloc(1, sizeof *c);
    /* Texts that the template needs are copied; special and its texts are the caller's for the chat's lifetime. */
    copy_tokens(c, o);
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
    for (int i = 0; i < c->n_tokens; i++)
        free((char *)c->token[i].text);
    for (int i = 0; i < c->n_additional; i++)
        free(c->additional[i]);
    free(c->token);
    free(c->additional);
    free(c);
}

int chat_render(const struct chat *c, const struct chat_message *m, int n, bool add_generation_prompt, struct buf *out, struct err *err)
{
    if (c->named) {
        /* FastChat's templates render any messages; only Jinja can refuse. */
        conversation_render(c->named, m, n, add_generation_prompt, out);
        return 0;
    }
    struct template_message *t = xcalloc((size_t)n, sizeof *t); /* slices of the caller's texts */
    for (int i = 0; i < n; i++)
        t[i] = (struct template_message){ { m[i].role, strlen(m[i].role) }, { m[i].content, m[i].n_content } };
    const struct template_vars v = {
        .message = t, .n_messages = n, .add_generation_prompt = add_generation_prompt, .token = c->token, .n_tokens = c->n_tokens,
        .additional = (const char *const *)c->additional, .n_additional = c->n_additional, .now = c->now,
    };
    int rc = template_render(c->jinja, &v, out, err);
    free(t);
    return rc;
}

double chat_wall_clock(double unix_time)
{
    time_t whole = (time_t)floor(unix_time);
    struct tm tm;
    tzset();
    /* tzset() first: localtime_r() need not read TZ on its own. */
    localtime_r(&whole, &tm);
    return (double)timegm(&tm);          /* no fraction: what a journal keeps of it must give the same prompt again */
}

void chat_set_now(struct chat *c, double wall_clock)
{
    c->now = wall_clock;
}

bool chat_uses_time(const struct chat *c)
{
    return c->uses_time;
}

static struct slice trimmed(const char *s, size_t n)
{
    while (n && strchr(" \t\r\n", *s)) /* texts hold no NUL, which strchr() would take */
        s++, n--;
    while (n && strchr(" \t\r\n", s[n - 1]))
        n--;
    return (struct slice){ s, n };
}

/* The text itself, and failing that a word that no template changes, as some write contents as JSON or cut them. */
bool chat_drops_system(const struct chat *c, const struct chat_message *m, int n)
{
    static const char word[] = "Qzsystemqz";
    struct buf out = {0};
    struct err err = {0};
    if (n < 1 || strcmp(m[0].role, "system"))
        return false;
    /* Trimmed, as most templates trim contents. */
    struct slice text = trimmed(m[0].content, m[0].n_content);
    int rc = chat_render(c, m, n, true, &out, &err);
    /* A refusal is no dropping, and of an empty text nothing could be missed. */
    bool there = rc < 0 || text.len == 0 || memmem(out.data, out.len, text.ptr, text.len);
    if (!there) {
        /* Escaped or cut, the text would not be found as it stands although the template uses it. */
        struct chat_message *probe = xcalloc((size_t)n, sizeof *probe);
        memcpy(probe, m, (size_t)n * sizeof *probe);
        probe[0].content = word;
        probe[0].n_content = sizeof word - 1;
        buf_clear(&out);
        there = chat_render(c, probe, n, true, &out, &err) < 0 || memmem(out.data, out.len, word, sizeof word - 1);
        free(probe);
    }
    buf_free(&out);
    return !there;
}

int chat_opening(const struct chat *c, struct buf *out, struct err *err)
{
    /* One short question, as some templates open differently behind an answer, and nearly all accept a user first. */
    const struct chat_message question = { "user", "Q", 1 };
    struct buf closed = {0}, open = {0};
    int rc = chat_render(c, &question, 1, false, &closed, err);
    rc = rc < 0 ? rc : chat_render(c, &question, 1, true, &open, err);
    /* A template that writes something else in the middle has no opening that could be told; the caller then sees none. */
    if (rc == 0 && open.len > closed.len && !memcmp(open.data, closed.data ? closed.data : "", closed.len))
        buf_add(out, open.data + closed.len, open.len - closed.len);
    buf_free(&closed);
    buf_free(&open);
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
    /* Its text begins with BOS where the model wants one: the tokenizer must not add a second. */
    return c->jinja != NULL;
}

int chat_stop_ids(const struct chat *c, const int32_t **id)
{
    /* A Jinja template has no such list: the model's files know its end of turn. */
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
    /* FastChat's BaseModelAdapter, which matches whatever is left. */
    if (!conversation_rule(model, template))
        strcpy(template, "one_shot");
    for (size_t i = 0; i < sizeof wordless / sizeof *wordless; i++)
        if (!strcmp(template, wordless[i].name))
            return wordless[i].system;
    /* one_shot is zero_shot with an example conversation in front, and examples are not sent. */
    const struct conversation *c = conversation_find(!strcmp(template, "one_shot") ? "zero_shot" : template);
    return c ? c->system : NULL;     /* a static text of the table */
}
