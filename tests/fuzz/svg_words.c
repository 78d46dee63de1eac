/* svg_words.c - fuzz target: names of any bytes as words in a picture, cleaned, escaped, cut and broken into lines. */
#include "src/report/svg.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf b = {0};
    char *words = xstrndup((const char *)data, size < 2000 ? size : 2000), *clean = svg_clean(words), *again = svg_clean(clean);
    if (utf8_bad(clean, strlen(clean)) >= 0 || strcmp(clean, again))
        abort();
    char *cut = svg_fit(words, 11, 100);
    if (utf8_bad(cut, strlen(cut)) >= 0 || svg_text_width(cut, 11) > 100)
        abort();
    for (const char *at = clean; *at;) { /* ends: a line is never empty */
        const size_t n = svg_line_of(at, 11, 60);
        if (n == 0 || n > strlen(at))
            abort();
        at += n;
    }
    svg_escape(&b, words);
    svg_escape_exact(&b, words);
    if (b.data && (strpbrk(b.data, "<>\"'") || utf8_bad(b.data, b.len) >= 0))
        abort();
    buf_free(&b);
    free(cut);
    free(again);
    free(clean);
    free(words);
    return 0;
}
