/* table_rule.c - rules of Markdown tables: GitHub's short ones are long enough for md4c, and nothing else changes. */
#include "src/report/table_rule.h"

#include "tap.h"

#include <string.h>

static void check(const char *text, const char *want)
{
    struct buf out = {0};
    buf_str(&out, "");
    table_rules_widen(&out, text, strlen(text));
    ok(!strcmp(out.data, want), "%s", want);
    buf_free(&out);
}

int main(void)
{
    check("|a|b|\n|-|-|\n|-|x|\n", "|a|b|\n|---|---|\n|-|x|\n");
    check("a|b\n:-|-:", "a|b\n:---|---:");
    check("| a |\n| -- |\n", "| a |\n| ---- |\n");
    check("|a\\|b|\n|:-:|", "|a\\|b|\n|:---:|");
    check("|a|\n|---|\n", "|a|\n|---|\n");
    check("a\n|-|\n", "a\n|-|\n");       /* no heads */
    check("|a|b|\n|-|\n", "|a|b|\n|-|\n"); /* not as many */
    check("|a|\n    |-|\n", "|a|\n    |-|\n");
    check("```\n|a|\n|-|\n```\n|a|\n|-|\n", "```\n|a|\n|-|\n```\n|a|\n|---|\n");
    check("|a|\n|-x|\n", "|a|\n|-x|\n");
    check("a\n-\n", "a\n-\n");
    check("", "");
    return done_testing();
}
