/* doctor.c - all checks over all facts, and the report. */
#include "mtbench/doctor.h"

#include "doctor_facts.h"

#include "mtbench/json.h"

#include <stdio.h>
#include <string.h>

static const char *const level_word[] = { "skipped", "ok", "warning", "problem" };

/* Names in hostile files may hold anything; a line is one line. */
static void blank_controls(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
}

static void add(struct doctor_report *out, const struct doctor_line *l)
{
    struct doctor_line *to = &out->line[out->n];
    if (l->level == DOCTOR_SKIPPED || out->n == DOCTOR_LINES)
        return;
    *to = *l;
    const size_t n = strlen(to->what);
    if (l->more > 0)
        snprintf(to->what + n, sizeof to->what - n, " (and %d more)", l->more);
    blank_controls(to->what);
    blank_controls(to->todo);
    out->n++;
}

void doctor_run(struct job *job, const struct doctor_opts *o, struct doctor_report *out)
{
    struct doctor_facts f;
    *out = (struct doctor_report){0};
    doctor_gather(job, o, &f);
    for (int i = 0; i < doctor_n_checks && f.rank; i++) {
        struct doctor_line l = { .name = doctor_checks[i].name };
        doctor_checks[i].look(&f, &l);
        add(out, &l);
    }
    doctor_facts_free(&f);
}

void doctor_refused(const struct err *why, struct doctor_report *out)
{
    struct doctor_line l = { .name = "launch", .level = DOCTOR_PROBLEM };
    const char *advice = strstr(why->text, "; ");
    snprintf(l.what, sizeof l.what, "%.*s", advice ? (int)(advice - why->text) : 470, why->text);
    snprintf(l.todo, sizeof l.todo, "%s", advice ? advice + 2 : "");
    *out = (struct doctor_report){0};
    add(out, &l);
}

int doctor_count(const struct doctor_report *r, enum doctor_level level)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        n += r->line[i].level == level;
    return n;
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

void doctor_put_text(struct buf *out, const struct doctor_report *r)
{
    const int bad = doctor_count(r, DOCTOR_PROBLEM), warnings = doctor_count(r, DOCTOR_WARNING);
    for (int i = 0; i < r->n; i++) {
        const struct doctor_line *l = &r->line[i];
        buf_printf(out, "%-9s %-7s  %s%s%s\n", l->name, level_word[l->level], l->what, *l->todo ? "; " : "", l->todo);
    }
    buf_printf(out, "doctor    %d check%s: %d problem%s, %d warning%s\n", r->n, plural(r->n), bad, plural(bad), warnings, plural(warnings));
}

static void put_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\": ", name);
    json_put_string(out, text, strlen(text));
}

void doctor_put_json(struct buf *out, const struct doctor_report *r)
{
    buf_str(out, "{\"checks\": [");
    for (int i = 0; i < r->n; i++) {
        buf_str(out, i ? ", {" : "{");
        put_member(out, "name", r->line[i].name);
        buf_str(out, ", ");
        put_member(out, "level", level_word[r->line[i].level]);
        buf_str(out, ", ");
        put_member(out, "what", r->line[i].what);
        buf_str(out, ", ");
        put_member(out, "todo", r->line[i].todo);
        buf_char(out, '}');
    }
    buf_printf(out, "], \"problems\": %d, \"warnings\": %d}\n", doctor_count(r, DOCTOR_PROBLEM), doctor_count(r, DOCTOR_WARNING));
}
