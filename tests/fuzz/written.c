/* written.c - fuzz target: a user prompt, with the texts of a question and an answer cut out of it, is the same when they are put back. */
#include "src/report/written.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* three texts, each behind a NUL: question, answer, prompt */
    char *text = malloc(size + 4);
    memcpy(text, data, size);
    memset(text + size, 0, 4);
    char *answer = text + strlen(text) + ((size_t)(strchr(text, 0) - text) < size);
    char *prompt = answer + strlen(answer) + ((size_t)(strchr(answer, 0) - text) < size);
    char *turn[] = { text };
    struct question q = { .id = 1, .n_turns = 1, .turn = turn };
    struct questions qs = { .n = 1, .q = &q };
    struct turn_row row = { .question_id = 1, .turn = 1, .counts = 1, .text = answer };
    struct run_data d = { .turns = { &row, 1, 1 } };
    struct turn_index turns;
    struct model_answers none = {0};
    bool holes;
    map_add_int(&qs.by_id, 1, 0);
    turn_index_build(&turns, &d);
    const struct filling f = { &turns, &qs, &none };
    char *form = prompt_punch(&f, 1, prompt, &holes);
    char *again = prompt_fill(&f, 1, &(struct asked_row){ .user_prompt = form, .holes = holes });
    if (strcmp(again, prompt))
        abort();
    free(again);
    free(form);
    turn_index_free(&turns);
    map_free(&qs.by_id);
    free(text);
    return 0;
}
