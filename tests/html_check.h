/* html_check.h - is this HTML what markdown.h promises? Strict: every element, attribute and value is one of the list, what is opened is
 * closed in its order, and each stands where HTML lets it stand. */
#ifndef MTB_TEST_HTML_CHECK_H
#define MTB_TEST_HTML_CHECK_H

#include "mtbench/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHECK_DEPTH = 128 };

struct html_check {
    const char *at, *end;
    char open[CHECK_DEPTH][12]; /* names of open elements */
    int depth;
    char fault[160]; /* "": none */
};

static int check_fault(struct html_check *c, const char *what)
{
    if (!*c->fault)
        snprintf(c->fault, sizeof c->fault, "%s: %.60s", what, c->at);
    return -1;
}

static int check_is(const char *name, const char *list) /* " a b c " */
{
    const size_t n = strlen(name);
    for (const char *at = list; *name && (at = strstr(at, name)); at++)
        if (at[-1] == ' ' && at[n] == ' ')
            return 1;
    return 0;
}

static int check_may_stand(struct html_check *c, const char *name)
{
    const char *in = c->depth ? c->open[c->depth - 1] : "";
    if (check_is(name, " p h5 h6 pre table blockquote ul ol hr div "))
        return !*in || check_is(in, " blockquote li ") || (!strcmp(in, "div") && !strcmp(name, "pre"));
    if (!strcmp(name, "li"))
        return check_is(in, " ul ol ");
    if (check_is(name, " thead tbody "))
        return !strcmp(in, "table");
    if (!strcmp(name, "tr"))
        return check_is(in, " thead tbody ");
    if (check_is(name, " th td "))
        return !strcmp(in, "tr");
    for (int i = 0; i < c->depth; i++)
        if (!strcmp(name, "a") && !strcmp(c->open[i], "a"))
            return 0;
    return check_is(name, " em strong del code a span br ") && !check_is(in, " ul ol table thead tbody tr ");
}

/* One attribute of an element; the value ends before its closing quote. */
static int check_attribute(const char *element, const char *name, const char *v, size_t n)
{
    char value[80] = "";
    if (n < sizeof value)
        memcpy(value, v, n), value[n] = '\0';
    if (!strcmp(name, "title"))
        return check_is(element, " a span ");
    if (!strcmp(name, "href"))
        return !strcmp(element, "a") &&
               (!strncasecmp(v, "http://", 7) || !strncasecmp(v, "https://", 8) || !strncasecmp(v, "mailto:", 7)) && !memchr(v, ' ', n) &&
               !memchr(v, '\n', n) && !memchr(v, '\t', n);
    if (!strcmp(name, "rel"))
        return !strcmp(element, "a") && !strcmp(value, "noopener noreferrer");
    if (!strcmp(name, "start"))
        return !strcmp(element, "ol") && n && n < 10 && strspn(v, "0123456789") == n;
    if (strcmp(name, "class") || !n)
        return 0;
    if (!strcmp(element, "code"))
        return n <= 9 + 64 && !strncmp(v, "language-", 9) &&
               strspn(v + 9, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+#.-") == n - 9;
    if (check_is(element, " h5 h6 "))
        return n == 2 && v[0] == 'l' && v[1] >= '1' && v[1] <= '6';
    return !strcmp(element, "span")       ? check_is(value, " code-language link tex ") || !strcmp(value, "tex display")
           : !strcmp(element, "div")      ? !strcmp(value, "code")
           : !strcmp(element, "pre")      ? !strcmp(value, "plain")
           : check_is(element, " th td ") ? check_is(value, " left center right ")
                                          : 0;
}

static int check_word(struct html_check *c, char *word, size_t room)
{
    size_t n = 0;
    while (c->at + n < c->end && n + 1 < room && ((c->at[n] >= 'a' && c->at[n] <= 'z') || (c->at[n] >= '0' && c->at[n] <= '9')))
        n++;
    memcpy(word, c->at, n);
    word[n] = '\0';
    c->at += n;
    return n ? 0 : check_fault(c, "no name");
}

static int check_open(struct html_check *c)
{
    char name[12], attribute[12];
    if (check_word(c, name, sizeof name) < 0)
        return -1;
    if (!check_may_stand(c, name))
        return check_fault(c, name);
    while (*c->at == ' ') {
        c->at++;
        if (check_word(c, attribute, sizeof attribute) < 0 || strncmp(c->at, "=\"", 2))
            return check_fault(c, "an attribute");
        const char *value = c->at += 2;
        while (c->at < c->end && !strchr("\"<>", *c->at))
            c->at++;
        if (*c->at != '"' || !check_attribute(name, attribute, value, (size_t)(c->at - value)))
            return check_fault(c, attribute);
        c->at++;
    }
    if (*c->at++ != '>')
        return check_fault(c, "a tag's end");
    if (check_is(name, " br hr "))
        return 0;
    if (c->depth == CHECK_DEPTH)
        return check_fault(c, "too deep");
    strcpy(c->open[c->depth++], name);
    return 0;
}

static int check_close(struct html_check *c)
{
    char name[12];
    if (check_word(c, name, sizeof name) < 0 || !c->depth || strcmp(name, c->open[c->depth - 1]) || *c->at++ != '>')
        return check_fault(c, "closes what is not open");
    c->depth--;
    return 0;
}

static int check_entity(struct html_check *c)
{
    static const char *const entity[] = { "&amp;", "&lt;", "&gt;", "&quot;" };
    for (size_t i = 0; i < sizeof entity / sizeof *entity; i++)
        if (!strncmp(c->at, entity[i], strlen(entity[i]))) {
            c->at += strlen(entity[i]);
            return 0;
        }
    return check_fault(c, "an ampersand");
}

/* Up to the next tag. */
static int check_text(struct html_check *c)
{
    const int holds_none = c->depth && check_is(c->open[c->depth - 1], " ul ol table thead tbody tr ");
    while (c->at < c->end && *c->at != '<') {
        const unsigned char b = (unsigned char)*c->at;
        if (b == '>' || (b < 0x20 && b != '\n' && b != '\t') || b == 0x7f || (holds_none && b != '\n'))
            return check_fault(c, "a character");
        if (b != '&')
            c->at++;
        else if (check_entity(c) < 0)
            return -1;
    }
    return 0;
}

/* "": it is. Good until the next call. 'html' is NUL-terminated. */
__attribute__((unused)) static const char *html_check(const char *html, size_t n)
{
    static struct html_check c;
    c = (struct html_check){ .at = html, .end = html + n };
    if (utf8_bad(html, n) >= 0)
        check_fault(&c, "no UTF-8");
    while (!*c.fault && c.at < c.end) {
        if (*c.at != '<')
            check_text(&c);
        else if (*++c.at == '/')
            c.at++, check_close(&c);
        else
            check_open(&c);
    }
    if (c.depth)
        check_fault(&c, "not closed");
    return c.fault;
}

#endif
