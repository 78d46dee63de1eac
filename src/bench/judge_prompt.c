/* judge_prompt.c - judge prompts: read from JSON lines, filled as Python's str.format does. */
#include "mtbench/judge_prompt.h"

#include "mtbench/hash.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

static int copy_text(const cJSON *j, const char *name, char **out, struct err *err)
{
    const cJSON *v = json_get(j, name);
    if (!cJSON_IsString(v))
        return err_set(err, ERR_FORMAT, "no text \"%s\"; is this a judge prompt file?", name);
    *out = xstrdup(v->valuestring);
    return 0;
}

/* The number of the word that stands under 'name', -1: err. */
static int word_of(const cJSON *j, const char *name, const char *const *word, int n, struct err *err)
{
    const cJSON *v = json_get(j, name);
    for (int i = 0; cJSON_IsString(v) && i < n; i++)
        if (!strcmp(v->valuestring, word[i]))
            return i;
    struct buf known = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&known, "%s\"%s\"", i ? ", " : "", word[i]); /* the words, for somebody who mistyped one */
    err_set(err, ERR_FORMAT, "\"%s\" is none of %s", name, known.data);
    buf_free(&known);
    return -1;
}

static int parse_prompt(const cJSON *j, struct judge_prompt *p, struct err *err)
{
    /* In the order of bool pairwise and enum verdict_format. */
    static const char *const type[] = { "single", "pairwise" }, *const format[] = { "[[rating]]", "[[A]]", "[[rating_a,rating_b]]" };
    int t, f;
    if (!cJSON_IsObject(j))
        return err_set(err, ERR_FORMAT, "no JSON object; is this a judge prompt file?");
    if (copy_text(j, "name", &p->name, err) < 0 || copy_text(j, "system_prompt", &p->system_prompt, err) < 0 ||
        copy_text(j, "prompt_template", &p->prompt_template, err) < 0)
        return -1;
    if ((t = word_of(j, "type", type, 2, err)) < 0 || (f = word_of(j, "output_format", format, 3, err)) < 0)
        return -1;
    p->pairwise = t == 1;
    p->format = (enum verdict_format)f;
    /* Refused before any call is paid: the parser of the other kind would find no verdict in any reply. */
    if (p->pairwise == (p->format == VERDICT_RATING))
        return err_set(err, ERR_FORMAT, "a %s prompt cannot ask for %s", type[t], format[f]);
    return 0;
}

static int parse_line(const char *line, size_t n, struct judge_prompts *out, struct err *err)
{
    cJSON *j = json_parse(line, n, err);
    if (!j)
        return -1;
    out->prompt = xrealloc(out->prompt, (size_t)out->n + 1, sizeof *out->prompt);
    /* Counted with the next line, before it is read: a half-read one is freed with the others. */
    out->prompt[out->n] = (struct judge_prompt){0};
    int rc = parse_prompt(j, &out->prompt[out->n++], err);
    cJSON_Delete(j);
    return rc;
}

int judge_prompts_parse(const char *name, const char *data, size_t n, struct judge_prompts *out, struct err *err)
{
    *out = (struct judge_prompts){0};
    /* Of the bytes as they are: remarks and order change it, too, since the manifest only shows it to people. */
    sha256_hex(data, n, out->sha256);
    struct lines lines;
    struct slice line;
    lines_begin(&lines, data, n);
    while (lines_next(&lines, &line)) {
        if (parse_line(line.ptr, line.len, out, err) < 0) {
            judge_prompts_free(out);
            return err_wrap(err, "%s:%ld", name, lines.number);
        }
    }
    if (out->n == 0)
        return err_set(err, ERR_FORMAT, "%s: no judge prompts in it; check the path", name);
    return 0;
}

void judge_prompts_free(struct judge_prompts *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->prompt[i].name);
        free(p->prompt[i].system_prompt);
        free(p->prompt[i].prompt_template);
    }
    free(p->prompt);
    p->prompt = NULL;
    p->n = 0;
}

const struct judge_prompt *judge_prompts_find(const struct judge_prompts *p, const char *name)
{
    /* From the end: FastChat builds a dict, in which the last of one name stands. */
    for (int i = p->n - 1; i >= 0; i--)
        if (!strcmp(p->prompt[i].name, name))
            return &p->prompt[i];
    return NULL;
}

/* ---- filling ---- */

static const char *value_of(const struct prompt_field *field, int n, const char *name, size_t length)
{
    /* The name is all between the braces: {x!r}, {x:10} and {x.y} are names that nobody has, and so refused. */
    for (int i = 0; i < n; i++)
        if (strlen(field[i].name) == length && !memcmp(field[i].name, name, length))
            return field[i].value;
    return NULL;
}

static int fill_field(const struct judge_prompt *p, const char **at, const struct prompt_field *field, int n, struct buf *out,
                      struct err *err)
{
    const char *name = *at + 1, *end = strchr(name, '}');
    if (!end)
        return err_set(err, ERR_FORMAT, "judge prompt %s: a '{' without its '}'; write a plain brace as {{", p->name);
    const char *value = value_of(field, n, name, (size_t)(end - name));
    if (!value)
        return err_set(err, ERR_FORMAT, "judge prompt %s: there is nothing to fill {%.*s} with; plain braces are written {{ and }}",
                       p->name, (int)(end - name < 40 ? end - name : 40), name);
    buf_str(out, value);                 /* as it is: braces in an answer are no fields */
    *at = end + 1;
    return 0;
}

int judge_prompt_fill(const struct judge_prompt *p, const struct prompt_field *field, int n, struct buf *out, struct err *err)
{
    for (const char *at = p->prompt_template; *at;) {
        /* Only the template is looked through. Values go out as they are, since answers are full of braces. */
        size_t plain = strcspn(at, "{}");
        buf_add(out, at, plain);
        at += plain;
        /* Python's rules without its format specs: {{ and }} are braces, a lone one is an error, not text. */
        if (*at && at[0] == at[1]) {     /* {{ or }} */
            buf_char(out, *at);
            at += 2;
        } else if (*at == '}')
            return err_set(err, ERR_FORMAT, "judge prompt %s: a '}' without its '{'; write a plain brace as }}", p->name);
        else if (*at && fill_field(p, &at, field, n, out, err) < 0)
            return -1;
    }
    return 0;
}
