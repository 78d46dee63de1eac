/* api_error.c - what an error reply says. Every server has its own shape for it, and gateways wrap those of others. */
#include "api_error.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 6 };                    /* of words in lists in objects */

/* Never NULL, so that callers compare and print without asking; a member of another type counts as absent. */
static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : "";
}

/* ---- words ---- */

/* Objects hold lists that hold objects: the two functions below call each other, bounded by DEEPEST. */
static void add_words(struct buf *b, const cJSON *j, int depth);

/* FastAPI's: {"loc": ["body", "n"], "msg": "Extra inputs are not permitted"} is "body.n: Extra inputs are not permitted". */
static void add_place(struct buf *b, const cJSON *loc)
{
    const cJSON *part;
    bool first = true;                   /* of the parts; a place without parts gets no colon either */
    cJSON_ArrayForEach(part, loc) {
        if (!first)
            buf_char(b, '.');
        first = false;
        if (cJSON_IsString(part))
            buf_str(b, part->valuestring);
        else if (cJSON_IsNumber(part))
            buf_printf(b, "%g", part->valuedouble);
    }
    if (!first)
        buf_str(b, ": ");
}

/* The first of the members that hold words; the whole object where none does, so that nothing is lost. */
static void add_object(struct buf *b, const cJSON *o, int depth)
{
    static const char *const name[] = {"message",           "msg",           "detail",       "error",   "errors", "details",
                                       "error_msg",         "error_message", "errorMessage", "Message", "reason", "description",
                                       "error_description", "title"};
    size_t before = b->len;              /* where this object's words begin, the place included */
    if (cJSON_IsArray(json_get(o, "loc")))
        add_place(b, json_get(o, "loc"));
    size_t placed = b->len;              /* behind the place: as long as nothing follows, no member had words */
    /* The order of the names is the order of preference: what was said before what it is about. */
    for (size_t i = 0; i < sizeof name / sizeof *name && b->len == placed; i++)
        add_words(b, json_get(o, name[i]), depth + 1);
    /* A router's own words are "Provider returned error"; what the provider said stands beside them. */
    const char *raw = text_of(json_get(o, "metadata"), "raw");
    if (*raw)
        buf_printf(b, "%s%s", b->len > before ? ": " : "", raw);
    /* An empty object says nothing; any other is better quoted raw than lost. */
    if (b->len == placed && o->child) {
        char *all = cJSON_PrintUnformatted(o);
        buf_str(b, all ? all : "");
        cJSON_free(all);
    }
}

static void add_words(struct buf *b, const cJSON *j, int depth)
{
    const cJSON *item;
    /* Hostile bodies may be deep or long. What is beyond the size of a message would be cut in keep_words() anyway. */
    if (depth > DEEPEST || b->len > sizeof ((struct api_error *)0)->message)
        return;
    if (cJSON_IsString(j)) {
        buf_str(b, j->valuestring);
    } else if (cJSON_IsObject(j)) {
        add_object(b, j, depth);
    } else if (cJSON_IsArray(j)) {
        size_t start = b->len;           /* of this list: the first item needs no separator */
        cJSON_ArrayForEach(item, j) {
            size_t here = b->len;
            if (here > start)
                buf_str(b, "; ");
            size_t put = b->len;         /* behind the separator */
            add_words(b, item, depth + 1);
            if (b->len == put)           /* it had no words */
                b->len = here;
        }
    }
}

/* On one line, within the size, cut between characters. */
static void keep_words(struct api_error *e, const struct buf *b)
{
    size_t n = 0;
    /* Runs of blanks become one: errors wrapped in HTML or in indented JSON are mostly blanks. */
    for (size_t i = 0; i < b->len && n + 1 < sizeof e->message; i++) {
        char c = b->data[i];
        if ((unsigned char)c <= ' ' || c == 127)
            c = ' ';
        if (c != ' ' || (n && e->message[n - 1] != ' '))
            e->message[n++] = c;
    }
    /* The cut may have gone through a character: take bytes off until the text is whole again. */
    while (n && (e->message[n - 1] == ' ' || utf8_bad(e->message, n) >= 0))
        n--;
    e->message[n] = '\0';
}

/* ---- shapes ---- */

/* A string of either object: errors are wrapped in errors. */
static const char *either(const cJSON *o, const cJSON *within, const char *name)
{
    const char *s = text_of(within, name);
    return *s ? s : text_of(o, name);
}

/* An HTTP status in "code", as a number or as digits; words ("rate_limit_exceeded") and other numbers are none. */
static long status_of(const cJSON *o)
{
    const cJSON *code = json_get(o, "code");
    double x = cJSON_IsNumber(code) ? code->valuedouble : cJSON_IsString(code) ? strtod(code->valuestring, NULL) : 0;
    return x >= 400 && x < 600 ? (long)x : 0;
}

static void read_object(const cJSON *o, struct api_error *e)
{
    const cJSON *within = json_get(o, "error"), *inner = json_get(o, "innererror");
    e->type = either(o, within, "type"); /* the inner object is nearer to the cause: it wins */
    e->code = either(o, within, "code");
    e->param = either(o, within, "param");
    e->inner = text_of(inner ? inner : json_get(o, "inner_error"), "code"); /* Azure tells a content filter here only */
    e->number = status_of(within) ? status_of(within) : status_of(o);
}

/* All strings non-NULL: patterns are searched in each of them. */
static const struct api_error none = { .type = "", .code = "", .param = "", .inner = "" };

