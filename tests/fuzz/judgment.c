/* judgment.c - fuzz target: a judgment file. What the scanner takes, cJSON takes too, with the same score. */
#include "mtbench/json.h"
#include "mtbench/judgment.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct judgment_table t = {0};
    struct err err;
    int rc = judgment_table_parse(&t, "f", text, size, &err);
    for (size_t i = 0; i < t.n; i++)
        if (t.row[i].status >= JUDGMENT_STATUSES || t.row[i].model_1 >= t.n_names || t.row[i].prompt >= t.n_names || t.row[i].turn == 0)
            abort();
    /* One line; cJSON knows no NaN or Infinity, and no half surrogate pairs in what is passed over. */
    if (rc == 0 && t.n == 1 && !t.pairs && !memchr(text, 'N', size) && !memchr(text, 'I', size) && !memmem(text, size, "\\u", 2)) {
        cJSON *j = json_parse(text, size, &err);
        const cJSON *score = json_get(j, "score");
        if (!cJSON_IsNumber(score) || score->valuedouble != t.row[0].score)
            abort();
        cJSON_Delete(j);
    }
    judgment_table_free(&t);
    return 0;
}
