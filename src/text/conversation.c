/* conversation.c - FastChat's named templates rendered, one style at a time.
 * An absent or empty message is an open slot: it leaves the role's label behind, wherever it stands. That is FastChat's rule, and prompts
 * after an empty first answer depend on it. */
#include "conversation.h"
#include "unicode.h"

#include "mtbench/mem.h"

#include <string.h>

struct turn {
    int i;                               /* over all messages, examples included */
    const char *role, *text;
    size_t n;                            /* 0: open slot */
};

struct render {
    const struct conversation *c;
    struct buf *out;
    const char *system;                  /* the conversation's, or the template's own */
    size_t n_system;
    bool has_system;                     /* the filled system template is not empty */
};

static void put(const struct render *r, const char *s)
{
    buf_str(r->out, s);
}

static void put_text(const struct render *r, const struct turn *t)
{
    buf_add(r->out, t->text, t->n);
}

static const char *sep2(const struct render *r)
{
    /* Styles that use both ends only come with both, but a table is data: NULL is no text. */
    return r->c->sep2 ? r->c->sep2 : "";
}

static const char *alternate(const struct render *r, const struct turn *t)
{
    /* FastChat goes by the message's place, not its role; "i" therefore counts the examples in front. */
    return t->i % 2 == 0 ? r->c->sep : sep2(r);
}

static void put_system(struct render *r)
{
    /* str.format(system_message=...): what stands around the hole is kept when the message is empty. */
    const char *t = r->c->system_template ? r->c->system_template : "{system_message}", *hole = strstr(t, "{system_message}");
    size_t start = r->out->len;
    buf_add(r->out, t, hole ? (size_t)(hole - t) : strlen(t));
    if (hole) {
        buf_add(r->out, r->system, r->n_system);
        put(r, hole + strlen("{system_message}"));
    }
    /* FastChat asks the filled template, not the message: a template with words of its own is never empty. */
    r->has_system = r->out->len > start;
}

/* get_prompt()'s first line for each style: what goes before the first message. */
static void begin(struct render *r)
{
    const struct conversation *c = r->c;
    /* The other question, which some styles ask: is there a message? */
    bool text = r->n_system > 0;
    switch (c->style) {
    case STYLE_ADD_COLON_SINGLE:
    case STYLE_ADD_COLON_TWO:
    case STYLE_ADD_COLON_SPACE_SINGLE:
    case STYLE_ROBIN:
    case STYLE_CLLM:
        /* With an empty system the separator stands alone in front, as get_prompt() has it. */
        put_system(r);
        put(r, c->sep);
        break;
    case STYLE_ADD_NEW_LINE_SINGLE:
    case STYLE_CHATGLM:
    case STYLE_METAMATH:
        put_system(r);
        put(r, r->has_system ? c->sep : "");
        break;
    case STYLE_CHATML:
        put_system(r);
        put(r, r->has_system ? c->sep : "");
        put(r, r->has_system ? "\n" : "");
        break;
    /* Without a system message the first user's label is still due: llama2() writes none for message 0. */
    case STYLE_LLAMA2:
        if (text)
            put_system(r);
        else
            put(r, "[INST] ");
        break;
    /* FastChat writes BOS as text here, and prompt.c takes care that the tokenizer adds no second one. */
    case STYLE_LLAMA3:
        put(r, "<|begin_of_text|>");
        if (text)
            put_system(r);
        break;
    case STYLE_CHATGLM3:
        if (text)
            put_system(r);
        break;
    case STYLE_FALCON_CHAT:          /* only with a system message */
    case STYLE_YUAN2:
        if (text) {
            put_system(r);
            put(r, c->style == STYLE_YUAN2 ? sep2(r) : c->sep);
        }
        break;
    case STYLE_GEMMA:
        put(r, "<bos>");
        break;
    case STYLE_DEFAULT:
        put_system(r);
        put(r, "\n");
        break;
    default:
        put_system(r);
        break;
    }
}