bool api_error_beside(const cJSON *object, struct api_error *e)
{
    const cJSON *error = json_get(object, "error");
    struct buf b = {0};
    *e = none;
    if (cJSON_IsObject(error))
        read_object(error, e);
    add_words(&b, error, 0);
    keep_words(e, &b);
    buf_free(&b);
    /* "error": null, {}, false or "" is how some say that there is none; so is {"code": 0, "message": ""}. */
    return *e->message &&
           (!cJSON_IsObject(error) || *e->type || *e->code || e->number || *text_of(error, "message") || !json_get(error, "code"));
}

/* Without "error": {"object": "error", "message": ...}, {"detail": ...}, {"errors": [...]}, {"type": "error"}. */
static bool is_error(const cJSON *body)
{
    const cJSON *message = json_get(body, "message"), *detail = json_get(body, "detail"), *errors = json_get(body, "errors");
    return (message && !cJSON_IsNull(message)) || (detail && !cJSON_IsNull(detail)) || cJSON_GetArraySize(errors) > 0 ||
           !strcmp(text_of(body, "object"), "error") || !strcmp(text_of(body, "type"), "error");
}

bool api_error_read(const cJSON *body, struct api_error *e)
{
    struct buf b = {0};
    /* Gemini's endpoint in OpenAI's clothes sends its error as a list of one. */
    if (cJSON_IsArray(body))
        body = cJSON_GetArrayItem(body, 0);
    /* The common shape, {"error": {...}}, is done here; the rest is for gateways. */
    if (api_error_beside(body, e) && cJSON_IsObject(json_get(body, "error")))
        return true;
    /* For a status of 4xx any object is an error; 'found' is for bodies of a 200, where an answer must not be mistaken
     * for one. */
    bool found = cJSON_IsObject(body) && (*e->message || is_error(body) || cJSON_IsObject(json_get(body, "error")));
    /* {"error": "Bad Request", "message": "what was bad"} */
    if (*e->message)
        buf_str(&b, e->message);
    if (*e->message && *text_of(body, "message"))
        buf_printf(&b, ": %s", text_of(body, "message"));
    else if (!*e->message && (cJSON_IsString(body) || found))
        add_words(&b, body, 0);
    *e = none;
    if (cJSON_IsObject(body))
        read_object(body, e);
    keep_words(e, &b);
    buf_free(&b);
    return found;
}

/* Of a page in another encoding the bytes that are no UTF-8 become '?', so that the words between them are read all the same. */
static void ask_for_bad(char *s, size_t n)
{
    for (long bad; n && (bad = utf8_bad(s, n)) >= 0; s += bad + 1, n -= (size_t)bad + 1)
        s[bad] = '?';
}

void api_error_plain(const char *text, size_t n, struct api_error *e)
{
    struct buf b = {0};
    bool tag = false;
    *e = none;
    for (size_t i = 0; i < n && b.len < sizeof e->message; i++) {
        /* "5 < 6" opens no tag. Titles and paragraphs stay, a proxy's page of markup goes. */
        bool opens = text[i] == '<' && i + 1 < n && (isalpha((unsigned char)text[i + 1]) || strchr("/!?", text[i + 1]));
        if (opens)
            buf_char(&b, ' ');
        tag |= opens;
        if (!tag)
            buf_char(&b, text[i]);
        tag &= text[i] != '>';           /* the bracket itself is still of the tag */
    }
    if (b.len)
        ask_for_bad(b.data, b.len);
    keep_words(e, &b);
    buf_free(&b);
}

/* ---- meanings ---- */

bool api_error_says(const struct api_error *e, const char *const *pattern)
{
    const char *const words[] = { e->code, e->type, e->inner, e->message };
    for (; *pattern; pattern++)
        /* In any of the four places: servers disagree about which of them holds the word. */
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcasestr(words[i], *pattern))
                return true;
    return false;
}

/* CALL_TOO_LONG is final: asking again cannot help. So each pattern must be one that no other error contains. */
bool api_error_too_long(const struct api_error *e)
{
    static const char *const pattern[] = {
        "context_length_exceeded",
        "exceed_context_size",
        "context length",
        "context window",
        "context size",
        "context limit",
        "prompt is too long",
        "input is too long",
        "input too long",
        "too many tokens",
        "reduce the length",
        "request_too_large",
        "string_above_max_length",
        NULL,
    };
    return api_error_says(e, pattern);
}

/* Final as well, and what a fallback judge is asked for. */
bool api_error_filtered(const struct api_error *e)
{
    static const char *const pattern[] = {
        "content_filter", "ResponsibleAIPolicyViolation", "content management policy", "content_policy_violation", "invalid_prompt",
        "content filtering policy", NULL,
    };
    return api_error_says(e, pattern);
}

/* The same, in a 403, whose words may otherwise speak of filters when it is the account that may not. */
bool api_error_flagged(const struct api_error *e)
{
    static const char *const pattern[] = { "input was flagged", NULL };
    return api_error_says(e, pattern);
}

/* These come as 429 too, but no waiting helps: the run stops and can go on when the account has been topped up. */
bool api_error_no_quota(const struct api_error *e)
{
    static const char *const pattern[] = {
        "insufficient_quota", "enforced_spend_limit_reached", "billing_hard_limit_reached", "credit balance is too low", NULL,
    };
    return api_error_says(e, pattern);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '\\';     /* "\n" names no n */
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    /* "n" must not be found in "invalid": only a word of its own names a parameter. */
    for (const char *p = text; (p = strcasestr(p, word)); p++)
        if ((p == text || !is_word(p[-1])) && !is_word(p[n]))
            return true;
    return false;
}

bool api_error_names(const struct api_error *e, const char *param)
{
    return has_word(*e->param ? e->param : e->message, param); /* "param" is exact where it is given */
}
