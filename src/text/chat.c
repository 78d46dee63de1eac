/* chat.c - messages to a prompt: which template a model gets, and where its answers stop. */
#include "mtbench/chat.h"

#include "conversation_python.h"

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
    struct conversation_filled filled;            /* what named points to where FastChat's file had the text */
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
    for (int i = 0; i < conversation_count && b.len < 150; i++) /* an error is one line: the first few */
        buf_printf(&b, "%s%s", i ? ", " : "", conversation_table[i].name);
    if (choice)
        err_set(err, ERR_USAGE, "--chat-template %s: no such template; give a Jinja file or one of %s ...", choice, b.data);
    else
        err_set(err, ERR_USAGE, "chat template: the model has none, and FastChat has none for \"%s\" (it falls back to one_shot); choose "
                "--chat-template one_shot, or a Jinja file or another of %s ...",
                o->model_id && *o->model_id ? o->model_id : o->model_path, b.data);
    buf_free(&b);
    return -1;
}

/* The rules know these names, but their template is none of the table's: it is of hosted models, or of images. */
static int unknown_model(const struct chat_opts *o, struct err *err)
{
    const char *const given[] = { o->model_id, o->model_path, o->base_name };
    char name[64];
    for (int i = 0; i < 3; i++)
        if (given[i] && conversation_rule(given[i], o->base_name, name))
            return err_set(err, ERR_USAGE, "chat template: FastChat's for \"%s\" is %s, which is not part of this program; choose another "
                           "by --chat-template", given[i], name);
    return unknown(NULL, o, err);
}

/* Told apart from "unknown": the name is right, and only the user can supply the text. 'model' is what FastChat's rules chose it for, NULL:
 * he named it. */
static int not_at_hand(const struct conversation *c, const char *model, struct err *err)
{
    const char *how = c->unreleased ? "name a checkout of FastChat's repository by --fastchat PATH"
                                    : "get it by mtbench fetch --only fastchat/conversation.py, or name your FastChat by --fastchat PATH";
    if (model)
        return err_set(err, ERR_USAGE, "chat template: FastChat's for \"%s\" is %s, whose text is not part of this program; %s, or choose "
                       "another by --chat-template", model, c->name, how);
    return err_set(err, ERR_USAGE, "--chat-template %s: FastChat's text of it is not part of this program; %s", c->name, how);
}

static int use_named(struct chat *c, const struct conversation *named, const char *model, const struct chat_opts *o, struct err *err)
{
    c->named = named;
    if (!conversation_complete(named)) {
        if (!o->fastchat)
            return not_at_hand(named, model, err);
        static const char other[] = "name another FastChat by --fastchat PATH, or give the text as --chat-template FILE.jinja",
                          release[] = "take FastChat 0.2.36's (mtbench fetch --only fastchat/conversation.py), "
                                      "or --chat-template FILE.jinja";
        if (conversation_fill(named, o->fastchat_place, o->fastchat, o->n_fastchat, &c->filled, err) < 0)
            return err_advise(err, "%s", named->unreleased ? other : release);
        c->named = &c->filled.c;
    }
    strncpy(c->name, named->name, sizeof c->name - 1);
    struct buf b = {0};
    /* A template is data and code: the rendering of a sample shows a change in either, as a hash of the table would not. */
    const struct chat_message sample[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    conversation_render(c->named, sample, 3, true, &b);
    sha256_hex(b.data, b.len, c->sha256);
    buf_free(&b);
    c->stop.stop = c->named->stop;
    c->stop.n_stop = c->named->n_stop;
    c->stop.strip_assistant = !strcmp(c->name, "xgen"); /* gen_model_answer.py's own exception */
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

/* FastChat's template that these options come to, if it is one; 'model' is what a rule chose it for, NULL: its name was given. */
static const struct conversation *named_choice(const struct chat_opts *o, const char **model)
{
    const char *const given[] = { o->model_id, o->model_path, o->base_name };
    char name[64];
    *model = NULL;
    if (o->choice && strcmp(o->choice, "auto"))
        return strcmp(o->choice, "file") ? conversation_find(o->choice) : NULL;
    /* The id first: a path is wherever the user put the model, and its folders may be called anything. An adapter's own name before its
     * base's: guanaco is no llama. */
    for (int i = 0; i < 3 && !o->own; i++) {
        const struct conversation *c = given[i] && conversation_rule(given[i], o->base_name, name) ? conversation_find(name) : NULL;
        *model = given[i];
        if (c)
            return c;
    }
    return NULL;
}

static int choose(struct chat *c, const struct chat_opts *o, struct err *err)
{
    bool automatic = !o->choice || !strcmp(o->choice, "auto");
    const char *model;
    const struct conversation *named = named_choice(o, &model);
    /* What the user gave wins, then the model's own template, then FastChat's rules: theirs serve models that have none. */
    if (!automatic && !strcmp(o->choice, "file"))
        return use_jinja(c, "file", o->file, o->n_file, err);
    if (automatic && o->own)
        return use_jinja(c, "own", o->own, o->n_own, err);
    if (named)
        return use_named(c, named, model, o, err);
    return automatic ? unknown_model(o, err) : unknown(o->choice, o, err);
}

bool chat_needs_fastchat(const struct chat_opts *o)
{
    const char *model;
    const struct conversation *named = named_choice(o, &model);
    return named && !conversation_complete(named);
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
    conversation_filled_free(&c->filled);
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
    if (!conversation_rule(model, NULL, template))
        strcpy(template, "one_shot");
    for (size_t i = 0; i < sizeof wordless / sizeof *wordless; i++)
        if (!strcmp(template, wordless[i].name))
            return wordless[i].system;
    const struct conversation *c = conversation_find(template); /* examples in front are not sent */
    return c ? c->system : NULL;     /* a static text of the table */
}
