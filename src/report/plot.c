/* plot.c - from a sheet to a picture: which kind draws it, what it is called, and the text that stands for it. */
#include "mtbench/plot.h"

#include "picture.h"

#include "mtbench/mem.h"
#include "mtbench/views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds ---- */

static const struct picture_figure of_scores[] = {
    { "score", "score", 2, false }, { "n", "n", 0, false }, { "failed", "failed", 0, false }, { "change", "change", 2, false }, { 0 }
};
static const struct picture_figure of_rates[] = {
    { "win_rate_adjusted", "win rate", 1, true }, { "n", "n", 0, false }, { "win", "won", 0, false }, { "loss", "lost", 0, false },
    { "tie", "ties", 0, false }, { "failed", "failed", 0, false }, { 0 }
};
static const struct picture_figure of_slopes[] = {
    { "points_per_doubling", "points per doubling", 2, false }, { "characters", "characters", 0, false }, { "score", "score", 2, false },
    { "n", "n", 0, false }, { "no_answer_found", "without an answer", 0, false }, { 0 }
};

static void draw_scores(struct picture *p)
{
    static const struct rows_of o = { "score", "score (1 to 10), with its 95 % interval", 1, 10, 1, false, false, NAN };
    draw_rows(p, &o);
}

static void draw_turns(struct picture *p)
{
    static const struct rows_of o = { "score", "score (1 to 10), with its 95 % interval", 1, 10, 1, false, true, NAN };
    struct cross c;
    cross_make(&c, p, p->key[0], p->key[1]);
    if (c.n_parts == 1)
        picture_note(p, 1, "All judgments are of %s.", c.part[0]);
    cross_free(&c);
    draw_rows(p, &o);
}

static void draw_rates(struct picture *p)
{
    static const struct rows_of o = { "win_rate_adjusted", "games won, ties being half, in %, with the 95 % interval", 0, 100, 25, true,
                                      false, 50 };
    draw_rows(p, &o);
}

struct form {
    const char *name, *title, *key, *part;
    const struct picture_figure *figure;
    void (*draw)(struct picture *p);
};
static const struct form forms[] = {
    [PLOT_RADAR] = { "radar", "Scores by category", "model", "category", of_scores, draw_radar },
    [PLOT_SCORES] = { "scores", "Scores with 95 % intervals", "model", "judge", of_scores, draw_scores },
    [PLOT_TURNS] = { "turns", "Scores turn by turn", "model", "turn", of_scores, draw_turns },
    [PLOT_WINRATE] = { "winrate", "Win rates", "model", "against", of_rates, draw_rates },
    [PLOT_LENGTH] = { "length", "Length of answers and score", "model", NULL, of_slopes, draw_length },
    [PLOT_HISTORY] = { "history", "Scores of checkpoints in order", "checkpoint", NULL, of_scores, draw_history },
};

const char *plot_name(enum plot_kind kind)
{
    return forms[kind].name;
}

/* ---- head ---- */

static const char *fact_text(const struct sheet *s, const char *name)
{
    for (int i = 0; i < s->n_facts; i++)
        if (!strcmp(s->fact[i].name, name) && s->fact[i].value.kind == CELL_TEXT)
            return s->fact[i].value.text;
    return NULL;
}

static double sum_of(const struct picture *p, const char *column)
{
    double sum = 0;
    for (int i = 0; i < picture_rows(p->sheet); i++) {
        char *key = picture_word(p->sheet, i, p->key[0]);
        const double v = picture_value(p->sheet, i, column);
        if (strcmp(key, VIEW_LENGTH_ALL)) /* that row is the others once more */
            sum += isnan(v) ? 0 : v;
        free(key);
    }
    return sum;
}

