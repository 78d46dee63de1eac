/* plot.c - pictures of all kinds and sizes: figures are those of the sheet, no words touch, nothing is dropped in silence. */
#include "mtbench/plot.h"

#include "mtbench/json.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/views.h"

#include "src/report/campaign_views.h"

#include "picture_boxes.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

/* ---- judgments of N models ---- */

enum { QUESTIONS = 16 };             /* where there are no more categories */

struct world {
    char **name;
    int n, turns, n_questions;
    bool hostile;                        /* are names? */
    struct questions questions;
    struct judgment_table single, pair;
    struct answer_set answers;
    struct scores scores;
    struct pairwise pairs, base;
};

static unsigned long seed;
static unsigned roll(unsigned below)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % below;
}

static char *usual_name(int i)
{
    static const char *const family[] = { "llama-2", "vicuna", "gpt-4-turbo", "mpt", "wizardlm", "claude" };
    return xasprintf("%s-%db-chat-v%d", family[i % 6], 7 + i, i / 6);
}

/* Long, of many scripts, and with what means something in XML. */
static char *hostile_name(int i)
{
    static const char *const piece[] = {
        "<script>&\"'", "\xe6\xa8\xa1\xe5\x9e\x8b\xe8\xaf\x84\xe6\xb5\x8b", "\xd7\x9e\xd7\x95\xd7\x93\xd7\x9c",
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac",
        "W\xcc\x81\xcc\x82\xcc\x83", "\xe2\x80\xae" "evil", "\xef\xb7\xbd", "a b\tc\n",
        "\xd8\xa7\xd9\x84\xd9\x86\xd9\x85\xd9\x88\xd8\xb0\xd8\xac", "mmmm",
    };
    struct buf b = {0};
    while (b.len < 300)
        buf_str(&b, piece[i % 10]);
    buf_printf(&b, "%d", i);
    return buf_steal(&b);
}

static void put_questions(struct world *w, int categories)
{
    struct buf b = {0};
    for (int q = 0; q < w->n_questions; q++) {
        char *name = w->hostile              ? hostile_name(q % categories)
                     : q % categories % 3    ? xasprintf("roleplay%d", q % categories)
                                             : xasprintf("a rather long name of a category %d", q % categories);
        buf_printf(&b, "{\"question_id\": %d, \"category\": ", q);
        json_put_string(&b, name, strlen(name));
        buf_str(&b, ", \"turns\": [\"a\", \"b\"]}\n");
        free(name);
    }
    if (questions_parse("q", b.data, b.len, &w->questions, &err) < 0)
        printf("Bail out! %s\n", err.text);
    buf_free(&b);
}

static void put_singles(struct world *w, int32_t judge)
{
    for (int m = 0; m < w->n; m++)
        for (int q = 0; q < w->n_questions; q++)
            for (int t = 1; t <= w->turns; t++) {
                struct judgment_row r = { .question_id = q, .score = 1 + roll(10), .judge = judge, .model_2 = -1, .prompt = -1,
                                          .turn = (uint8_t)t, .model_1 = judgment_table_intern(&w->single, w->name[m]) };
                if (roll(30) == 0)
                    r.status = JUDGMENT_UNPARSABLE;
                judgment_table_add(&w->single, &r);
            }
}

static void put_pairs(struct world *w, int32_t judge)
{
    w->pair.pairs = true;
    for (int a = 0; a < w->n; a++)
        for (int b = 0; b < a; b++)
            for (int q = 0; q < 2; q++) {
                const struct judgment_row r = {
                    .question_id = q, .score = -1, .judge = judge, .prompt = -1, .turn = 1, .g1 = (uint8_t)roll(3), .g2 = (uint8_t)roll(3),
                    .model_1 = judgment_table_intern(&w->pair, w->name[a]), .model_2 = judgment_table_intern(&w->pair, w->name[b]),
                    .status = roll(20) == 0 ? JUDGMENT_FAILED : JUDGMENT_OK,
                };
                judgment_table_add(&w->pair, &r);
            }
}

static void put_answers(struct world *w)
{
    static char text[4096];
    memset(text, 'x', sizeof text - 1);
    for (int m = 0; m < w->n; m++)
        for (int q = 0; q < w->n_questions; q++) {
            const char *turn[2] = { text + roll(4000), text + 500 + roll(3500) };
            answer_set_add(&w->answers, w->name[m], q, turn, 2);
        }
}

