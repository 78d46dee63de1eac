/* classify.c - a reply that is no answer, or not all of one: what to do about it. */
#include "classify.h"

#include "header.h"
#include "thinking.h"

#include "mtbench/mem.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double longest_wait = 900;  /* a server that wants more than this is out of quota for this run */

/* ---- reading ---- */

static int hex4(const char *s)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return -1;
        v = 16 * v + (isdigit((unsigned char)s[i]) ? s[i] - '0' : tolower((unsigned char)s[i]) - 'a' + 10);
    }
    return v;
}

static int escape_at(const char *s, const char *end)
{
    return end - s >= 6 && s[0] == '\\' && s[1] == 'u' ? hex4(s + 2) : -1;
}

/* Copy what stands at 's' and return how many bytes of it were used. */
static size_t clean_one(struct buf *b, const char *s, const char *end)
{
    if (*s == '\0') {
        buf_char(b, ' ');
        return 1;
    }
    if (*s != '\\') {
        buf_char(b, *s);
        return 1;
    }
    int c = escape_at(s, end);
    if (c < 0) {
        size_t n = end - s >= 2 && s[1] ? 2 : 1;
        buf_add(b, s, n);
        return n;
    }
    int low = c >= 0xd800 && c < 0xdc00 ? escape_at(s + 6, end) : -1;
    if (low >= 0xdc00 && low < 0xe000) {
        buf_add(b, s, 12);
        return 12;
    }
    if (c == 0 || (c >= 0xd800 && c < 0xe000))
        buf_str(b, "\\ufffd");
    else
        buf_add(b, s, 6);
    return 6;
}

cJSON *reply_parse(const char *text, size_t n, struct err *err)
{
    struct buf valid = {0}, clean = {0};
    for (size_t done = 0; done < n;) {
        long bad = utf8_bad(text + done, n - done);
        buf_add(&valid, text + done, bad < 0 ? n - done : (size_t)bad);
        done = bad < 0 ? n : done + (size_t)bad + 1;
        if (bad >= 0)
            buf_str(&valid, "\xef\xbf\xbd");
    }
    for (size_t i = 0; i < valid.len;)
        i += clean_one(&clean, valid.data + i, valid.data + valid.len);
    cJSON *j = json_parse(clean.data ? clean.data : "", clean.len, err);
    buf_free(&valid);
    buf_free(&clean);
    return j;
}

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : "";
}

bool api_error_read(const cJSON *body, struct api_error *e)
{
    *e = (struct api_error){ "", "", "", "", "", 0 };
    if (cJSON_IsArray(body))
        body = cJSON_GetArrayItem(body, 0);
    const cJSON *error = json_get(body, "error"), *o = error;
    if (cJSON_IsString(error)) {
        e->message = error->valuestring;
        o = body;
    } else if (!cJSON_IsObject(error)) {
        /* {"object": "error", "message": ...} and {"detail": ...} of older servers. */
        o = body;
        if (cJSON_IsString(json_get(body, "detail")))
            e->message = text_of(body, "detail");
        else if (strcmp(text_of(body, "object"), "error") && strcmp(text_of(body, "type"), "error") && !cJSON_IsString(json_get(body, "message")))
            return false;
    }
    const cJSON *code = json_get(o, "code"), *inner = json_get(o, "innererror");
    e->type = text_of(o, "type");
    e->code = text_of(o, "code");
    e->param = text_of(o, "param");
    e->inner = text_of(inner ? inner : json_get(o, "inner_error"), "code");
    if (!*e->message)
        e->message = text_of(o, "message");
    if (cJSON_IsNumber(code) && code->valuedouble >= 400 && code->valuedouble < 600)
        e->number = (long)code->valuedouble;
    return true;
}

/* Does any of the patterns (NULL-ended) stand in the error's words? */
static bool says(const struct api_error *e, const char *const *pattern)
{
    const char *const words[] = { e->code, e->type, e->inner, e->message };
    for (; *pattern; pattern++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcasestr(words[i], *pattern))
                return true;
    return false;
}

static bool says_too_long(const struct api_error *e)
{
    static const char *const pattern[] = { "context_length_exceeded", "exceed_context_size", "context length", "context window", "context size", "context limit",
        "prompt is too long", "input is too long", "input too long", "too many tokens", "reduce the length", "request_too_large", "string_above_max_length", NULL };
    return says(e, pattern);
}

static bool says_filtered(const struct api_error *e)
{
    static const char *const pattern[] = { "content_filter", "ResponsibleAIPolicyViolation", "content management policy", "content_policy_violation",
        "invalid_prompt", "content filtering policy", NULL };
    return says(e, pattern);
}

static bool says_no_quota(const struct api_error *e)
{
    static const char *const pattern[] = { "insufficient_quota", "enforced_spend_limit_reached", "billing_hard_limit_reached", "credit balance is too low", NULL };
    return says(e, pattern);
}

bool api_error_refuses(const struct api_error *e, long code, const char *param)
{
    static const char *const pattern[] = { "unsupported", "not support", "unknown", "unrecognized", "unexpected", "deprecated", "not permitted", "not allowed",
        "extra inputs", "only the default", "cannot", NULL };
    if ((code != 400 && code != 422) || says_too_long(e) || !says(e, pattern))
        return false;
    return *e->param ? !strcmp(e->param, param) : strcasestr(e->message, param) != NULL;
}

/* ---- deciding ---- */

static void end(struct reply *out, enum reply_action action, enum call_status status, char *reason)
{
    out->action = action;
    out->status = status;
    free(out->reason);
    out->reason = reason;
}

