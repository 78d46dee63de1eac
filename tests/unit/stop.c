/* stop.c - where answers end: FastChat's cleaning of decoded text (vectors taken from running it), Python's str.strip, and stop strings
 * that arrive in pieces. */
#include "mtbench/stop.h"

#include "golden.h"
#include "tap.h"

static const char *const s_tags[] = { "<s>", "</s>" };

static void clean(const char *name, const struct stop_rule *r, const char *text, const char *want)
{
    struct buf b = {0};
    buf_str(&b, "kept ");
    stop_clean(r, text, strlen(text), &b);
    ok(!strncmp(b.data, "kept ", 5) && !strcmp(b.data + 5, want), "%s: [%s]", name, b.data + 5);
    buf_free(&b);
}

static void test_fastchat(void)
{
    static const char *const hashes[] = { "###" }, *const eot[] = { "<|eot_id|>" }, *const list[] = { "###", "</s>", "[UNK]" };
    const struct stop_rule vicuna = {.special = s_tags, .n_special = 2},
                           one_shot = {.stop = hashes, .n_stop = 1, .special = s_tags, .n_special = 2};
    const struct stop_rule llama3 = {.stop = eot, .n_stop = 1}, aquila = {.stop = list, .n_stop = 3}, xgen = {.strip_assistant = true};
    struct buf nul = {0}, b = {0};
    clean("vicuna", &vicuna, " hi </s>", "hi");
    clean("vicuna", &vicuna, "use <s>strike</s> html", "use strike html");
    clean("vicuna", &vicuna, "\u00a0\u3000a\u200b\ufeff", "a\u200b\ufeff");
    buf_add(&nul, "O\0K </s>\0 ", 10);
    stop_clean(&vicuna, nul.data, nul.len, &b);
    ok(!strcmp(b.data, "O\xc0\x80K \xc0\x80"), "behind NUL an answer goes on: [%s]", b.data);
    buf_free(&nul);
    buf_free(&b);
    clean("one_shot, at position 0", &one_shot, "### Human: q", "### Human: q");
    clean("one_shot", &one_shot, " ok ### Human: x", "ok");
    clean("one_shot, at position 0 and later", &one_shot, "### a ### b", "### a ### b");
    clean("llama-3", &llama3, "x<|eot_id|>y", "x");
    clean("aquila, a list", &aquila, "abc[UNK]d###e", "abc");
    clean("xgen", &xgen, "Assistant: hello", "hello");
    clean("nothing", &vicuna, "", "");
    clean("nothing but blanks", &vicuna, " \n\t ", "");
    clean("special texts that meet when one goes", &vicuna, "<<s>s>", "<s>");
}

static int bad;

static void check_strip(char *hex)
{
    char *want_hex = golden_next(hex);
    const struct stop_rule none = {0};
    struct buf b = {0};
    size_t n, n_want;
    char *s = golden_bytes(hex, &n), *want = golden_bytes(want_hex, &n_want);
    stop_clean(&none, s, n, &b);
    if (b.len != n_want || memcmp(b.data, want, n_want)) {
        bad++;
        printf("# strip of %s is not %s\n", hex, want_hex);
    }
    buf_free(&b);
    free(s);
    free(want);
}

/* The text grows byte by byte, as tokens do: the end must be seen at last, never too early, and the answer must be that of the whole text.
 */
static void grow(const char *name, const char *const *stop, int n_stop, const char *text, long certain)
{
    const struct stop_rule r = { .stop = stop, .n_stop = n_stop };
    struct buf whole = {0};
    size_t n = strlen(text);
    long first = -1;
    int wrong = 0;
    stop_clean(&r, text, n, &whole);
    for (size_t k = 0; k <= n; k++) {
        struct buf part = {0};
        char *copy = malloc(k + 1);
        memcpy(copy, text, k);
        if (stop_reached(&r, copy, k)) {
            first = first < 0 ? (long)k : first;
            stop_clean(&r, copy, k, &part);
            wrong += part.len != whole.len || memcmp(part.data, whole.data, whole.len);
        } else {
            wrong += first >= 0;
        }
        buf_free(&part);
        free(copy);
    }
    ok(first == certain && wrong == 0, "%s: certain after %ld bytes of \"%s\", and so is the answer \"%s\"", name, first, text, whole.data);
    buf_free(&whole);
}

static void test_pieces(void)
{
    static const char *const one[] = { "</s>" }, *const two[] = { "###", "</end>" }, *const overlap[] = { "abcd", "bc" };
    grow("a stop string in pieces", one, 1, "hi</s>more", 6);
    grow("a beginning that goes on otherwise", one, 1, "a</ss</s>x", 9);
    grow("no stop string", one, 1, "just text </", -1);
    grow("a shorter one waits until the longest fits", two, 2, "x###yyyyyy", 7);
    grow("one inside another", overlap, 2, "xabcdefgh", 5);
    grow("at position 0 it does not count", one, 1, "</s>abc</s>", -1);
    ok(!stop_reached(&(struct stop_rule){ .n_stop = 0 }, "text", 4), "without stop strings nothing is reached");
}

int main(void)
{
    test_fastchat();
    int n = golden_lines("tests/golden/base.txt", 't', check_strip);
    ok(n > 250 && bad == 0, "white space at the ends: %d of %d as Python's str.strip", n - bad, n);
    test_pieces();
    return done_testing();
}
