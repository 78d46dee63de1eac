/* thinking.c - the thoughts of reasoning models, told from their answer. */
#include "thinking.h"

#include "mtbench/mem.h"

#include <string.h>

static const char blanks[] = " \t\r\n";

static const char *after_thoughts(const char *content)
{
    static const char open[] = "<think>", close[] = "</think>";
    const char *start = content + strspn(content, blanks), *end = strstr(start, close), *opened = strstr(start, open);
    if (opened != start && (!end || (opened && opened < end)))
        return content; /* it talks of such tags */
    if (!end)
        return content + strlen(content);
    end += strlen(close);
    return end + strspn(end, blanks);
}

bool thinking_split(const char *content, const char *reasoning, char **text, char **raw)
{
    const char *answer = after_thoughts(content);
    bool told = reasoning && *reasoning;
    *text = xstrdup(answer);
    *raw = told ? xasprintf("<think>%s</think>%s", reasoning, content) : answer != content ? xstrdup(content) : NULL;
    return *raw != NULL;
}