static struct world *world_of(int n, int categories, int turns, char *(*name)(int))
{
    struct world *w = xcalloc(1, sizeof *w);
    w->n = n;
    w->turns = turns;
    w->n_questions = categories > QUESTIONS ? categories : QUESTIONS;
    w->hostile = name == hostile_name;
    w->name = xcalloc((size_t)n, sizeof *w->name);
    for (int i = 0; i < n; i++)
        w->name[i] = name(i);
    seed = (unsigned long)n;
    put_questions(w, categories);
    char *judge = w->hostile ? hostile_name(3) : xstrdup("gpt-4");
    put_singles(w, judgment_table_intern(&w->single, judge));
    put_pairs(w, judgment_table_intern(&w->pair, judge));
    free(judge);
    put_answers(w);
    if (scores_build(&w->scores, "s", &w->single, &(struct score_choice){ .questions = &w->questions }, &err) < 0 ||
        (n > 1 && (pairwise_build(&w->pairs, "p", &w->pair, &(struct pairwise_choice){ .by_pair = true }, &err) < 0 ||
                   pairwise_build(&w->base, "p", &w->pair, &(struct pairwise_choice){ .baseline = w->name[0] }, &err) < 0)))
        printf("Bail out! %s\n", err.text);
    return w;
}

static void world_free(struct world *w)
{
    for (int i = 0; i < w->n; i++)
        free(w->name[i]);
    free(w->name);
    scores_free(&w->scores);
    if (w->n > 1) {
        pairwise_free(&w->pairs);
        pairwise_free(&w->base);
    }
    judgment_table_free(&w->single);
    judgment_table_free(&w->pair);
    answer_set_free(&w->answers);
    questions_free(&w->questions);
    free(w);
}

/* ---- all sheets that have a picture ---- */

enum which { RADAR, SCORES, PANEL, TURNS, MATRIX, BASELINE, LENGTH, HISTORY, ALL };
static const char *const which_name[] = { "radar", "scores", "two judges", "turns", "matrix", "baseline", "length", "history" };
static const enum plot_kind kind_of[] = { PLOT_RADAR, PLOT_SCORES, PLOT_SCORES, PLOT_TURNS, PLOT_WINRATE, PLOT_WINRATE, PLOT_LENGTH,
                                          PLOT_HISTORY };

static bool make_sheet(struct sheet *s, const struct world *w, enum which which)
{
    static const char *const judge[] = { "gpt-4", "an even better judge of answers" };
    const struct scores two[] = { w->scores, w->scores };
    if (w->n == 1 && (which == MATRIX || which == BASELINE))
        return false;
    switch (which) {
    case RADAR: view_categories(s, &w->scores, false); break;
    case SCORES: view_scores(s, &w->scores); break;
    case PANEL: view_panel(s, two, judge, 2, false); break;
    case TURNS: view_turns(s, &w->scores); break;
    case MATRIX: view_pair_matrix(s, &w->pairs); break;
    case BASELINE: view_pairs(s, &w->base, w->name[0]); break;
    case LENGTH: view_length(s, &w->scores, &w->answers); break;
    default: view_history(s, &w->scores);
    }
    return true;
}

/* ---- what is looked at ---- */

static bool same_cell(const char *mark, const struct sheet_column *column, const struct sheet_cell *cell)
{
    char *name = xasprintf("data-%s", column->name);
    size_t n = 0;
    const char *v = attribute(mark, name, &n);
    bool same = cell->kind == CELL_EMPTY ? !v : v != NULL;
    if (v && cell->kind == CELL_TEXT) {
        struct buf text = {0};
        svg_escape_exact(&text, cell->text);
        same = text.len == n && !memcmp(text.data ? text.data : "", v, n);
        buf_free(&text);
    } else if (v && cell->kind == CELL_INT) {
        same = strtol(v, NULL, 10) == cell->whole;
    } else if (v && cell->kind == CELL_NUMBER) {
        same = strtod(v, NULL) == cell->number; /* to the last bit */
    }
    free(name);
    return same;
}

/* What a mark must tell of its row; of the sheet's other columns nothing is drawn. */
static bool is_told(const char *column)
{
    static const char told[] = " model against category turn judge checkpoint score low high n failed change change_low change_high "
                               "win_rate_adjusted win loss tie points_per_doubling characters no_answer_found ";
    char *word = xasprintf(" %s ", column);
    const bool found = strstr(told, word) != NULL;
    free(word);
    return found;
}

