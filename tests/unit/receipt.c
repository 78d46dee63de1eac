/* receipt.c - what a try was billed. The law: where a reply may have been made, it cost something. */
#include "tap.h"

#include "src/judge/receipt.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PROMPT = 100 };
static const struct bill worst = { 216, 2048, true };
static const struct counter bytes = { 0 };

static void bill_is(const char *what, struct reply r, int64_t in, int64_t out, bool estimated)
{
    struct bill b = bill_of(&r, PROMPT, &worst, &bytes);
    ok(b.tokens_in == in && b.tokens_out == out && b.estimated == estimated, "%s: %lld in, %lld out%s", what, (long long)b.tokens_in,
       (long long)b.tokens_out, b.estimated ? ", estimated" : "");
}

static int64_t one_each(void *ctx, const char *text)
{
    (void)ctx;
    return (int64_t)strlen(text);
}

/* A guess of what the server will count: never less than the texts themselves. */
static void test_prompts(void)
{
    const struct call_message m[] = { { "system", "12345678" }, { "user", "123456789" } };
    const struct counter exact = { one_each, NULL };
    ok(count_prompt(&bytes, m, 2) == 3 + (4 + 2) + (4 + 3), "by bytes: a token for each begun four, some around each message: %lld",
       (long long)count_prompt(&bytes, m, 2));
    ok(count_prompt(&exact, m, 2) == 3 + (4 + 8) + (4 + 9), "by a tokenizer: its count, and as many around");
}

static void test_bills(void)
{
    bill_is("told", (struct reply){ .text = "x", .tokens_in = 7, .tokens_out = 3 }, 7, 3, false);
    bill_is("told nothing", (struct reply){ .text = "12345678", .tokens_in = -1, .tokens_out = -1 }, PROMPT, 2, true);
    bill_is("thoughts count", (struct reply){.text = "1234", .raw = "1234567890123456", .tokens_in = -1, .tokens_out = -1}, PROMPT, 4,
            true);
    bill_is("told half", (struct reply){ .text = "x", .tokens_in = -1, .tokens_out = 3 }, PROMPT, 3, true);
    bill_is("refused", (struct reply){ .tokens_in = -1, .tokens_out = -1 }, 0, 0, false);
    bill_is("refused, and told so", (struct reply){ .tokens_in = 0, .tokens_out = 0 }, 0, 0, false);
    bill_is("lost on the way", (struct reply){ .maybe_billed = true, .tokens_in = -1, .tokens_out = -1 }, 216, 2048, true);
    bill_is("broken off", (struct reply){ .maybe_billed = true, .raw = "1234", .tokens_in = 7, .tokens_out = -1 }, 7, 2048, true);
    bill_is("broken off, but told", (struct reply){ .maybe_billed = true, .raw = "1234", .tokens_in = 7, .tokens_out = 3 }, 7, 3, false);
}

/* From the reply to the record, over all tries. */
static void test_records(void)
{
    const struct budget priced = { .price_in = 10, .price_out = 30 }, unpriced = { .price_in = -1, .price_out = -1 };
    struct reply lost = {.maybe_billed = true, .tokens_in = -1, .tokens_out = -1},
                 last = {.status = CALL_FAILED, .reason = xstrdup("gone"), .tokens_in = -1, .tokens_out = -1};
    struct tally t = { .tries = 2 };
    struct bill b = bill_of(&lost, PROMPT, &worst, &bytes);
    tally_add(&t, &b);
    b = bill_of(&last, PROMPT, &worst, &bytes);
    tally_add(&t, &b);
    struct receipt *r = receipt_make("k", 1, &last, &t, NULL, &priced, NULL);
    ok(r->record.cost > 0 && r->record.tokens_estimated && r->record.tokens_out == 2048,
       "a call whose reply was lost, then refused, cost $ %g", r->record.cost);
    receipt_free(r);
    last = (struct reply){ .status = CALL_FAILED, .reason = xstrdup("gone"), .tokens_in = -1, .tokens_out = -1 };
    r = receipt_make("k", 1, &last, &t, NULL, &unpriced, NULL);
    ok(r->record.cost < 0, "without a price the cost is unknown, not nothing");
    receipt_free(r);
}

int main(void)
{
    test_prompts();
    test_bills();
    test_records();
    return done_testing();
}
