/* thinking.c - the thoughts of reasoning models, told from their answer, as hosted servers give both. */
#include "thinking.h"

#include "mtbench/mem.h"
#include "mtbench/thoughts.h"

#include <string.h>

bool thinking_split(const char *content, const char *reasoning, char **text, char **raw)
{
    size_t answer;
    bool told = reasoning && *reasoning, thought = thoughts_split(NULL, content, strlen(content), &answer) != THOUGHTS_NONE;
    *text = xstrdup(content + answer);
    /* One form for both ways, so that journals and takeovers need to know only one. */
    *raw = told ? xasprintf("<think>%s</think>%s", reasoning, content) : thought ? xstrdup(content) : NULL;
    return *raw != NULL;
}
