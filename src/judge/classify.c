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

/* The one way out of every classification: what to do, what it is, why. Takes 'reason' over. */
static void end(struct reply *out, enum reply_action action, enum call_status status, char *reason)
{
    out->action = action;
    out->status = status;
    free(out->reason);
    out->reason = reason;
}

void classify_transport(const struct http_response *r, struct reply *out)
{
    *out = (struct reply){
        /* After a time-out the server may well have gone on and billed the reply; without a connection it cannot have. */
        .after = -1, .tokens_in = -1, .tokens_out = -1, .maybe_billed = r->trouble == HTTP_BROKEN || r->trouble == HTTP_TOO_LARGE};
    const char *what = r->transport ? r->transport : "no reply";
    switch (r->trouble) {
    case HTTP_HOPELESS: end(out, REPLY_FATAL, CALL_FAILED, xstrdup(what)); break;
    case HTTP_TOO_LARGE: end(out, REPLY_DONE, CALL_FAILED, xstrdup(what)); break; /* it would be as large again, at the same price */
    default: end(out, REPLY_RETRY, CALL_FAILED, xstrdup(what)); break;
    }
}

/* "HTTP 503: overloaded_error: the message", at most this long. */
static char *quote(long code, const struct api_error *e)
{
    const char *kind = *e->code ? e->code : e->type; /* the code is the more precise word */
    char *s = xasprintf("HTTP %ld%s%.*s%s%.*s", code, *kind ? ": " : "", utf8_fit(kind, 100), kind, *e->message ? ": " : "",
                        utf8_fit(e->message, 400), e->message);
    for (char *p = s; *p; p++)           /* it becomes one line of a terminal */
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' ';
    return s;
}

static void refuse_client(long code, const struct api_error *e, struct reply *out)
{
    char *said = quote(code, e), *reason;
    if (code == 401) { /* the server's words may hold the key */
        reason = xstrdup("HTTP 401: the key was refused; check it");
    /* 403 and 404 may be about this one call (a gateway's rule, a route that is gone for a second): 'passing' lets the
     * caller look at the others. */
    } else if (code == 403) {
        reason = xasprintf("%s; check the key and what it may do", said);
        out->passing = true;
    } else if (code == 404 || code == 405 || code == 410) {
        reason = xasprintf("%s; check the model's name and the base URL", said);
        out->passing = true;
    } else {
        /* Following it would hand the key to whoever the redirect names. */
        reason = xasprintf("%s: a redirect, which is not followed with the key; give the address that it leads to", said);
    }
    free(said);
    end(out, REPLY_FATAL, CALL_FAILED, reason);
}

static void slow_down(double wait, char *said, struct reply *out)
{
    out->slow_down = true;
    out->after = wait;
    /* A quota of the hour or day: no use to sleep on a cluster's allocation. The journal is whole, so the run ends
     * resumable. */
    if (wait > longest_wait) {
        out->quota = true;
        char *reason = xasprintf("%s; it asks to wait %.0f s: start again then", said, wait);
        free(said);
        end(out, REPLY_FATAL, CALL_FAILED, reason);
    } else {
        end(out, REPLY_RETRY, CALL_FAILED, said);
    }
}

void classify_error(long code, const char *header, double wait, const struct api_error *e, struct reply *out)
{
    char id[200];
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    if (header_request_id(header, id, sizeof id)) /* what the server's support asks for */
        out->request_id = xstrdup(id);
    char *said = quote(code, e);
    /* The order matters. Quota comes as 429 and as 400, so it is looked for before rate limits and bad requests; 'too
     * long' comes as a 500 from some servers, which would otherwise be retried eight times; filters come as 400, like
     * all that is wrong with a request, or as 403, like a key that may not. */
    if (code == 402 || ((code == 429 || code == 400 || code == 403) && api_error_no_quota(e))) {
        out->quota = true;
        char *reason = xasprintf("%s; the account is out of quota: top it up and start again", said);
        free(said);
        end(out, REPLY_FATAL, CALL_FAILED, reason);
    } else if (code == 429 || code == 529 || code == 503) {
        slow_down(wait, said, out);
    } else if (code >= 500 || code == 408 || code == 409 || code == 425) {
        if (api_error_too_long(e))       /* deterministic, whatever the status */
            end(out, REPLY_DONE, CALL_TOO_LONG, said);
        else
            end(out, REPLY_RETRY, CALL_FAILED, said);
    } else if (code == 403 && api_error_flagged(e)) { /* as OpenRouter says it */
        end(out, REPLY_DONE, CALL_FILTERED, said);
    } else if (code == 401 || code == 403 || code == 404 || code == 405 || code == 410 || code < 400) {
        free(said);
        refuse_client(code, e, out);
    } else if (api_error_filtered(e)) {
        end(out, REPLY_DONE, CALL_FILTERED, said);
    } else if (code == 413 || api_error_too_long(e)) {
        end(out, REPLY_DONE, CALL_TOO_LONG, said);
    } else {
        end(out, REPLY_DONE, CALL_FAILED, said);
    }
}

