/* tex.c - TeX in Markdown: what is taken for it, what is not, and that all of it comes back. */
#include "src/report/tex.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* The parts as "[..]" in their text, to be read. */
static char *seen(const char *text)
{
    struct tex tex = {0};
    struct buf hidden = {0}, out = {0};
    tex_hide(&tex, &hidden, text, strlen(text));
    buf_str(&out, "");
    for (size_t i = 0, mark; i < hidden.len; i += mark) {
        const struct tex_part *p = tex_hidden(&tex, hidden.data + i, hidden.len - i, &mark);
        if (!p) {
            buf_char(&out, hidden.data[i]);
            mark = 1;
            continue;
        }
        buf_char(&out, p->display ? '{' : '[');
        buf_add(&out, text + p->begin, p->end - p->begin);
        buf_char(&out, p->display ? '}' : ']');
    }
    tex_free(&tex);
    buf_free(&hidden);
    return buf_steal(&out);
}

static void check(const char *text, const char *want)
{
    char *got = seen(text);
    ok(!strcmp(got, want), "%s", want);
    if (strcmp(got, want))
        printf("# got %s\n", got);
    free(got);
}

static void check_parts(void)
{
    check("a $x_1*y$ b", "a [$x_1*y$] b");
    check("$$x$$ \\(y\\) \\[z\\]", "{$$x$$} [\\(y\\)] {\\[z\\]}");
    check("$$\na\n\n= b\n- c\n$$", "{$$\na\n\n= b\n- c\n$$}");
    check("\\[\na \\\\\\]\nb", "{\\[\na \\\\\\]}\nb"); /* a line's end in TeX, then the end of the part */
    check("the $n$th, $-1$, ($x$)", "the [$n$]th, [$-1$], ([$x$])");
    check("$a\\$b$", "[$a\\$b$]");
    check("$a\nb$", "[$a\nb$]");
}

static void check_others(void)
{
    check("$5 and $10", "$5 and $10");
    check("$5 to 10 US$ or 20$", "$5 to 10 US$ or 20$");
    check("$5x + 3$", "[$5x + 3$]");
    check("$ a $ and US$a$", "$ a $ and US$a$");
    check("$a\n\nb$", "$a\n\nb$");
    check("\\$a$ b \\\\(c\\\\)", "\\$a$ b \\\\(c\\\\)");
    check("\\(\\) \\[\\] $$$$", "\\(\\) \\[\\] $$$$");
    check("$", "$");
    check("\\", "\\");
    check("\\(", "\\(");
}

static void check_code(void)
{
    check("`$a$` $b$", "`$a$` [$b$]");
    check("``$a`$`` $b$", "``$a`$`` [$b$]");
    check("` $b$", "` [$b$]"); /* a backtick that nobody closes */
    check("```\n$a$\n```\n$b$", "```\n$a$\n```\n[$b$]");
    check("~~~ x\n$a$\n```\n~~~\n$b$", "~~~ x\n$a$\n```\n~~~\n[$b$]");
    check("- ```\n  $a$\n  ```\n$b$", "- ```\n  $a$\n  ```\n[$b$]");
    check("1. ~~~~\n$a$\n~~~\n~~~~\n$b$", "1. ~~~~\n$a$\n~~~\n~~~~\n[$b$]");
    check("```$a$``` $b$", "```$a$``` [$b$]"); /* a span, no fence */
    check("```\n$a$", "```\n$a$");
    check("$$\n```\n$$\n```\n$b$", "$$\n```\n$$\n```\n[$b$]"); /* dollars of two shell lines */
    check("> $$\n> a\n> $$\n> $b$", "> $$\n> a\n> $$\n> [$b$]");
}

int main(void)
{
    check_parts();
    check_others();
    check_code();
    return done_testing();
}
