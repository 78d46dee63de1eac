/* stream.c - event streams: line ends, fields, pieces of data, what a cut leaves. */
#include "tap.h"

#include "src/judge/reply_body.h"
#include "src/judge/stream.h"

#include <string.h>

static void events_are(const char *text, const char *want)
{
    struct stream s = stream_open(text, strlen(text));
    struct buf data = {0}, all = {0};
    while (stream_next(&s, &data))
        buf_printf(&all, "<%s>", data.data ? data.data : "");
    ok(!strcmp(all.data ? all.data : "", want), "%s", want);
    buf_free(&data);
    buf_free(&all);
}

static void test_events(void)
{
    events_are("data: a\n\ndata:b\n\n", "<a><b>");
    events_are("data: a\r\ndata: b\r\n\r\nevent: x\r\n\r\ndata:  c\r\n\r\n", "<a\nb>< c>");
    events_are("data: a\r\rdata: b\r\r", "<a><b>");
    events_are("\xef\xbb\xbf\n\n: comment\nid: 7\nretry: 10\ndata: a\n\n\n\ndata\ndatax: y\ndata: b", "<a><b>");
    events_are("data:\n\ndata: [DONE]\n\n", "<><[DONE]>");
    events_are("", "");
    events_are("event: ping\n\n", "");
}

static void test_look(void)
{
    static const struct { const char *text; bool so;
    } row[] = {
        {"data: {}", true},   {"\r\n: ping\n\ndata: {}", true},
        {"event: x\n", true}, {"{\"data\": 1}", false},
        {"[1]", false},       {"", false},
        {"dat", false},       {"<html>", false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        ok(stream_looks_so(row[i].text, strlen(row[i].text)) == row[i].so, "%s a stream: %.10s", row[i].so ? "is" : "no", row[i].text);
}

static void test_tail(void)
{
    static const struct { const char *text; size_t n;
    } row[] = {
        {"{}\n\ndata: [DONE]\n\n", 4}, {"{}data:[DONE]", 2}, {"{} [DONE]", 9}, {"[DONE]", 6}, {"{\"data\": \"[DONE]\"}", 18}, {"", 0},
        {"data: [DONE]", 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        ok(stream_without_done(row[i].text, strlen(row[i].text)) == row[i].n, "%zu bytes before the end mark", row[i].n);
}

static void parses(const char *text, const char *want)
{
    cJSON *j = reply_parse(text, strlen(text), NULL), *w = want ? cJSON_Parse(want) : NULL;
    ok(want ? j && cJSON_Compare(j, w, true) : !j, "%s", text);
    cJSON_Delete(j);
    cJSON_Delete(w);
}

static void test_json(void)
{
    parses("{\"a\": NaN, \"b\": [Infinity, -Infinity, -1], \"c\": \"NaN \\\" NaN\"}",
           "{\"a\":null,\"b\":[null,null,-1],\"c\":\"NaN \\\" NaN\"}");
    parses("\xef\xbb\xbf{} \n data: [DONE]", "{}");
    parses("{\"a\": \"\\ud800x\"}", "{\"a\": \"\xef\xbf\xbdx\"}");
    parses("{\"a\": Nan}", NULL);
    parses("{} {}", NULL);
    parses("", NULL);
}

int main(void)
{
    test_events();
    test_look();
    test_tail();
    test_json();
    return done_testing();
}
