/* header.c - what reply headers say. */
#include "header.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

bool header_find(const char *lines, const char *name, char *value, size_t size)
{
    size_t n = strlen(name);
    bool found = false;
    for (const char *p = lines; *p; p += strcspn(p, "\n"), p += *p == '\n') { /* the last of several counts */
        if (strncasecmp(p, name, n) || p[n] != ':')
            continue;
        const char *v = p + n + 1;
        v += strspn(v, " \t");
        size_t k = strcspn(v, "\r\n");
        while (k && isspace((unsigned char)v[k - 1]))
            k--;
        if (k >= size)                   /* too long to be one that we know: as if it were not there */
            continue;
        memcpy(value, v, k);
        value[k] = '\0';
        found = true;
    }
    return found;
}

bool header_request_id(const char *lines, char *value, size_t size)
{
    static const char *const name[] = { "x-request-id", "request-id", "apim-request-id", "x-ms-request-id" };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (header_find(lines, name[i], value, size) && *value)
            return true;
    return false;
}

/* Seconds of one unit; 0 for none. */
static double unit_of(const char **s)
{
    static const struct {
        const char *name;
        double seconds;
    } unit[] = {{"ms", 1e-3}, {"us", 1e-6}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}; /* "ms" before "m" and "s" */
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
        size_t n = strlen(unit[i].name);
        if (!strncmp(*s, unit[i].name, n)) {
            *s += n;
            return unit[i].seconds;
        }
    }
    return 0;
}

/* "12ms", "1s", "6m0s", "1.5": OpenAI's reset headers and Retry-After. -1: none of these (dates are not). */
double duration_parse(const char *s)
{
    double sum = 0;
    if (!*s)
        return -1;
    while (*s) {
        char *end;
        if (!isdigit((unsigned char)*s) && *s != '.')
            return -1;
        if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) /* strtod() would read hexadecimal */
            return -1;
        double x = strtod(s, &end);
        if (end == s || x < 0 || x > 1e9)
            return -1;
        s = end;
        double u = unit_of(&s);
        if (u == 0)
            return *s == '\0' && sum == 0 ? x : -1; /* a bare number is seconds */
        sum += x * u;                    /* "6m0s": one behind the other */
    }
    return sum;
}

double date_wait(const char *s, double now)
{
    /* RFC 9110's three, and RFC 3339's for Anthropic. */
    static const char *const form[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y",
                                       "%Y-%m-%dT%H:%M:%SZ"};
    for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
        struct tm t = {0};
        const char *end = strptime(s, form[i], &t);
        if (end && !*end) {
            double d = (double)timegm(&t) - now;
            return d > 0 ? d : 0;        /* passed already: now */
        }
    }
    return -1;
}

/* The server's clock where it tells: dates are relative to it, and cluster nodes may be minutes off. */
double header_clock(const char *lines, double now)
{
    char v[128];
    double clock = header_find(lines, "date", v, sizeof v) ? date_wait(v, 0) : -1;
    return clock > 0 ? clock : now;
}

double header_wait(const char *lines, double now)
{
    char v[128];
    double wait = -1, x;
    now = header_clock(lines, now);
    /* OpenAI's and Azure's; finer than Retry-After, so it is looked for first. */
    if (header_find(lines, "retry-after-ms", v, sizeof v) && isdigit((unsigned char)v[0]) && (x = duration_parse(v)) >= 0)
        return x / 1000;
    if (header_find(lines, "retry-after", v, sizeof v)) {
        x = duration_parse(v);
        wait = x >= 0 ? x : date_wait(v, now);
        if (wait >= 0)
            return wait;
    }
    static const char *const reset[] = { "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens" };
    /* Only where Retry-After says nothing: either limit may be the one that refused, so the longer wait is safe. Azure
     * sends 0 and -1 there, which say nothing. */
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
        if (header_find(lines, reset[i], v, sizeof v) && (x = duration_parse(v)) > 0 && x < 1e6)
            wait = x > wait ? x : wait;
    return wait;
}
