/* markdown.c - fuzz target: whatever a model or a judge writes becomes the few elements that markdown.h lists, well formed. */
#include "src/report/browser_text.h"
#include "src/report/markdown.h"
#include "tests/html_check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf html = {0}, text = {0};
    char *s = malloc(size ? size : 1);   /* exactly as long, so that a byte too far is seen */
    memcpy(s, data, size);
    markdown_put(&html, s, size);
    html_put_text(&text, s, size);
    if ((html.len && *html_check(html.data, html.len)) || (text.len && *html_check(text.data, text.len))) {
        fprintf(stderr, "%s\n", html_check(html.data, html.len));
        abort();
    }
    buf_clear(&text);
    browser_put_answer(&text, s, size);
    if (text.len > size)
        abort();
    buf_free(&html);
    buf_free(&text);
    free(s);
    return 0;
}
