/* manual.c - the manual page: troff that the macros of man(7) understand everywhere. */
#include "mtbench/manual.h"

#include <string.h>

/* What troff would take for something else: its escape, a minus that is no hyphen, quotes, and a control line's first letter. */
static void put(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        buf_str(out, "\\&");
    for (; *text; text++)
        switch (*text) {
        case '\\': buf_str(out, "\\e"); break;
        case '-': buf_str(out, "\\-"); break;
        case '\'': buf_str(out, "\\(aq"); break;
        case '"': buf_str(out, "\\(dq"); break;
        case '^': buf_str(out, "\\(ha"); break;
        case '~': buf_str(out, "\\(ti"); break;
        case '`': buf_str(out, "\\(ga"); break;
        case '\n': buf_str(out, "\n"); break;
        default: buf_char(out, *text);
        }
}

void manual_section(struct buf *out, const char *title)
{
    buf_printf(out, ".SH %s\n", title);
}

void manual_put_text(struct buf *out, const char *text)
{
    put(out, text);
    buf_char(out, '\n');
}

void manual_put_item(struct buf *out, const char *term, const char *meaning)
{
    buf_str(out, ".TP\n\\fB");
    put(out, term);
    buf_str(out, "\\fP\n");
    manual_put_text(out, meaning);
}

void manual_head(struct buf *out, const char *version, const char *synopsis)
{
    buf_printf(out, ".\\\" made by mtbench --man\n.TH MTBENCH 1 \"\" \"mtbench %s\" \"User Commands\"\n", version);
    manual_section(out, "NAME");
    buf_str(out, "mtbench \\- answer, judge and score the MT\\-bench questions as one MPI program\n");
    manual_section(out, "SYNOPSIS");
    manual_put_text(out, synopsis);
}

static void put_flag(struct buf *out, const struct opt *o)
{
    const char *arg = o->arg ? o->arg : "";
    arg += *arg == '|';                  /* as in the help: an empty first word is the flag's absence */
    buf_str(out, ".TP\n");
    if (!strcmp(o->name, "output"))      /* which has a letter, too (opts.h) */
        buf_str(out, "\\fB\\-o\\fP, ");
    if (*o->name) {
        buf_str(out, "\\fB\\-\\-");
        put(out, o->name);
        buf_str(out, *arg ? "\\fP " : "\\fP");
    }
    if (*arg) {
        buf_str(out, "\\fI");
        put(out, arg);
        buf_str(out, "\\fP");
    }
    buf_char(out, '\n');
    manual_put_text(out, *o->help ? o->help : "(no more words)");
}

void manual_put_verb(struct buf *out, const struct manual_verb *v)
{
    buf_str(out, ".SS ");
    put(out, v->name);
    buf_char(out, '\n');
    manual_put_text(out, v->about);
    if (v->peer) {
        buf_str(out, ".PP\nFastChat\\(aqs name: ");
        put(out, v->peer);
        buf_str(out, ".\n");
    }
    for (int i = 0; i < v->n; i++)
        put_flag(out, &v->table[i]);
}
