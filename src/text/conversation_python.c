/* conversation_python.c - the long texts of a template out of FastChat's own conversation.py. The file is read, never run. */
#include "conversation_python.h"

#include "python_literal.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* The keywords of a Conversation, those that say nothing about a prompt left out of the comparison alone. */
enum field { NAME, SYSTEM_TEMPLATE, SYSTEM_MESSAGE, ROLES, MESSAGES, OFFSET, SEP_STYLE, SEP, SEP2, STOP_STR, STOP_TOKEN_IDS, N_FIELDS };

static const char *const keyword[N_FIELDS] = {
    [NAME] = "name", [SYSTEM_TEMPLATE] = "system_template", [SYSTEM_MESSAGE] = "system_message", [ROLES] = "roles",
    [MESSAGES] = "messages", [OFFSET] = "offset", [SEP_STYLE] = "sep_style", [SEP] = "sep", [SEP2] = "sep2", [STOP_STR] = "stop_str",
    [STOP_TOKEN_IDS] = "stop_token_ids",
};

/* Their defaults are those of FastChat's class. */
static const char *const style_word[] = {
    [STYLE_ADD_COLON_SINGLE] = "ADD_COLON_SINGLE", [STYLE_ADD_COLON_TWO] = "ADD_COLON_TWO",
    [STYLE_ADD_COLON_SPACE_SINGLE] = "ADD_COLON_SPACE_SINGLE", [STYLE_ADD_NEW_LINE_SINGLE] = "ADD_NEW_LINE_SINGLE",
    [STYLE_NO_COLON_SINGLE] = "NO_COLON_SINGLE", [STYLE_NO_COLON_TWO] = "NO_COLON_TWO", [STYLE_RWKV] = "RWKV",
    [STYLE_LLAMA2] = "LLAMA2", [STYLE_LLAMA3] = "LLAMA3", [STYLE_CHATGLM] = "CHATGLM", [STYLE_CHATML] = "CHATML",
    [STYLE_CHATGLM3] = "CHATGLM3", [STYLE_CHATINTERN] = "CHATINTERN", [STYLE_DOLLY] = "DOLLY", [STYLE_PHOENIX] = "PHOENIX",
    [STYLE_ROBIN] = "ROBIN", [STYLE_FALCON_CHAT] = "FALCON_CHAT", [STYLE_METAMATH] = "METAMATH",
    [STYLE_DEEPSEEK_CHAT] = "DEEPSEEK_CHAT", [STYLE_GEMMA] = "GEMMA", [STYLE_DEFAULT] = "DEFAULT", [STYLE_CLLM] = "CLLM",
    [STYLE_YUAN2] = "YUAN2",
};

struct registered {
    const struct conversation *row;
    long line;                           /* where it begins; 0: not found */
    struct python_value field[N_FIELDS];
    bool given[N_FIELDS];
};

/* ---- finding it ---- */

/* From behind an opening bracket to behind its closing one. */
static int skip_brackets(struct python_reader *r, struct err *err)
{
    for (long depth = 1; depth > 0; ) {
        if (r->kind == PYTHON_END)
            return err_set(err, ERR_FORMAT, "line %ld: the file ends within brackets; it is cut", r->line);
        depth += python_is(r, "(") || python_is(r, "[") || python_is(r, "{");
        depth -= python_is(r, ")") || python_is(r, "]") || python_is(r, "}");
        if (python_next(r, err) < 0)
            return -1;
    }
    return 0;
}

/* The words of 'chain' one behind another, from the reader's token on; the token is then the one behind the last that fits. */
static int follow(struct python_reader *r, const char *const *chain, bool *fits, struct err *err)
{
    for (*fits = true; *chain; chain++) {
        if (!python_is(r, *chain)) {
            *fits = false;
            return 0;
        }
        if (python_next(r, err) < 0)
            return -1;
    }
    return 0;
}

/* The reader is a copy, at the first keyword: does name= say this template? A name that is no string is some other template's affair. */
static int is_called(struct python_reader r, const char *name, bool *found, struct err *err)
{
    static const char *const assigned[] = { "name", "=", NULL };
    struct python_value v;
    bool fits;
    *found = false;
    for (long depth = 0; depth >= 0 && r.kind != PYTHON_END;) {
        if (depth == 0 && python_is(&r, "name")) {
            if (follow(&r, assigned, &fits, err) < 0)
                return -1;
            if (!fits || r.kind != PYTHON_STRING)
                return 0;
            *found = python_value_read(&r, &v, NULL) == 0 && !strcmp(v.text.data, name);
            python_value_free(&v);
            return 0;
        }
        depth += python_is(&r, "(") || python_is(&r, "[") || python_is(&r, "{");
        depth -= python_is(&r, ")") || python_is(&r, "]") || python_is(&r, "}");
        if (python_next(&r, err) < 0)
            return -1;
    }
    return 0;
}

