/* typical.c - medians of published answers. */
#include "mtbench/typical.h"

#include <string.h>

/* Tokens of turns 1 and 2, made by tests/golden/make_published_lengths.py --typical from the answers that LMSYS published in 2023. */
static const struct { int id, tokens[2]; } typical[] = {
    { 81, { 409, 323 } }, { 82, { 155, 152 } }, { 83, { 245, 58 } }, { 84, { 327, 374 } }, { 85, { 164, 204 } },
    { 86, { 149, 150 } }, { 87, { 458, 77 } }, { 88, { 153, 35 } }, { 89, { 91, 20 } }, { 90, { 85, 89 } },
    { 91, { 195, 131 } }, { 92, { 97, 65 } }, { 93, { 198, 194 } }, { 94, { 144, 228 } }, { 95, { 73, 25 } },
    { 96, { 225, 216 } }, { 97, { 332, 337 } }, { 98, { 85, 126 } }, { 99, { 143, 141 } }, { 100, { 125, 232 } },
    { 101, { 31, 37 } }, { 102, { 59, 57 } }, { 103, { 206, 107 } }, { 104, { 12, 24 } }, { 105, { 13, 23 } },
    { 106, { 40, 57 } }, { 107, { 8, 42 } }, { 108, { 38, 28 } }, { 109, { 121, 115 } }, { 110, { 65, 219 } },
    { 111, { 192, 222 } }, { 112, { 62, 49 } }, { 113, { 168, 125 } }, { 114, { 219, 193 } }, { 115, { 207, 79 } },
    { 116, { 164, 138 } }, { 117, { 127, 121 } }, { 118, { 115, 111 } }, { 119, { 119, 194 } }, { 120, { 103, 223 } },
    { 121, { 328, 373 } }, { 122, { 283, 301 } }, { 123, { 339, 231 } }, { 124, { 147, 117 } }, { 125, { 262, 203 } },
    { 126, { 322, 354 } }, { 127, { 208, 346 } }, { 128, { 226, 304 } }, { 129, { 299, 310 } }, { 130, { 216, 262 } },
    { 131, { 10, 98 } }, { 132, { 16, 30 } }, { 133, { 91, 147 } }, { 134, { 34, 47 } }, { 135, { 100, 92 } },
    { 136, { 15, 17 } }, { 137, { 71, 36 } }, { 138, { 36, 34 } }, { 139, { 224, 304 } }, { 140, { 300, 323 } },
    { 141, { 239, 144 } }, { 142, { 208, 255 } }, { 143, { 254, 471 } }, { 144, { 215, 91 } }, { 145, { 209, 172 } },
    { 146, { 329, 130 } }, { 147, { 139, 252 } }, { 148, { 397, 227 } }, { 149, { 359, 188 } }, { 150, { 208, 209 } },
    { 151, { 367, 268 } }, { 152, { 297, 270 } }, { 153, { 440, 342 } }, { 154, { 541, 341 } }, { 155, { 244, 352 } },
    { 156, { 351, 421 } }, { 157, { 196, 407 } }, { 158, { 229, 496 } }, { 159, { 331, 456 } }, { 160, { 343, 148 } },
};

/* Categories of MT-bench, in the order of its questions, ten of each. Whoever reuses its numbers for other questions has others. */
static const char *const categories[] = { "writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities" };

double typical_tokens(const struct question *q, int turn)
{
    enum { FIRST = 81, EACH = 10, N = sizeof typical / sizeof *typical };
    const int64_t i = q->id - FIRST;
    if (i < 0 || i >= N || q->n_turns != 2 || turn < 1 || turn > 2 || strcmp(q->category, categories[i / EACH]) != 0)
        return category_length(q->category);
    return typical[i].tokens[turn - 1];
}
