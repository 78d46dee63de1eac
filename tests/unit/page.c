/* page.c - the page of a gallery: its numbers are those of `show`, what failed or is missing is said, and texts of others do nothing. */
#include "src/report/page.h"

#include "mtbench/call.h"
#include "mtbench/hash.h"
#include "mtbench/journal.h"
#include "mtbench/json_scan.h"
#include "mtbench/mem.h"
#include "mtbench/showing.h"

#include "folder.h"
#include "tap.h"

static struct buf page;
static struct err err;
static struct page_size size;

/* A model's name that would break out of attributes, links and scripts, if it could. */
static const char hostile[] = "org/\"<b onclick='x'>&amp;</script></noscript>\xf0\x9f\x98\x80";

static void put_json(struct buf *b, const char *s)
{
    json_put_string(b, s, strlen(s));
}

static void put_answer(struct buf *b, int question, const char *turns)
{
    buf_printf(b, "{\"question_id\": %d, \"choices\": [{\"index\": 0, \"turns\": [%s]}]}\n", question, turns);
}

static void put_single(struct buf *b, const char *judge, int question, const char *model, int turn, double score, const char *text)
{
    buf_printf(b, "{\"question_id\": %d, \"model\": ", question);
    put_json(b, model);
    buf_printf(b, ", \"judge\": [\"%s\", \"single-v1\"], \"user_prompt\": \"shown: fine, short\", \"judgment\": ", judge);
    put_json(b, text);
    buf_printf(b, ", \"score\": %g, \"turn\": %d, \"tstamp\": 1.0}\n", score, turn);
}

static void put_pair(struct buf *b, int question, const char *one, const char *two, const char *g1, const char *g2)
{
    buf_printf(b, "{\"question_id\": %d, \"model_1\": \"%s\", \"model_2\": \"%s\", \"g1_winner\": \"%s\", \"g2_winner\": \"%s\", "
                  "\"judge\": [\"kind\", \"pair-v2\"], \"g1_user_prompt\": \"shown: fine, short\", \"g1_judgment\": \"words of game 1\", "
                  "\"g2_judgment\": \"words of game 2\", \"turn\": 1}\n",
               question, one, two, g1, g2);
}

static void put_file(const char *name, struct buf *b)
{
    own_put(name, b->data);
    buf_free(b);
}

static void make_folder(void)
{
    struct buf b = {0};
    own_put("b/question.jsonl",
            "{\"question_id\": 7, \"category\": \"writing\", \"turns\": [\"Say </script> and **bold**.\", \"More.\"], "
            "\"reference\": [\"so\", \"or so\"]}\n"
            "{\"question_id\": -8, \"category\": \"<math>\", \"turns\": [\"1 + 1?\", \"2 + 2?\"]}\n"
            "{\"question_id\": 9, \"category\": \"writing\", \"turns\": [\"One turn.\"]}\n");
    put_answer(&b, -8, "\"2\", \"4\"");
    put_file("b/reference_answer/wise.jsonl", &b);
    put_answer(&b, 7, "\"fine\", \"<img src=x onerror=alert(1)> [l](javascript:alert(1))\"");
    put_answer(&b, -8, "\"short\"");
    put_answer(&b, 9, "\"\", \"a turn too many\"");
    put_file("b/model_answer/able.jsonl", &b);
    put_answer(&b, 7, "\"$ERROR$\", \"late\"");
    put_answer(&b, 70, "\"of another bench\"");
    put_file("b/model_answer/zed.jsonl", &b);
    for (int q = 7; q <= 8; q++) {
        put_single(&b, "kind", q == 7 ? 7 : -8, "able", 1, q, "Rating: [[7]]");
        put_single(&b, "kind", q == 7 ? 7 : -8, hostile, 1, 3.25, "<script>alert(1)</script>");
        put_single(&b, "kind", q == 7 ? 7 : -8, "zed", 1, -1, "$ERROR$");
    }
    put_file("b/model_judgment/kind_single.jsonl", &b);
    put_single(&b, "kind", 7, "able", 1, 2, "again");
    put_file("b/model_judgment/kind_single.repeat2.jsonl", &b);
    put_pair(&b, 7, "zed", "able", "model_1", "tie");
    put_pair(&b, -8, "able", "zed", "model_2", "model_2");
    put_pair(&b, 9, "able", "zed", "tie", "error");
    put_file("b/model_judgment/kind_pair.jsonl", &b);
}

