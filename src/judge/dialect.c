/* dialect.c - what a server turned out not to take. Servers name what they refuse, in words of their own; the words are kept here as data.
 */
#include "dialect.h"

#include <stddef.h>
#include <string.h>

/* A parameter's name in an error is not enough ("n: 1, model overloaded"): one of these words must stand beside
 * it. */
static const char *const refusing[] = {
    "unsupported",   "not support",   "unknown",      "unrecognized",    "unrecognised", "unexpected",       "deprecated",
    "not permitted", "not allowed",   "extra inputs", "extra_forbidden", "extra fields", "only the default", "cannot",
    "not accept",    "not available", "not enabled",  "disabled",        NULL,
};

/* A value that is refused, where no other is of use. */
static const char *const value[] = { "must be", "should be", "greater than", "strictly positive", "invalid", "out of range", NULL };

/* A new parameter that servers disagree about is a row here and a flag in struct dialect. */
static const struct {
    const char *param;
    size_t flag;                         /* of struct dialect */
    bool by_value;                       /* whoever refuses our value of it gets none */
} rule[] = {
    { "max_tokens", offsetof(struct dialect, max_completion_tokens), false },
    { "temperature", offsetof(struct dialect, no_temperature), true },
    { "n", offsetof(struct dialect, no_n), false },
};

/* Flags by their offset, so that the rules are data. */
static bool flag_of(const struct dialect *d, size_t at)
{
    return *(const bool *)((const char *)d + at);
}

static void set_flag(struct dialect *d, size_t at)
{
    *(bool *)((char *)d + at) = true;
}

/* Templates say so in many ways, some by the roles that they do take: ours alternate, so that only the first can be what they mean. */
static bool refuses_system(const struct api_error *e)
{
    static const char *const role[] = {
        "system role",
        "role system",
        "role: system",
        "'system'",
        "\"system\"",
        "`system`",
        "system message",
        "system prompt",
        "system instruction",
        "system_instruction",
        "developer instruction",
        "messages[0].role",
        "messages.0.role",
        NULL,
    };
    /* Said only by templates without a system role. */
    static const char *const enough[] = {"roles must alternate", "only user and assistant roles", "only 'user' and 'assistant' roles",
                                         NULL};
    static const char *const more[] = { "not one of", "input should be", "invalid", "must be", "should be", "expected", NULL };
    if (api_error_says(e, enough) || !strcmp(e->param, "messages[0].role"))
        return true;
    return api_error_says(e, role) && (api_error_says(e, refusing) || api_error_says(e, more));
}

bool dialect_learn(struct dialect *learnt, const struct asked *a, const struct dialect *may, const struct api_error *e, long code)
{
    bool told = code == 400 || code == 422, any = false; /* other codes name parameters for other reasons */
    /* "reduce max_tokens, the context is ..." names a parameter and refuses none. */
    if ((!told && code != 500 && code != 501) || api_error_too_long(e))
        return false;
    for (size_t i = 0; told && i < sizeof rule / sizeof *rule; i++) {
        /* Not again what this try did not send any more: then the refusal means something else, and adapting would go
         * round for ever. */
        if (!flag_of(may, rule[i].flag) || flag_of(&a->dialect, rule[i].flag) || !api_error_names(e, rule[i].param))
            continue;
        if (!api_error_says(e, refusing) && !(rule[i].by_value && api_error_says(e, value)))
            continue;
        set_flag(learnt, rule[i].flag);
        any = true;
    }
    /* A template that raises is a server error to some. */
    if (may->no_system && a->has_system && !a->dialect.no_system && refuses_system(e))
        any = learnt->no_system = true;
    return any;
}

int dialect_messages(const struct dialect *d, const struct call_message *m, int n, struct call_message *out, struct buf *made)
{
    bool merge = d->no_system && n >= 2 && !strcmp(m[0].role, "system");
    memcpy(out, m + merge, (size_t)(n - merge) * sizeof *out);
    if (!merge)
        return n;
    /* As chat templates merge them. What was really sent is recorded as "system": "in the user message". */
    buf_printf(made, "%s\n\n%s", m[0].content, m[1].content);
    out[0].content = made->data;         /* lives as long as 'made' */
    return n - 1;
}