/* R + between + M + after, or R + open for an open slot. */
static void plain(const struct render *r, const struct turn *t, const char *between, const char *after, const char *open)
{
    put(r, t->role);
    /* The open slot is where the model goes on: its last byte decides how the first token of the answer is split. */
    put(r, t->n ? between : open);
    if (t->n) {
        put_text(r, t);
        put(r, after);
    }
}

static void rwkv(const struct render *r, const struct turn *t)
{
    put(r, t->role);
    /* message.replace("\r\n", "\n").replace("\n\n", "\n"): one pass each, so four line feeds become two. */
    put(r, t->n ? ": " : ":");
    for (size_t i = 0; i < t->n; i++) {                /* \r\n -> \n, then one pass of \n\n -> \n */
        bool crlf = t->text[i] == '\r' && i + 1 < t->n && t->text[i + 1] == '\n';
        i += crlf;
        buf_char(r->out, t->text[i]);
        if (t->text[i] != '\n')
            continue;
        if (i + 1 < t->n && t->text[i + 1] == '\n')
            i++;
        else if (i + 2 < t->n && t->text[i + 1] == '\r' && t->text[i + 2] == '\n')
            i += 2;
    }
    put(r, t->n ? "\n\n" : "");
}

static void llama2(const struct render *r, const struct turn *t)
{
    if (t->i == 0) {                 /* its label is in the system part */
        if (t->n) {
            put_text(r, t);
            put(r, " ");
        } else {
            put(r, r->c->role[0]);
        }
        return;
    }
    put(r, r->c->role[t->i % 2]);
    if (t->n) {
        put(r, " ");
        put_text(r, t);
        put(r, alternate(r, t));
    }
}

static void llama3(const struct render *r, const struct turn *t)
{
    buf_printf(r->out, "<|start_header_id|>%s<|end_header_id|>\n\n", t->role);
    /* message.strip() of what is there; the header stays open. */
    if (t->n == 0)
        return;
    struct slice text = utf8_strip((struct slice){ t->text, t->n });      /* message.strip() */
    buf_add(r->out, text.ptr, text.len);
    put(r, "<|eot_id|>");
}

static void chatglm(const struct render *r, const struct turn *t)
{
    static const char colon[] = "\xef\xbc\x9a";         /* U+FF1A */
    /* chatglm counts its rounds from 0, chatglm2 from 1. */
    if (t->i % 2 == 0)
        buf_printf(r->out, "[Round %d]%s", t->i / 2 + !strcmp(r->c->name, "chatglm2"), r->c->sep);
    plain(r, t, colon, r->c->sep, colon);
}

