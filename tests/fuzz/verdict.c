/* verdict.c - fuzz target: a judge's text in all formats. */
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
    if (rating.status == JUDGMENT_OK ? !(rating.score >= 1 && rating.score <= 10) : rating.status == JUDGMENT_UNPARSABLE && rating.score != -1)
        abort();
    if (rating.score_is_int && isfinite(rating.score) && rating.score != floor(rating.score))
        abort();
    if ((ab.status == JUDGMENT_OK) != (ab.letter != 'E') || (two.status == JUDGMENT_OK) != (two.letter != 'E'))
        abort();
    if (verdict_skip_thinking(text, size) > size)
        abort();
    free(text);
    return 0;
}