/* "smoke, judged by gpt-4; 3 models, n = 48 judgments, 1 failed" */
static void describe(struct picture *p, enum plot_kind kind, int models)
{
    const char *judge = fact_text(p->sheet, "judge"), *baseline = fact_text(p->sheet, "baseline");
    const bool pairs = kind == PLOT_WINRATE;
    const double games = picture_fact(p->sheet, "games"), known = picture_fact(p->sheet, "failed");
    const double n = isnan(games) ? sum_of(p, "n") : games, failed = isnan(known) ? sum_of(p, "failed") : known;
    buf_str(&p->title, forms[kind].title);
    if (pairs && baseline)
        buf_printf(&p->title, " against %s", baseline);
    else if (pairs)
        buf_str(&p->title, p->key[1] ? " of models against models" : " against all others");
    if (p->look->bench)
        buf_printf(&p->about, "%s", p->look->bench);
    if (judge)
        buf_printf(&p->about, "%sjudged by %s", p->about.len ? ", " : "", judge);
    buf_printf(&p->about, "%s%d %s%s, n = %.0f %s, %.0f failed", p->about.len ? "; " : "", models,
               kind == PLOT_HISTORY ? "checkpoint" : "model", models == 1 ? "" : "s", n, pairs ? "pairs" : "judgments", failed);
}

static int count_models(const struct picture *p)
{
    struct cross c;
    int n = 0;
    cross_make(&c, p, p->key[0], NULL);
    for (int i = 0; i < c.n_rows; i++)
        n += strcmp(c.row[i], VIEW_LENGTH_ALL) != 0;
    cross_free(&c);
    return n;
}

/* ---- the file ---- */

static void put_root(struct buf *out, const struct picture *p)
{
    const char *prefix = p->look->prefix ? p->look->prefix : "plot";
    const double width = p->svg.width, height = p->svg.height;
    buf_str(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mtb-plot\"");
    svg_length(out, "width", width);
    svg_length(out, "height", height);
    buf_printf(out, " viewBox=\"0 0 %.2f %.2f\" role=\"img\" aria-labelledby=\"%s-title %s-desc\"", width, height, prefix, prefix);
    buf_str(out, " font-family=\"Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif\" fill=\"currentColor\"");
    if (!p->look->inside)
        buf_str(out, " color=\"" PLOT_INK_LIGHT "\"");
    buf_printf(out, ">\n<title id=\"%s-title\">", prefix);
    svg_escape(out, p->title.data);
    buf_printf(out, "</title>\n<desc id=\"%s-desc\">", prefix);
    svg_escape(out, p->about.data);
    for (const char *at = p->said.data; at && *at;) { /* lines stay lines: svg_escape() would make them pictures of line feeds */
        const size_t n = strcspn(at, "\n");
        char *line = xstrndup(at, n);
        buf_char(out, '\n');
        svg_escape(out, line);
        free(line);
        at += n + (at[n] == '\n');
    }
    if (p->n_said > MOST_SAID)
        buf_printf(out, "\nand %ld more marks, each with its figures in its title", p->n_said - MOST_SAID);
    buf_str(out, "</desc>\n");
}

static void put_file(struct buf *out, struct picture *p)
{
    put_root(out, p);
    if (!p->look->inside) {
        buf_str(out, "<style>");
        plot_dark_put(out, true);
        buf_str(out, "</style>\n<rect class=\"mp-paper\" width=\"100%\" height=\"100%\" color=\"" PLOT_PAPER_LIGHT "\"/>\n");
    }
    buf_add(out, p->svg.body.data, p->svg.body.len);
    buf_str(out, "</svg>\n");
}

int plot_put(struct buf *out, enum plot_kind kind, const struct sheet *sheet, const struct plot_look *look, struct err *err)
{
    const struct form *f = &forms[kind];
    struct picture p = { .svg = { .width = PICTURE_WIDTH }, .sheet = sheet, .look = look, .figure = f->figure };
    if (picture_rows(sheet) == 0)
        return err_set(err, ERR_USAGE, "a picture of %s: there is no row to draw; judge first, or choose other models or questions",
                       f->name);
    p.key[0] = f->key;
    p.key[1] = f->part && picture_column(sheet, f->part) >= 0 ? f->part : NULL;
    describe(&p, kind, count_models(&p));
    picture_head(&p);
    if (kind == PLOT_WINRATE && p.key[1])
        draw_matrix(&p);
    else
        f->draw(&p);
    picture_notes(&p);
    p.svg.height = p.y;
    put_file(out, &p);
    buf_free(&p.svg.body);
    buf_free(&p.title);
    buf_free(&p.about);
    buf_free(&p.said);
    buf_free(&p.absent);
    return 0;
}

void plot_style_put(struct buf *css)
{
    buf_str(css, ".mtb-plot{max-width:100%;height:auto}\n");
    plot_dark_put(css, false);
}
