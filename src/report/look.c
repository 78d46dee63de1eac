/* look.c - the line that says how to look at what was just shown. */
#include "mtbench/look.h"

#include <ctype.h>
#include <string.h>

void look_put_word(struct buf *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+=,";
    if (*word && !word[strspn(word, plain)]) {
        buf_str(out, word);
        return;
    }
    buf_char(out, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_str(out, "'\\''");
        else
            buf_char(out, *word);
    buf_char(out, '\'');
}

/* A line break would end the line that is offered; nobody's flag has one that means it. */
static bool has_break(const struct opt_list *l)
{
    for (int i = 0; i < l->n; i++)
        for (const char *p = l->word[i]; *p; p++)
            if (iscntrl((unsigned char)*p))
                return true;
    return false;
}

static void put_flag(struct buf *out, const char *flag, const char *const *word, int n)
{
    if (n)
        buf_printf(out, " --%s", flag);
    for (int i = 0; i < n; i++) {
        buf_char(out, ' ');
        look_put_word(out, word[i]);
    }
}

static void put_unless(struct buf *out, const char *flag, const char *value, const char *usual)
{
    if (strcmp(value, usual))
        put_flag(out, flag, &value, 1);
}

void look_put(struct buf *out, const struct showing *o)
{
    const struct opt_list *models = o->compare.n ? &o->compare : &o->model_list;
    const bool into_file = o->output && strcmp(o->output, "-");
    if (o->format != SHOW_TABLE || o->plot || into_file || o->campaign || o->input_file || has_break(models) || has_break(&o->judges))
        return;
    buf_str(out, "look: mtbench browse");
    put_unless(out, "data-dir", o->data_dir, "data");
    put_unless(out, "bench-name", o->bench_name, "mt_bench");
    put_flag(out, "model-list", (const char *const *)models->word, models->n);
    put_flag(out, "judge-model", (const char *const *)o->judges.word, o->judges.n);
    buf_str(out, " -o page.html\n");
}