static bool same_row(const char *mark, const struct sheet *s, int row)
{
    for (int c = 0; c < s->n_columns; c++) {
        const struct sheet_column *column = &s->column[c];
        if ((column->where & SHEET_DATA) && is_told(column->name) && !same_cell(mark, column, &s->cell[row * s->n_columns + c]))
            return false;
    }
    return true;
}

/* The words that name a row, one behind the other: of the sheet, and of a mark. */
static void key_of_row(struct buf *key, const struct sheet *s, int row)
{
    buf_clear(key);
    for (int c = 0; c < 2; c++) {
        const struct sheet_cell *cell = &s->cell[row * s->n_columns + c];
        if (cell->kind == CELL_TEXT)
            svg_escape_exact(key, cell->text);
        else if (cell->kind == CELL_INT)
            buf_printf(key, "%ld", cell->whole);
        buf_char(key, '>');
    }
}

static void key_of_mark(struct buf *key, const struct sheet *s, const char *mark)
{
    buf_clear(key);
    for (int c = 0; c < 2; c++) {
        char *name = xasprintf("data-%s", s->column[c].name);
        size_t n = 0;
        const char *v = s->column[c].where & SHEET_DATA ? attribute(mark, name, &n) : NULL;
        if (v && s->cell[c].kind != CELL_NUMBER)
            buf_add(key, v, n);
        buf_char(key, '>');
        free(name);
    }
}

/* Rows of the sheet without exactly one mark that has all their figures. */
static int rows_at_fault(const char *svg, const struct sheet *s)
{
    const int n = s->n_cells / s->n_columns;
    int *marks = xcalloc((size_t)n + 1, sizeof *marks), faults = 0;
    struct map rows = {0};
    struct buf key = {0};
    for (int i = 0; i < n; i++) {
        key_of_row(&key, s, i);
        map_set(&rows, key.data, key.len, (size_t)i);
    }
    for (const char *at = strstr(svg, "<g class=\"mark"); at; at = strstr(at + 1, "<g class=\"mark")) {
        key_of_mark(&key, s, at);
        const size_t row = map_find(&rows, key.data, key.len);
        faults += row == MAP_NONE || !same_row(at, s, (int)row);
        marks[row == MAP_NONE ? (size_t)n : row]++;
    }
    for (int i = 0; i < n; i++)
        faults += marks[i] != 1;
    map_free(&rows);
    buf_free(&key);
    free(marks);
    return faults;
}

static bool has_text_alternative(const char *svg)
{
    return !strncmp(svg, "<svg ", 5) && strstr(svg, "role=\"img\" aria-labelledby=\"x-title x-desc\"") &&
           strstr(svg, "<title id=\"x-title\">") && strstr(svg, "<desc id=\"x-desc\">") && strstr(svg, " failed");
}

static int look_at(const struct world *w, enum which which, bool by_name, const char *names)
{
    struct sheet s = {0};
    struct buf svg = {0}, again = {0};
    struct boxes b;
    const struct plot_look look = { .bench = w->hostile ? w->name[0] : "mt_bench", .prefix = "x", .inside = by_name, .by_name = by_name };
    if (!make_sheet(&s, w, which))
        return 0;
    if (!ok(plot_put(&svg, kind_of[which], &s, &look, &err) == 0, "%s of %d %s names %s", which_name[which], w->n, names, err.text))
        return 1;
    boxes_of(&b, svg.data);
    const int touch = boxes_at_fault(&b), lost = rows_at_fault(svg.data, &s);
    ok(touch == 0 && b.n > 5, "no words of it touch or leave it: %d of %d at fault, %g x %g", touch, b.n, b.width, b.height);
    ok(lost == 0, "its figures are those of the sheet, to the last digit, a mark a row: %d of %d at fault", lost, s.n_cells / s.n_columns);
    if (w->n > 12)                       /* whether it is the same again does not depend on the size */
        buf_str(&again, svg.data);
    else
        plot_put(&again, kind_of[which], &s, &look, &err);
    ok(has_text_alternative(svg.data) && !strcmp(svg.data, again.data) && !strstr(svg.data, "nan") && !strstr(svg.data, " style=") &&
           !strstr(svg.data, "<script") && !strstr(svg.data, "<style>") == by_name,
       "it has a text beside it, is the same again, and needs no style attribute");
    free(b.box);
    buf_free(&svg);
    buf_free(&again);
    sheet_free(&s);
    return 0;
}