/* The loop's body of get_prompt(), one style a case; 'plain' is the shape that most of them share. */
static void message(const struct render *r, const struct turn *t)
{
    const char *sep = r->c->sep;
    switch (r->c->style) {
    case STYLE_ADD_COLON_SINGLE:
    case STYLE_FALCON_CHAT: plain(r, t, ": ", sep, ":"); break;
    case STYLE_ADD_COLON_TWO:
    case STYLE_DEEPSEEK_CHAT:
    case STYLE_CLLM: plain(r, t, ": ", alternate(r, t), ":"); break;
    case STYLE_ADD_COLON_SPACE_SINGLE: plain(r, t, ": ", sep, ": "); break;
    case STYLE_ADD_NEW_LINE_SINGLE: plain(r, t, "\n", sep, "\n"); break;
    case STYLE_NO_COLON_SINGLE: plain(r, t, "", sep, ""); break;
    case STYLE_NO_COLON_TWO: plain(r, t, "", alternate(r, t), ""); break;
    case STYLE_RWKV: rwkv(r, t); break;
    case STYLE_LLAMA2: llama2(r, t); break;
    case STYLE_LLAMA3: llama3(r, t); break;
    case STYLE_CHATGLM: chatglm(r, t); break;
    /* The separator ends its line, if there is a message. */
    case STYLE_CHATML:
        plain(r, t, "\n", sep, "\n");
        put(r, t->n ? "\n" : "");
        break;
    case STYLE_CHATGLM3: plain(r, t, "\n", "", ""); break; /* no separator: labels are special tokens */
    /* <s> opens each round, so before messages of users only. */
    case STYLE_CHATINTERN:
        put(r, t->i % 2 == 0 ? "<s>" : "");
        plain(r, t, ":", alternate(r, t), ":");
        put(r, t->n ? "\n" : "");
        break;
    /* A blank line behind an answer alone. */
    case STYLE_DOLLY:
        plain(r, t, ":\n", alternate(r, t), ":\n");
        put(r, t->n && t->i % 2 ? "\n\n" : "");
        break;
    case STYLE_PHOENIX: plain(r, t, ": <s>", "</s>", ": <s>"); break; /* its ends are text */
    case STYLE_ROBIN: plain(r, t, ":\n", sep, ":\n"); break;
    case STYLE_METAMATH:
        /* sep2 opens the assistant's message, which is how the open slot ends, too. */
        if (t->i % 2 == 0) {
            plain(r, t, ":\n", sep, ":\n");
        } else {
            buf_printf(r->out, "%s: %s", t->role, sep2(r));
            put_text(r, t);
        }
        break;
    case STYLE_GEMMA:
        put(r, "<start_of_turn>");
        plain(r, t, "\n", sep, "\n");
        break;
    case STYLE_DEFAULT: plain(r, t, ": ", "\n", ":"); break; /* api_based_default: never sent to a model as text */
    case STYLE_YUAN2:                /* no labels at all */
        if (t->n) {
            put_text(r, t);
            put(r, "<n>");
        }
        break;
    }
}

/* YUAN2 ends by dropping every trailing '<', 'n' and '>' and adding the separator. */
static void end(const struct render *r)
{
    struct buf *b = r->out;
    if (r->c->style != STYLE_YUAN2)
        return;
    /* ret.rstrip("<n>") in FastChat, which strips a set of letters: a question that ends in "n" loses it. */
    while (b->len && strchr("<n>", b->data[b->len - 1]))
        b->len--;
    put(r, r->c->sep);
}

void conversation_render(const struct conversation *c, const struct chat_message *m, int n, bool add_generation_prompt, struct buf *out)
{
    struct render r = { .c = c, .out = out, .system = c->system, .n_system = strlen(c->system) };
    if (n > 0 && !strcmp(m->role, "system")) { /* set_system_message(): it takes the place of the template's, and is no turn */
        r.system = m->content;
        r.n_system = m->n_content;
        m++;
        n--;
    }
    int total = c->n_examples + n + (add_generation_prompt ? 1 : 0);
    buf_str(out, "");                /* so that even an empty prompt has its NUL */
    begin(&r);
    /* CLLM is given the last exchange alone. */
    for (int i = c->style == STYLE_CLLM && total > 2 ? total - 2 : 0; i < total; i++) {
        struct turn t = { .i = i, .text = "" };
        if (i < c->n_examples) {
            t.role = c->example[i][0];
            t.text = c->example[i][1];
            t.n = strlen(t.text);
        } else if (i < c->n_examples + n) {
            const struct chat_message *x = &m[i - c->n_examples];
            /* Labels go by role, separators by place: of users and assistants by turns both agree. */
            t.role = c->role[!strcmp(x->role, "assistant")];
            t.text = x->content;
            t.n = x->n_content;
        } else {
            t.role = c->role[1];
        }
        message(&r, &t);
    }
    end(&r);
}

const struct conversation *conversation_find(const char *name)
{
    for (int i = 0; i < conversation_count; i++) /* names are FastChat's, letter by letter */
        if (!strcmp(conversation_table[i].name, name))
            return &conversation_table[i];
    return NULL;
}

bool conversation_complete(const struct conversation *c)
{
    bool complete = c->system != NULL;
    for (int i = 0; i < c->n_examples; i++)
        complete = complete && c->example[i][1];
    return complete;
}
