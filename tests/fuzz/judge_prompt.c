/* judge_prompt.c - fuzz target: a judge prompt file, its templates filled; and an answer file. */
#include "mtbench/answer_set.h"
#include "mtbench/judge_prompt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct prompt_field field[] = { { "question", "{Q}" }, { "answer", "" }, { "a", "}" } };
    struct judge_prompts p;
    struct err err;
    if (judge_prompts_parse("f", (const char *)data, size, &p, &err) == 0) {
        judge_prompts_extend(&p, 4);
        for (int i = 0; i < p.n; i++) {
            struct buf out = {0};
            judge_prompt_fill(&p.prompt[i], field, 3, &out, &err);
            buf_free(&out);
        }
        judge_prompts_free(&p);
    }
    struct model_answers m = {0};
    if (model_answers_parse("f", (const char *)data, size, &m, &err) == 0)
        for (int i = 0; i < m.n; i++)
            if (m.answer[i].n_turns < 1 || answer_set_find(&m, m.answer[i].question_id) != &m.answer[i])
                abort();
    model_answers_free(&m);
    return 0;
}