/* keyword=literal, up to the closing bracket. */
static int read_fields(struct python_reader *r, struct registered *g, struct err *err)
{
    while (!python_is(r, ")")) {
        int k = 0;
        while (k < N_FIELDS && !python_is(r, keyword[k]))
            k++;
        if (k == N_FIELDS) /* it might be part of the prompt */
            return err_set(err, ERR_FORMAT, "line %ld: \"%.*s\" is no keyword that is known here", r->line, (int)(r->n < 40 ? r->n : 40),
                           r->at);
        if (g->given[k])
            return err_set(err, ERR_FORMAT, "line %ld: %s stands there twice", r->line, keyword[k]);
        if (python_next(r, err) < 0)
            return -1;
        if (!python_is(r, "="))
            return err_set(err, ERR_FORMAT, "line %ld: no = behind %s", r->line, keyword[k]);
        g->given[k] = true;
        if (python_next(r, err) < 0 || python_value_read(r, &g->field[k], err) < 0)
            return -1;
        if (python_is(r, ",") ? python_next(r, err) < 0 : !python_is(r, ")"))
            return err_set(err, ERR_FORMAT, "line %ld: %s is no literal alone", r->line, keyword[k]);
    }
    return 0;
}

/* The whole file is looked through: a template that is registered twice would be the later one. */
static int find(struct python_reader *r, struct registered *g, struct err *err)
{
    static const char *const call[] = { "register_conv_template", "(", "Conversation", "(", NULL };
    bool fits, ours;
    if (python_next(r, err) < 0)
        return -1;
    while (r->kind != PYTHON_END) {
        long line = r->line;
        if (!python_is(r, *call)) {
            if (python_next(r, err) < 0)
                return -1;
            continue;
        }
        if (follow(r, call, &fits, err) < 0 || (fits && is_called(*r, g->row->name, &ours, err) < 0))
            return -1;
        if (!fits)
            continue;
        if (ours && g->line)
            return err_set(err, ERR_FORMAT, "line %ld: %s is registered a second time, after line %ld", line, g->row->name, g->line);
        if (ours)
            g->line = line;
        if (ours ? read_fields(r, g, err) < 0 : skip_brackets(r, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- comparing it with the row ---- */

/* Nothing, or nothing to add: FastChat has None where the table has no text. */
static bool same_text(const struct python_value *v, const char *want)
{
    return v->kind == PYTHON_NONE ? !want || !*want : v->kind == PYTHON_TEXT && want && !strcmp(v->text.data, want);
}

static bool same_field(const struct registered *g, enum field k, const char *otherwise, const char *want)
{
    return g->given[k] ? same_text(&g->field[k], want) : !strcmp(want ? want : "", otherwise);
}

static bool same_style(const struct registered *g)
{
    const char *word = g->given[SEP_STYLE] && g->field[SEP_STYLE].kind == PYTHON_WORD ? g->field[SEP_STYLE].text.data : "";
    const char *dot = strrchr(word, '.');
    if (!g->given[SEP_STYLE])
        return g->row->style == STYLE_ADD_COLON_SINGLE;
    return dot && !strcmp(dot + 1, style_word[g->row->style]);
}

static bool same_roles(const struct registered *g)
{
    const struct python_value *v = &g->field[ROLES];
    const char *const *want = g->row->role;
    if (!g->given[ROLES])
        return !strcmp(want[0], "USER") && !strcmp(want[1], "ASSISTANT");
    return v->kind == PYTHON_ROW && v->n == 2 && same_text(&v->item[0], want[0]) && same_text(&v->item[1], want[1]);
}

/* One string, a list of them, or None. */
static bool same_stops(const struct registered *g)
{
    const struct python_value *v = &g->field[STOP_STR];
    int n = v->kind == PYTHON_ROW ? v->n : v->kind == PYTHON_TEXT;
    bool same = (v->kind == PYTHON_NONE || v->kind == PYTHON_TEXT || v->kind == PYTHON_ROW) && n == g->row->n_stop;
    for (int i = 0; same && i < n; i++)
        same = same_text(v->kind == PYTHON_ROW ? &v->item[i] : v, g->row->stop[i]);
    return same;
}

static bool same_ids(const struct registered *g)
{
    const struct python_value *v = &g->field[STOP_TOKEN_IDS];
    bool same = (v->kind == PYTHON_NONE || v->kind == PYTHON_ROW) && v->n == g->row->n_stop_ids;
    for (int i = 0; same && i < v->n; i++)
        same = v->item[i].kind == PYTHON_WHOLE && v->item[i].whole == g->row->stop_id[i];
    return same;
}

/* Tuples of role and text; a text that the table has must be the same, of the others the hashes are compared. */
static bool same_messages(const struct registered *g)
{
    const struct python_value *v = &g->field[MESSAGES], *m = v->item;
    bool same = (v->kind == PYTHON_NONE || v->kind == PYTHON_ROW) && v->n == g->row->n_examples;
    for (int i = 0; same && i < v->n; i++)
        same = m[i].kind == PYTHON_ROW && m[i].n == 2 && same_text(&m[i].item[0], g->row->example[i][0]) &&
               m[i].item[1].kind == PYTHON_TEXT && (!g->row->example[i][1] || same_text(&m[i].item[1], g->row->example[i][1]));
    return same;
}

static int compare(const struct registered *g, struct err *err)
{
    const struct conversation *row = g->row;
    const bool same[N_FIELDS] = {
        [NAME] = true,
        [SYSTEM_TEMPLATE] = same_field(g, SYSTEM_TEMPLATE, "{system_message}",
                                       row->system_template ? row->system_template : "{system_message}"),
        [SYSTEM_MESSAGE] = row->system ? same_field(g, SYSTEM_MESSAGE, "", row->system) : g->field[SYSTEM_MESSAGE].kind == PYTHON_TEXT,
        [ROLES] = same_roles(g),
        [MESSAGES] = same_messages(g),
        [OFFSET] = true,                 /* which messages are shown to people */
        [SEP_STYLE] = same_style(g),
        [SEP] = same_field(g, SEP, "\n", row->sep),
        [SEP2] = same_field(g, SEP2, "", row->sep2),
        [STOP_STR] = same_stops(g),
        [STOP_TOKEN_IDS] = same_ids(g),
    };
    for (int k = 0; k < N_FIELDS; k++)
        if (!same[k])
            return err_set(err, ERR_FORMAT, "line %ld: %s of %s is another than in FastChat 0.2.36", g->line, keyword[k], row->name);
    return 0;
}

/* ---- its texts ---- */

static int take(struct conversation_filled *out, struct python_value *v, const char *want, const char **to, struct err *err)
{
    char hex[65];
    sha256_hex(v->text.data, v->text.len, hex);
    if (strcmp(hex, want))
        return err_set(err, ERR_FORMAT, "a text of %s has SHA-256 %.12s..., in FastChat %s it is %.12s...", out->c.name, hex,
                       out->c.unreleased ? "of April 2025" : "0.2.36", want);
    *to = out->text[out->n_texts++] = buf_steal(&v->text);
    return 0;
}

static int take_texts(struct registered *g, struct conversation_filled *out, struct err *err)
{
    if (!g->row->system && take(out, &g->field[SYSTEM_MESSAGE], g->row->system_sha256, &out->c.system, err) < 0)
        return err_wrap(err, "line %ld", g->line);
    for (int i = 0; i < g->row->n_examples; i++)
        if (!g->row->example[i][1] &&
            take(out, &g->field[MESSAGES].item[i].item[1], g->row->example_sha256[i], &out->c.example[i][1], err) < 0)
            return err_wrap(err, "line %ld", g->line);
    return 0;
}

int conversation_fill(const struct conversation *row, const char *place, const char *source, size_t n, struct conversation_filled *out,
                      struct err *err)
{
    struct python_reader r;
    struct registered g = { .row = row };
    *out = (struct conversation_filled){ .c = *row };
    python_begin(&r, source, n);
    int rc = find(&r, &g, err);
    if (rc == 0 && !g.line)
        rc = err_set(err, ERR_FORMAT, "no template %s in it%s", row->name, row->unreleased ? ", which came after release 0.2.36" : "");
    if (rc == 0)
        rc = compare(&g, err);
    if (rc == 0)
        rc = take_texts(&g, out, err);
    for (int k = 0; k < N_FIELDS; k++)
        python_value_free(&g.field[k]);
    if (rc < 0) {
        conversation_filled_free(out);
        err_wrap(err, "%s", place);
    }
    return rc;
}

void conversation_filled_free(struct conversation_filled *f)
{
    for (int i = 0; i < f->n_texts; i++)
        free(f->text[i]);
    *f = (struct conversation_filled){0};
}
