/* markdown.c - Markdown from stdin as the page has it, on stdout; with the word "text" as plain text. */
#include "src/report/markdown.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct buf in = {0}, html = {0};
    size_t n;
    while ((n = fread(buf_reserve(&in, 65536), 1, 65536, stdin)) > 0)
        in.len += n;
    if (argc > 1 && !strcmp(argv[1], "text"))
        html_put_text(&html, in.data, in.len);
    else
        markdown_put(&html, in.data, in.len);
    fwrite(html.data ? html.data : "", 1, html.len, stdout);
    buf_free(&in);
    buf_free(&html);
    return 0;
}