/* Bytes came that are no reply: tried again, and billed at worst, since the model may have worked for them. */
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

/* A part is no answer: it is kept where people look, and the call is made again. */
static void classify_part(enum reply_end how, const char *finish, struct reply *out)
{
    char *what;
    /* 'text' of a failed call must be empty: nothing downstream can take a part for an answer. The part stays readable
     * as 'raw'. */
    if (!out->raw)
        out->raw = out->text;
    else
        free(out->text);
    out->text = NULL;
    if (how == END_BROKEN)
        what = xasprintf("the server broke the reply off (%.*s)", utf8_fit(finish, 60), finish);
    else if (*finish)
        what = xasprintf("the reply ended for a reason that is not known here (%.*s)", utf8_fit(finish, 60), finish);
    else
        what = xstrdup("the reply has no finish reason: it may be a part");
    classify_garbage(out, what);
    free(what);
}

void classify_text(const struct said *s, const struct asked *a, struct reply *out)
{
    enum reply_end how = s->refusal ? END_REFUSAL : finish_means(s->finish); /* a refusal may end with "stop" */
    bool thought = thinking_split(s->content, s->reasoning, &out->text, &out->raw), empty = is_blank(out->text);
    out->after = -1;
    if (s->finish)
        out->finish = xstrdup(s->finish);
    /* The reason comes before the text: a whole-looking text with a broken end is a part, and a filter's stub of a
     * text is no answer. */
    if (how == END_BROKEN || how == END_UNKNOWN) {
        classify_part(how, s->finish ? s->finish : "", out);
    } else if (how == END_FILTER) {
        end(out, REPLY_DONE, CALL_FILTERED, xstrdup("a content filter ended the reply"));
    } else if (how == END_REFUSAL) {
        end(out, REPLY_DONE, CALL_REFUSED, xstrdup("the model refused"));
    } else if (how == END_CONTEXT) {
        end(out, REPLY_DONE, CALL_TOO_LONG, xstrdup("the reply ran into the end of the model's context"));
    } else if (how == END_TOOL) {
        end(out, REPLY_DONE, CALL_FAILED, xstrdup("the model asked for a tool instead of answering"));
    /* An answer that ran into the limit is one, as in FastChat; a judgment that did has lost its verdict, so it is
     * asked for once more with twice the limit. Thoughts may have eaten the whole limit either way. */
    } else if (how == END_LENGTH && !(a->cut_is_fine && !empty)) {
        end(out, a->doubled ? REPLY_DONE : REPLY_DOUBLE, CALL_TRUNCATED,
            xstrdup(empty ? "nothing but thinking came within the token limit" : "the token limit cut the reply"));
    } else if (empty && thought) {
        end(out, REPLY_DONE, CALL_TRUNCATED, xstrdup("nothing but thinking came"));
    /* An empty answer is what the model said ("content": ""); an empty judgment, or no content at all, is a fault. */
    } else if (empty && !(a->cut_is_fine && s->is_text)) {
        end(out, REPLY_DONE, CALL_FAILED, xstrdup("the reply is empty"));
    } else {
        end(out, REPLY_DONE, CALL_OK, NULL);
    }
}

int64_t usage_count(const cJSON *usage, const char *name)
{
    const cJSON *n = json_get(usage, name);
    /* 9e15: whole numbers of a double; NaN, negative and absurd counts are "not told". */
    return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 9e15 ? (int64_t)n->valuedouble : -1;
}