static void test_sizes(void)
{
    static const int sizes[] = { 1, 2, 6, 7, 12, 31, 60, 100 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int hostile = 0; hostile < 2; hostile++) {
            struct world *w = world_of(sizes[i], 8, 2, hostile ? hostile_name : usual_name);
            for (int k = 0; k < ALL; k++) /* each kind in both orders: in that of names for every other size */
                look_at(w, (enum which)k, (k + (int)i + hostile) % 2, hostile ? "hostile" : "usual");
            world_free(w);
        }
}

/* ---- little data, and odd data ---- */

static bool says(const struct world *w, enum which which, const char *words)
{
    struct sheet s = {0};
    struct buf svg = {0};
    const bool good = make_sheet(&s, w, which) && plot_put(&svg, kind_of[which], &s, &(struct plot_look){0}, &err) == 0 &&
                      strstr(svg.data, words) && rows_at_fault(svg.data, &s) == 0;
    sheet_free(&s);
    buf_free(&svg);
    return good;
}

static void test_shapes_of_data(void)
{
    static const int categories[] = { 1, 2, 3, 4, 7, 16, 61 };
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        for (int n = 3; n < 10; n += 6) {
            struct world *w = world_of(n, categories[i], 1, n == 3 ? usual_name : hostile_name);
            look_at(w, RADAR, false, n == 3 ? "usual" : "hostile");
            look_at(w, TURNS, false, n == 3 ? "usual" : "hostile");
            ok(says(w, TURNS, "All judgments are of turn 1."), "one turn is said to be one");
            if (categories[i] < 3)
                ok(says(w, RADAR, "fewer than three categories"), "%d categories are no circle, which is said", categories[i]);
            world_free(w);
        }
    struct world *w = world_of(31, 8, 2, usual_name);
    ok(says(w, RADAR, "All 31 models follow"), "31 models have a circle each, and none is left out");
    world_free(w);
}

/* Names that differ in the middle alone. */
static char *alike_name(int i)
{
    struct buf b = {0};
    for (int k = 0; k < 301; k++)
        buf_char(&b, k == 150 ? (char)('0' + i) : 'a');
    return buf_steal(&b);
}

static void test_alike(void)
{
    struct world *w = world_of(3, 8, 2, alike_name);
    ok(says(w, SCORES, "\xe2\x80\xa6") && says(w, SCORES, "a (1)</text>") && says(w, SCORES, "a (3)</text>"),
       "labels that look alike are numbered");
    look_at(w, TURNS, false, "alike");
    world_free(w);
}

static void test_nothing(void)
{
    struct world *w = world_of(3, 8, 2, usual_name);
    for (size_t i = 0; i < w->single.n; i++)
        if (!strcmp(w->single.name[w->single.row[i].model_1], w->name[0]))
            w->single.row[i].status = JUDGMENT_FAILED;
    scores_free(&w->scores);
    scores_build(&w->scores, "s", &w->single, &(struct score_choice){ .questions = &w->questions }, &err);
    for (int k = 0; k < ALL; k++)
        if (k != MATRIX && k != BASELINE) {
            look_at(w, (enum which)k, false, "usual");
            ok(says(w, (enum which)k, "not drawn, for want of a figure"), "a model whose judgments all failed is named");
        }
    world_free(w);
    struct sheet empty = {0};
    struct buf svg = {0};
    sheet_column(&empty, "model", NULL, 0, SHEET_ALL);
    ok(plot_put(&svg, PLOT_SCORES, &empty, &(struct plot_look){0}, &err) == -1 && !svg.len && strstr(err.text, "no row to draw"),
       "nothing is no picture: %s", err.text);
    sheet_free(&empty);
    buf_free(&svg);
}

int main(void)
{
    test_sizes();
    test_shapes_of_data();
    test_alike();
    test_nothing();
    struct buf css = {0};
    plot_style_put(&css);
    ok(css.len && strstr(css.data, "prefers-color-scheme:dark"), "a page has rules for the dark");
    buf_free(&css);
    return done_testing();
}
