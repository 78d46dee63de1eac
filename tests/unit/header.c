/* header.c - reply headers: values, ids, and every form in which servers say how long to wait. */
#include "tap.h"

#include "src/judge/header.h"

#include <math.h>
#include <string.h>

static const double now = 1431861600;    /* Sun, 17 May 2015 11:20:00 GMT */

static void wait_is(double want, const char *lines)
{
    double got = header_wait(lines, now);
    ok(fabs(got - want) < 1e-6, "%g s: %s", got, lines);
}

int main(void)
{
    char v[32];
    const char *lines = "HTTP/1.1 429 Too Many\r\nX-Request-ID:  req_1 \r\nRetry-After: 1\r\nretry-after: 3\r\nRequest-Id: second\r\n\r\n";
    ok(header_find(lines, "x-request-id", v, sizeof v) && !strcmp(v, "req_1"), "any case, blanks cut");
    ok(header_find(lines, "retry-after", v, sizeof v) && !strcmp(v, "3"), "the last of several");
    ok(!header_find(lines, "retry", v, sizeof v) && !header_find("", "a", v, sizeof v) && !header_find("a", "a", v, sizeof v),
       "no half names");
    ok(!header_find("a: 0123456789012345678901234567890123456789\r\n", "a", v, sizeof v), "what does not fit is not there");
    ok(header_request_id(lines, v, sizeof v) && !strcmp(v, "req_1"), "request id");
    ok(header_request_id("request-id: a\r\n", v, sizeof v) && !strcmp(v, "a") && header_request_id("apim-request-id: b\r\n", v, sizeof v) &&
           !strcmp(v, "b"),
       "by its other names");

    static const struct { const char *text; double seconds;
    } duration[] = {
        {"12ms", 0.012}, {"1s", 1},   {"6m0s", 360}, {"1h2m3.5s", 3723.5}, {"0.25", 0.25}, {"7", 7},   {"0s", 0},
        {"2d", 172800},  {"", -1},    {"-1", -1},    {"-1s", -1},          {"s", -1},      {"5x", -1}, {"nan", -1},
        {"inf", -1},     {"1s5", -1}, {"0x10", -1},  {"1e99s", -1},        {" 1s", -1},
    };
    for (size_t i = 0; i < sizeof duration / sizeof *duration; i++)
        ok(fabs(duration_parse(duration[i].text) - duration[i].seconds) < 1e-9, "\"%s\" is %g", duration[i].text, duration[i].seconds);

    wait_is(20, "retry-after: 20\r\n");
    wait_is(0, "retry-after: 0\r\n");
    wait_is(1.5, "retry-after: 1.5\r\n");
    wait_is(0.25, "retry-after-ms: 250\r\nretry-after: 1\r\n");
    wait_is(90, "Retry-After: Sun, 17 May 2015 11:21:30 GMT\r\n");
    wait_is(90, "Retry-After: Sunday, 17-May-15 11:21:30 GMT\r\n");
    wait_is(90, "Retry-After: Sun May 17 11:21:30 2015\r\n");
    wait_is(0, "Retry-After: Sun, 17 May 2015 11:00:00 GMT\r\n");
    wait_is(30, "Date: Sun, 17 May 2015 10:00:00 GMT\r\nRetry-After: Sun, 17 May 2015 10:00:30 GMT\r\n");
    wait_is(360, "x-ratelimit-reset-requests: 1s\r\nx-ratelimit-reset-tokens: 6m0s\r\n");
    wait_is(0.012, "x-ratelimit-reset-requests: 12ms\r\n");
    wait_is(2, "retry-after: 2\r\nx-ratelimit-reset-tokens: 6m0s\r\n");
    wait_is(1, "retry-after: soon\r\nx-ratelimit-reset-requests: 1s\r\n");
    wait_is(-1, "x-ratelimit-reset-requests: -1\r\nx-ratelimit-reset-tokens: 0\r\n");
    wait_is(-1, "x-ratelimit-remaining-requests: 0\r\n");
    wait_is(-1, "retry-after: \r\n");
    wait_is(-1, "retry-after: -5\r\n");
    wait_is(-1, "");
    return done_testing();
}
