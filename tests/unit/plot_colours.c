/* plot_colours.c - colours that are told apart by everybody: as most people see them, without red, green or blue cones, and in grey. */
#include "src/report/plot_colours.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rgb { double v[3]; };             /* linear, 0 to 1 */

static struct rgb linear(const char *hex)
{
    struct rgb c;
    const long all = strtol(hex + 1, NULL, 16);
    for (int i = 0; i < 3; i++) {
        const double s = (double)(all >> (16 - 8 * i) & 255) / 255;
        c.v[i] = s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
    }
    return c;
}

static double luminance(struct rgb c)
{
    return 0.2126 * c.v[0] + 0.7152 * c.v[1] + 0.0722 * c.v[2];
}

/* WCAG 2's contrast of two colours. */
static double contrast(const char *a, const char *b)
{
    const double x = luminance(linear(a)) + 0.05, y = luminance(linear(b)) + 0.05;
    return x > y ? x / y : y / x;
}

/* Without cones of one kind: Machado, Oliveira and Fernandes, 2009, severity 1. */
enum { USUAL, PROTANOPIA, DEUTERANOPIA, TRITANOPIA, VISIONS };
static const char *const vision_name[] = { "usual", "without red", "without green", "without blue" };
static const double vision[VISIONS][3][3] = {
    { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
    { { 0.152286, 1.052583, -0.204868 }, { 0.114503, 0.786281, 0.099216 }, { -0.003882, -0.048116, 1.051998 } },
    { { 0.367322, 0.860646, -0.227968 }, { 0.280085, 0.672501, 0.047413 }, { -0.011820, 0.042940, 0.968881 } },
    { { 1.255528, -0.076749, -0.178779 }, { -0.078411, 0.930809, 0.147602 }, { 0.004733, 0.691367, 0.303900 } },
};

static struct rgb seen(struct rgb c, int how)
{
    struct rgb out;
    for (int i = 0; i < 3; i++) {
        const double *row = vision[how][i];
        out.v[i] = fmin(1, fmax(0, row[0] * c.v[0] + row[1] * c.v[1] + row[2] * c.v[2]));
    }
    return out;
}

/* CIE L*a*b*, D65. */
struct lab { double l, a, b; };

static double curve(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

static struct lab lab_of(struct rgb c)
{
    const double x = curve((0.4124564 * c.v[0] + 0.3575761 * c.v[1] + 0.1804375 * c.v[2]) / 0.95047);
    const double y = curve(luminance(c));
    const double z = curve((0.0193339 * c.v[0] + 0.1191920 * c.v[1] + 0.9503041 * c.v[2]) / 1.08883);
    return (struct lab){ 116 * y - 16, 500 * (x - y), 200 * (y - z) };
}

static double distance(struct lab p, struct lab q)
{
    return sqrt((p.l - q.l) * (p.l - q.l) + (p.a - q.a) * (p.a - q.a) + (p.b - q.b) * (p.b - q.b));
}

/* The nearest two of the colours: in a vision, or in lightness alone. */
static double nearest(const char *const *colour, int n, int how)
{
    double least = INFINITY;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            const struct rgb a = linear(colour[i]), b = linear(colour[k]);
            least = fmin(least, how < VISIONS ? distance(lab_of(seen(a, how)), lab_of(seen(b, how))) : fabs(lab_of(a).l - lab_of(b).l));
        }
    return least;
}

static void test_series(const char *const *colour, const char *paper, const char *ink, const char *where)
{
    for (int how = 0; how < VISIONS; how++) {
        const double d = nearest(colour, PLOT_SERIES, how);
        ok(d >= 20, "%s, %s vision: the nearest two are %.1f apart", where, vision_name[how], d);
    }
    const double grey = nearest(colour, PLOT_SERIES, VISIONS);
    ok(grey >= 9, "%s, in grey: the nearest two differ by %.1f in lightness", where, grey);
    double least = INFINITY;
    for (int i = 0; i < PLOT_SERIES; i++)
        least = fmin(least, contrast(colour[i], paper));
    ok(least >= 3, "%s: marks stand out from the paper, %.2f to 1", where, least);
    ok(contrast(ink, paper) >= 7, "%s: words, %.2f to 1", where, contrast(ink, paper));
}

static void test_second_channel(void)
{
    int same = 0;
    for (int i = 0; i < 36; i++)
        for (int k = 0; k < i; k++)
            same += i % PLOT_SERIES == k % PLOT_SERIES && series_shape(i) == series_shape(k);
    ok(same == 0, "36 series differ in colour or shape");
    for (int i = 0; i < PLOT_SERIES; i++)
        for (int k = 0; k < i; k++)
            same += series_shape(i) == series_shape(k) || !strcmp(series_dashes(i), series_dashes(k));
    ok(same == 0, "six series differ in shape and in dashes, too");
}

static void test_shares(void)
{
    double before = INFINITY, words = INFINITY;
    bool falls = true;
    for (int i = 0; i < PLOT_SHARES; i++) {
        const double share = i / (PLOT_SHARES - 1.0), l = lab_of(linear(share_fill(share))).l;
        falls &= l < before - 3;
        before = l;
        words = fmin(words, contrast(share_fill(share), share_is_dark(share) ? "#ffffff" : "#000000"));
    }
    ok(falls, "shares go from light to dark, also in grey");
    ok(words >= 4.5, "figures on them can be read, %.2f to 1", words);
    ok(!strcmp(share_fill(-1), share_fill(0)) && !strcmp(share_fill(2), share_fill(1)), "out of range is the end of the scale");
}

int main(void)
{
    test_series(plot_light, PLOT_PAPER_LIGHT, PLOT_INK_LIGHT, "on white");
    test_series(plot_dark, PLOT_PAPER_DARK, PLOT_INK_DARK, "on dark");
    test_second_channel();
    test_shares();
    struct buf css = {0};
    plot_dark_put(&css, true);
    ok(strstr(css.data, plot_dark[5]) && strstr(css.data, ".mp-paper{color:" PLOT_PAPER_DARK "}"), "the dark has its rules");
    buf_free(&css);
    return done_testing();
}