static void read_page(const char *name)
{
    buf_clear(&page);
    if (io_read(own(name), &page, &err) < 0)
        buf_str(&page, "");
}

static int make(const char *bench, const char *split)
{
    const struct gallery_choice o = { .data_dir = own_dir(), .bench = bench };
    struct gallery g;
    err = (struct err){0};
    int rc = gallery_open(&g, &o, &err);
    if (rc == 0)
        rc = split ? page_put_split(&g, own(split), &size, &err) : page_put(&g, own("page.html"), &size, &err);
    gallery_close(&g);
    if (rc == 0 && !split)
        read_page("page.html");
    return rc;
}

static bool says(const char *words)
{
    return strstr(page.data, words) != NULL;
}

static int count(const char *words)
{
    int n = 0;
    for (const char *at = page.data; (at = strstr(at, words)); at += strlen(words))
        n++;
    return n;
}

/* What stands between two words behind 'from'; the caller's. */
static char *between(const char *from, const char *open, const char *close)
{
    const char *a = strstr(from, open);
    a = a ? a + strlen(open) : NULL;
    const char *z = a ? strstr(a, close) : NULL;
    return z ? xstrndup(a, (size_t)(z - a)) : xstrdup("");
}

static bool hash_is(const char *directive, const char *text)
{
    char base64[45], words[100];
    sha256_base64(text, strlen(text), base64);
    snprintf(words, sizeof words, "%s 'sha256-%s'", directive, base64);
    return says(words);
}

static void test_policy(void)
{
    ok(make("b", NULL) == 0, "a page is written: %s", err.text);
    char *style = between(page.data, "<style>", "</style>"), *script = between(page.data, "<script>", "</script>");
    ok(*style && *script && hash_is("style-src", style) && hash_is("script-src", script), "the policy names the style and the script");
    ok(says("default-src 'none'") && says("require-trusted-types-for 'script'; trusted-types mtbench"), "and nothing else may load or run");
    ok(count("<script") == 2 && count("<noscript") == count("</noscript>"), "two scripts, the index and the page's own");
    ok(!says("<b onclick") && !says("<img") && !says("href=\"javascript:") && !says(" style="), "texts and names of others are no markup");
    free(style);
    free(script);
}

static void test_texts(void)
{
    ok(says("<article id=\"q=7\">") && says("Say &lt;/script&gt; and <strong>bold</strong>."), "a question as Markdown");
    ok(says("Q1. so") && says("Q2. or so") && says("Reference for judges by wise, turn 2"), "references of both kinds");
    ok(says("<article id=\"q=7&amp;a=able\">") && says("&lt;img src=x onerror=alert(1)&gt;"), "an answer, its HTML as text");
    ok(says("<article id=\"q=-8&amp;a=org%2F%22%3Cb%20onclick%3D%27x%27%3E%26amp%3B%3C%2Fscript%3E%3C%2Fnoscript%3E%F0%9F%98%80\">"),
       "a link has any name");
    ok(says("kind on turn 1: 3.25</h4>") && says("kind on turn 1, repeat 2: 2</h4>"), "judgments with their scores and repeats");
    ok(says("The answer failed") && says("There is no answer") && says("(empty)") && says("able, turn 2</h4><p>a turn too many"),
       "a failed, a missing, an empty turn, and one too many");
    ok(says("kind on turn 2: no judgment</h4>"), "a judgment that is missing");
    ok(says("kind on turn 1: no score</h4><p class=failed>the call failed"), "and one that failed");
    ok(count("The answer was made anew since") == 0, "no answer was made anew");
}

static void test_pairs(void)
{
    ok(says("<article id=\"q=7&amp;a=able&amp;b=zed\">") && says("kind on turn 1: zed wins in game 1, a tie in game 2; it counts as a tie"),
       "games that differ, in the order of names");
    ok(says("kind on turn 1: game 1, A is zed, B is able; zed wins</h4><p>words of game 1"), "each game as the judge saw it");
    ok(says("kind on turn 1: zed wins in both games"), "games that agree");
    ok(says("a tie in game 1, no verdict in game 2; it counts as failed"), "and one that failed");
}

