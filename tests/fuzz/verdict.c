/* verdict.c - fuzz target: a judge's text in all formats. */
#include "mtbench/thoughts.h"
#include "mtbench/verdict.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1);        /* exactly as long, so that a byte too far is seen */
    memcpy(text, data, size);
    struct verdict rating = verdict_parse(VERDICT_RATING, text, size), ab = verdict_parse(VERDICT_AB, text, size);
    struct verdict two = verdict_parse(VERDICT_TWO_RATINGS, text, size);
    if (rating.status == JUDGMENT_OK ? !(rating.score >= 1 && rating.score <= 10)
                                     : rating.status == JUDGMENT_UNPARSABLE && rating.score != -1)
        abort();
    if (rating.score_is_int && isfinite(rating.score) && rating.score != floor(rating.score))
        abort();
    if ((ab.status == JUDGMENT_OK) != (ab.letter != 'E') || (two.status == JUDGMENT_OK) != (two.letter != 'E'))
        abort();
    size_t answer, behind;
    struct buf said = {0};
    enum thoughts split = thoughts_split(NULL, text, size, &answer), strike = thoughts_strike(NULL, text, size, &said, &behind);
    if (answer > size || behind > size || behind < (split == THOUGHTS_NONE ? 0 : answer) ||
        said.len > size - (split == THOUGHTS_NONE ? 0 : answer) || (split == THOUGHTS_OPEN && (answer != size || said.len)) ||
        (strike == THOUGHTS_NONE && (said.len != size || behind)))
        abort();
    struct verdict read = verdict_read(VERDICT_RATING, text, size, false);
    if (strike == THOUGHTS_NONE && read.status != rating.status)
        abort();
    const struct thought_mark *opened = thoughts_opened(text, size);
    if (opened && thoughts_split(opened, "[[3]]", 5, &answer) != THOUGHTS_OPEN)
        abort();
    buf_free(&said);
    free(text);
    return 0;
}