void classify_transport(const struct http_response *r, struct reply *out)
{
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1, .maybe_billed = r->trouble == HTTP_BROKEN || r->trouble == HTTP_TOO_LARGE };
    const char *what = r->transport ? r->transport : "no reply";
    switch (r->trouble) {
    case HTTP_HOPELESS: end(out, REPLY_FATAL, CALL_FAILED, xstrdup(what)); break;
    case HTTP_TOO_LARGE: end(out, REPLY_DONE, CALL_FAILED, xstrdup(what)); break;
    default: end(out, REPLY_RETRY, CALL_FAILED, xstrdup(what)); break;
    }
}

/* "HTTP 503: overloaded_error: the message", at most this long and on one line. */
static char *quote(long code, const struct api_error *e, const char *plain)
{
    const char *message = *e->message ? e->message : plain ? plain : "", *kind = *e->code ? e->code : e->type;
    char *s = xasprintf("HTTP %ld%s%s%s%.300s", code, *kind ? ": " : "", kind, *message ? ": " : "", message);
    size_t n = strlen(s);
    for (char *p = s; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' ';
    while (n && utf8_bad(s, n) >= 0) /* cut inside a character */
        s[--n] = '\0';
    return s;
}

static void refuse_client(long code, const struct api_error *e, const char *plain, struct reply *out)
{
    char *said = quote(code, e, plain), *reason;
    if (code == 401) { /* the server's words may hold the key */
        reason = xstrdup("HTTP 401: the key was refused; check it");
    } else if (code == 403) {
        reason = xasprintf("%s; check the key and what it may do", said);
        out->passing = true;
    } else if (code == 404 || code == 405 || code == 410) {
        reason = xasprintf("%s; check the model's name and the base URL", said);
        out->passing = true;
    } else {
        reason = xasprintf("%s: a redirect, which is not followed with the key; give the address that it leads to", said);
    }
    free(said);
    end(out, REPLY_FATAL, CALL_FAILED, reason);
}

static void slow_down(double wait, char *said, struct reply *out)
{
    out->slow_down = true;
    out->after = wait;
    if (wait > longest_wait) {
        out->quota = true;
        char *reason = xasprintf("%s; it asks to wait %.0f s: start again then", said, wait);
        free(said);
        end(out, REPLY_FATAL, CALL_FAILED, reason);
    } else {
        end(out, REPLY_RETRY, CALL_FAILED, said);
    }
}

void classify_error(long code, const char *header, double now, const struct api_error *e, const char *plain, struct reply *out)
{
    char id[200];
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    if (header_request_id(header, id, sizeof id))
        out->request_id = xstrdup(id);
    char *said = quote(code, e, plain);
    if (code == 402 || ((code == 429 || code == 400 || code == 403) && says_no_quota(e))) {
        out->quota = true;
        char *reason = xasprintf("%s; the account is out of quota: top it up and start again", said);
        free(said);
        end(out, REPLY_FATAL, CALL_FAILED, reason);
    } else if (code == 429 || code == 529 || code == 503) {
        slow_down(header_wait(header, now), said, out);
    } else if (code >= 500 || code == 408 || code == 409 || code == 425) {
        if (says_too_long(e))
            end(out, REPLY_DONE, CALL_TOO_LONG, said);
        else
            end(out, REPLY_RETRY, CALL_FAILED, said);
    } else if (code == 401 || code == 403 || code == 404 || code == 405 || code == 410 || code < 400) {
        free(said);
        refuse_client(code, e, plain, out);
    } else if (says_filtered(e)) {
        end(out, REPLY_DONE, CALL_FILTERED, said);
    } else if (code == 413 || says_too_long(e)) {
        end(out, REPLY_DONE, CALL_TOO_LONG, said);
    } else {
        end(out, REPLY_DONE, CALL_FAILED, said);
    }
}

void classify_garbage(struct reply *out, const char *what)
{
    out->after = -1;
    out->maybe_billed = true;
    end(out, REPLY_RETRY, CALL_FAILED, xstrdup(what));
}

static bool is_blank(const char *s)
{
    return s[strspn(s, " \t\r\n")] == '\0';
}

void classify_text(const char *content, const char *reasoning, enum reply_end how, const struct asked *a, struct reply *out)
{
    bool thought = thinking_split(content, reasoning, &out->text, &out->raw), empty = is_blank(out->text);
    out->after = -1;
    if (how == END_FILTER) {
        end(out, REPLY_DONE, CALL_FILTERED, xstrdup("a content filter ended the reply"));
    } else if (how == END_REFUSAL) {
        end(out, REPLY_DONE, CALL_REFUSED, xstrdup("the model refused"));
    } else if (how == END_CONTEXT) {
        end(out, REPLY_DONE, CALL_TOO_LONG, xstrdup("the reply ran into the end of the model's context"));
    } else if (how == END_LENGTH && !(a->cut_is_fine && !empty)) {
        end(out, a->doubled ? REPLY_DONE : REPLY_DOUBLE, CALL_TRUNCATED, xstrdup(empty ? "nothing but thinking came within the token limit" : "the token limit cut the reply"));
    } else if (empty) {
        end(out, REPLY_DONE, thought ? CALL_TRUNCATED : CALL_FAILED, xstrdup(thought ? "nothing but thinking came" : "the reply is empty"));
    } else {
        end(out, REPLY_DONE, CALL_OK, NULL);
    }
}

int64_t usage_count(const cJSON *usage, const char *name)
{
    const cJSON *n = json_get(usage, name);
    return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 9e15 ? (int64_t)n->valuedouble : -1;
}