/* Every number that `show` gives for programs stands on the page. */
static bool holds_numbers(const struct showing *o)
{
    struct buf json = {0};
    int missing = showing_put(&json, o, &err) < 0, found = 0;
    cJSON *all = missing ? NULL : json_parse(json.data, json.len, &err);
    const cJSON *row, *v;
    cJSON_ArrayForEach (row, json_get(all, "rows"))
        cJSON_ArrayForEach (v, row)
            if (cJSON_IsNumber(v)) {
                struct buf words = {0};
                if (v->valuedouble == (double)(long)v->valuedouble)      /* counts */
                    buf_printf(&words, "\"%ld\"", (long)v->valuedouble);
                else
                    buf_char(&words, '"'), json_put_double(&words, v->valuedouble), buf_char(&words, '"');
                missing += !says(words.data);
                found++;
                buf_free(&words);
            }
    cJSON_Delete(all);
    buf_free(&json);
    return missing == 0 && found > 0;
}

static void test_numbers(void)
{
    struct showing o = { .bench_name = "b", .data_dir = own_dir(), .baseline_model = "able", .repeat = 2, .format = SHOW_JSON };
    ok(holds_numbers(&o), "scores are those of show --repeat 2: %s", err.text);
    o.by = BY_TURN;
    ok(holds_numbers(&o), "turns");
    o.by = BY_NOTHING;
    o.repeat = 1;
    o.mode = SHOW_ALL;
    ok(holds_numbers(&o), "pairs: %s", err.text);
    ok(says("<td class=h4 data-v=4.5><a href=\"#q=7&amp;a=able\">4.5</a>"), "the heat map has the mean of both repeats");
    ok(says("<td class=failed><a href=\"#q=7&amp;a=zed\" title=\"failed: 1 failed\">x</a>"), "and a cross where all failed");
}

static void test_index(void)
{
    char *text = between(page.data, "id=\"index\">", "</script>");
    cJSON *j = json_parse(text, strlen(text), &err);
    ok(j && !strchr(text, '<'), "the index is JSON that no tag can end: %s", err.text);
    const cJSON *models = json_get(j, "models");
    ok(cJSON_GetArraySize(models) == 3 && !strcmp(cJSON_GetArrayItem(models, 1)->valuestring, hostile), "names");
    ok(cJSON_GetArraySize(json_get(j, "single")) == 7 && cJSON_GetArraySize(json_get(j, "pairs")) == 3, "a row per judgment");
    const cJSON *pair = cJSON_GetArrayItem(json_get(j, "pairs"), 0);
    static const int want[] = { 0, 0, 2, 0, 1, 1, 1, 2, 0, 1 };
    bool same = true;
    for (int i = 0; i < 10; i++)
        same &= cJSON_GetArrayItem(pair, i) && cJSON_GetArrayItem(pair, i)->valueint == want[i];
    ok(same, "a pair seen from its lesser model");
    const cJSON *answer;
    int flags = 0, answers = 0;
    cJSON_ArrayForEach (answer, json_get(j, "answers")) {
        flags |= 1 << cJSON_GetArrayItem(answer, 5)->valueint;
        answers++;
    }
    ok(answers > 5 && flags == ((1 << 0) | (1 << 1) | (1 << 4)), "answers that are fine, failed, empty: %x", (unsigned)flags);
    cJSON_Delete(j);
    free(text);
}

static void test_same(void)
{
    struct buf first = {0};
    buf_add(&first, page.data, page.len);
    ok(make("b", NULL) == 0 && first.len == page.len && !memcmp(first.data, page.data, page.len), "the same data, the same bytes");
    ok(size.bytes == page.len && size.judgments == 7 + 6, "and what it says of its size");
    buf_free(&first);
}

/* Rows of a list of the index that have more members than this. */
static int count_longer(const char *list, int members)
{
    char *text = between(page.data, "id=\"index\">", "</script>");
    cJSON *j = json_parse(text, strlen(text), &err);
    const cJSON *row;
    int longer = 0;
    cJSON_ArrayForEach (row, json_get(j, list))
        longer += cJSON_GetArraySize(row) > members;
    cJSON_Delete(j);
    free(text);
    return longer;
}

static void test_remade(void)
{
    ok(count_longer("single", 7) == 0 && count_longer("pairs", 10) == 0, "no judgment is of another answer");
    struct buf b = {0};
    put_answer(&b, 7, "\"made anew\", \"x\"");
    put_file("b/model_answer/able.jsonl", &b);
    ok(make("b", NULL) == 0 && count("The answer was made anew since") == 3,
       "judgments of an answer that is another one by now say so, of pairs too");
    ok(count_longer("single", 7) == 2 && count_longer("pairs", 10) == 1, "and their rows of the index");
}

