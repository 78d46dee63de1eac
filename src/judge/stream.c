/* stream.c - event streams: lines "field: value", a blank line ends an event. Only data matters to us: the kinds of events that chat APIs
 * send say what they are in their data. */
#include "stream.h"

#include <string.h>

static const char bom[] = "\xef\xbb\xbf";

static const char *skip_blank(const char *s, const char *end)
{
    if (end - s >= 3 && !memcmp(s, bom, 3))
        s += 3;
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n'))
        s++;
    return s;
}

static bool begins(const char *s, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - s) >= n && !memcmp(s, word, n);
}

bool stream_looks_so(const char *text, size_t n)
{
    /* ":" is a comment: gateways keep lines alive with it. */
    static const char *const field[] = { "data:", "event:", "id:", "retry:", ":" };
    const char *end = text + n, *s = skip_blank(text, end);
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        if (begins(s, end, field[i]))
            return true;
    return false;
}

struct stream stream_open(const char *text, size_t n)
{
    return (struct stream){ skip_blank(text, text + n), text + n };
}

/* One line without its end, which is CR LF, LF or CR. */
static size_t take_line(struct stream *s, const char **line)
{
    const char *p = *line = s->at;
    while (p < s->end && *p != '\n' && *p != '\r')
        p++;
    s->at = p + (p < s->end) + (p + 1 < s->end && p[0] == '\r' && p[1] == '\n');
    return (size_t)(p - *line);
}

bool stream_next(struct stream *s, struct buf *data)
{
    const char *line;
    bool any = false;
    buf_clear(data);
    while (s->at < s->end) {
        size_t n = take_line(s, &line);
        if (n == 0 && any)               /* a blank line ends an event; several in a row end none */
            return true;
        if (!begins(line, line + n, "data:"))
            continue;
        const char *value = line + strlen("data:");
        value += value < line + n && *value == ' '; /* one blank belongs to the field, more to the value */
        if (any)
            buf_char(data, '\n');        /* several data lines of one event are joined so */
        buf_add(data, value, (size_t)(line + n - value));
        any = true;
    }
    return any;                          /* the last event may lack its blank line */
}

/* Whole replies too: some servers put a stream's end behind them. */
size_t stream_without_done(const char *text, size_t n)
{
    static const char done[] = "[DONE]", field[] = "data:";
    size_t k = n;
    while (k && strchr(" \t\r\n", text[k - 1]))
        k--;
    if (k < strlen(done) || memcmp(text + k - strlen(done), done, strlen(done)))
        return n;
    k -= strlen(done);
    while (k && text[k - 1] == ' ')
        k--;
    return k >= strlen(field) && !memcmp(text + k - strlen(field), field, strlen(field)) ? k - strlen(field) : n;
}