static void test_split(void)
{
    ok(make("b", "pages") == 0, "a folder: %s", err.text);
    read_page("pages/index.html");
    ok(says("href=\"q-8.html#q=-8&amp;a=able\"") && says("\"split\": true,\n\"question\": -1") && !says("<article"),
       "the index leads to pages");
    ok(says("[0,0,0,1,"), "and has the answers of all of them");
    read_page("pages/q-8.html");
    ok(says("<article id=\"q=-8&amp;a=able\">") && !says("<article id=\"q=7\">") && says("href=\"q7.html\"") && says("href=\"q9.html\""),
       "a page has its question, and leads to its neighbours");
}

static void test_little(void)
{
    struct buf b = {0};
    own_put("bare/question.jsonl", "{\"question_id\": 7, \"category\": \"c\", \"turns\": [\"x\"]}\n");
    put_answer(&b, 7, "\"alone\"");
    put_file("bare/model_answer/one.jsonl", &b);
    ok(make("bare", NULL) == 0 && says("Nothing was judged yet") && says("<p>alone"), "answers without a judgment");
    remove(own("bare/model_answer/one.jsonl"));
    put_single(&b, "kind", 70, "one", 1, 5, "of another bench");
    put_file("bare/model_judgment/kind_single.jsonl", &b);
    ok(make("bare", NULL) == 0 && !says("<table class=\"sheet\"") && says("judgments: of questions that"),
       "judgments of other questions alone");
}

/* What a judge's journal sums up. */
static void make_calls(const struct manifest *m)
{
    const struct call_record r = { .key = "q7-t1-g1-r1-0123456789abcdef", .content = 1, .status = CALL_OK, .text = "fine", .tries = 1,
                                   .tokens_in = 10, .tokens_out = 2, .cost = 0.5 };
    own_put("run/model_judgment/.made", "");
    struct call_journal *j = call_journal_open(own("run/model_judgment/kind_single.journal"), m, &err);
    ok(j && call_journal_append(j, &r, &err) == 0, "a judge's journal%s", err.text);
    call_journal_close(j);
}

/* Of a run that was stopped before it wrote its answers. */
static void test_journal(void)
{
    struct manifest m = {0};
    struct turn_record t = { .question_id = 7, .turn = 1, .status = TURN_OK, .text = "x", .finish = "length", .n_prompt = 20, .n_new = 5,
                             .temperature = 0.5, .seconds = 2 };
    manifest_add(&m, true, "template", "<chat>");
    memset(t.prompt_sha256, 'a', 64);
    own_put("run/question.jsonl", "{\"question_id\": 7, \"category\": \"c\", \"turns\": [\"x\", \"y\"]}\n");
    own_put("run/model_answer/.made", "");
    struct journal *j = journal_open(own("run/model_answer/ours.journal"), &m, &err);
    if (j && journal_begin(j, &m, &err) == 0) {
        journal_append(j, &t);
        t = (struct turn_record){ .question_id = 7, .turn = 2, .status = TURN_FAILED, .text = "", .reason = "out of <memory>" };
        journal_append(j, &t);
        journal_sync(j, &err);
    }
    journal_close(j);
    make_calls(&m);
    manifest_free(&m);
    ok(make("run", NULL) == 0 && says("<p class=failed>The answer is in the journal alone;"), "an answer that no file has: %s", err.text);
    ok(says("<p class=failed>It ran into the token limit") && says("There is no answer: out of &lt;memory&gt;"),
       "one that was cut, and why there is none");
    ok(says("\"temperature\": 0.5") && says("\"template\": \"\\u003cchat>\"") && says("\"ended\": \"length\""),
       "how it was made");
    ok(says("kind_single.journal") && says("1 calls, $ 0.5"), "what the judge's calls cost");
    ok(says(",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",{"), "and the hash of its prompt");
}

int main(void)
{
    make_folder();
    test_policy();
    test_texts();
    test_pairs();
    test_numbers();
    test_index();
    test_same();
    test_split();
    test_remade();
    test_little();
    test_journal();
    buf_free(&page);
    return done_testing();
}
