/* call.c - call records there and back, the content hash, and the journal: what is finished is found, what failed is not, sums are of all.
 */
#include "folder.h"
#include "tap.h"

#include "mtbench/call.h"
#include "mtbench/io.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct call_record sample(const char *key, uint64_t content, enum call_status status)
{
    return (struct call_record){
        .key = key,
        .content = content,
        .status = status,
        .reason = status == CALL_OK ? NULL : "why",
        .text = "Rating: [[7]] \xc3\xa9\xf0\x9f\x98\x80\n",
        .raw = "<think>\x01</think>x",
        .model = "m-1",
        .request_id = "req_1",
        .finish = "stop",
        .sent = "{\"temperature\":0,\"max_tokens\":2048}",
        .tokens_in = 1000,
        .tokens_out = 20,
        .cost = 0.25,
        .tries = 2,
        .seconds = 1.5,
        .tstamp = 1700000000.25,
        .expected_score = NAN,
    };
}

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void test_record(void)
{
    struct call_record a = sample("q81-t1_x", 0xfedcba9876543210u, CALL_OK), *b;
    struct buf line = {0}, again = {0};
    struct err err = {0};
    call_record_put(&line, &a);
    ok(!strchr(line.data, '\n') && utf8_bad(line.data, line.len) < 0, "a record is one line");
    ok((b = call_record_parse(line.data, line.len, &err)) != NULL, "and parses");
    ok(b->content == a.content && same(a.key, b->key) && same(a.text, b->text) && same(a.raw, b->raw) && same(a.sent, b->sent) &&
           same(a.finish, b->finish) && same(a.model, b->model) && same(a.request_id, b->request_id) && !b->reason,
       "its strings and its 64-bit content come back");
    ok(b->tokens_in == 1000 && b->tokens_out == 20 && !b->tokens_estimated && b->cost == 0.25 && b->tries == 2 && b->seconds == 1.5 &&
           b->tstamp == 1700000000.25 && isnan(b->expected_score),
       "its numbers too, and what is not known stays so");
    call_record_put(&again, b);
    ok(same(line.data, again.data), "written again it says the same");
    free(b);
    buf_free(&line);
    buf_free(&again);

    a.cost = -1;
    a.expected_score = 7.25;
    a.tokens_estimated = true;
    a.sent = a.raw = a.model = NULL;
    call_record_put(&line, &a);
    ok(strstr(line.data, "\"cost\": null") && (b = call_record_parse(line.data, line.len, &err)) && b->cost == -1 &&
           b->expected_score == 7.25 && b->tokens_estimated && !b->sent && !b->raw && !b->model,
       "an unknown price is null, not a number");
    free(b);
    buf_free(&line);

    static const char *const wrong[] = {
        "",
        "[]",
        "{\"key\": \"a\"}",
        "{\"key\": \"a b\", \"content\": \"0000000000000001\", \"status\": \"ok\", \"text\": \"\"}",
        "{\"key\": \"a\", \"content\": \"1\", \"status\": \"ok\", \"text\": \"\"}",
        "{\"key\": \"a\", \"content\": \"0000000000000001\", \"status\": \"fine\", \"text\": \"\"}",
        "{\"key\": \"a\", \"content\": \"0000000000000001\", \"status\": \"ok\"}",
        "{\"key\": \"\", \"content\": \"0000000000000001\", \"status\": \"ok\", \"text\": \"\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ok(!call_record_parse(wrong[i], strlen(wrong[i]), &err) && err.kind == ERR_FORMAT, "refused: %s", wrong[i]);
}

static void test_key(void)
{
    char longest[CALL_KEY_MAX + 2];
    memset(longest, 'k', sizeof longest);
    longest[CALL_KEY_MAX] = '\0';
    ok(call_key_ok("a-Z_9") && call_key_ok(longest), "letters, digits, - and _ make a key");
    memset(longest, 'k', sizeof longest);
    longest[CALL_KEY_MAX + 1] = '\0';
    ok(!call_key_ok("") && !call_key_ok("a.b") && !call_key_ok("a b") && !call_key_ok("\xc3\xa9") && !call_key_ok(longest),
       "others do not");
}

static void test_content(void)
{
    struct call_message m[2] = { { "system", "ab" }, { "user", "c" } }, shifted[2] = { { "system", "a" }, { "user", "bc" } };
    struct call c = { .key = "k", .message = m, .n_messages = 2, .temperature = 0, .max_tokens = 2048 }, d = c;
    uint64_t h = call_content(&c);
    d.key = "another";
    ok(call_content(&d) == h, "the key is not content");
    d.temperature = -0.0;
    ok(call_content(&d) == h, "minus zero is zero");
    d.temperature = 0.7;
    ok(call_content(&d) != h, "the temperature is");
    d = c;
    d.max_tokens = 1024;
    ok(call_content(&d) != h, "the limit is");
    d = c;
    d.message = shifted;
    ok(call_content(&d) != h, "a letter that moves to the next message is a change");
}

static void test_journal(void)
{
    char path[512];
    struct manifest m = {0};
    struct err err = {0};
    snprintf(path, sizeof path, "%s", own("calls"));
    manifest_add(&m, true, "judge", "gpt-4");
    struct call_journal *j = call_journal_open(path, &m, &err);
    ok(j && !call_journal_find(j, "a", 1), "an empty journal finds nothing");
    call_journal_close(j);
    ok(access(path, F_OK) != 0, "and does not stay when no call was made");
    j = call_journal_open(path, &m, &err);
    struct call_record r = sample("a", 1, CALL_FAILED);
    ok(call_journal_append(j, &r, &err) == 0 && !call_journal_find(j, "a", 1), "a failed call is to be asked again");
    r = sample("a", 1, CALL_OK);
    ok(call_journal_append(j, &r, &err) == 0, "then it comes");
    const struct call_record *found = call_journal_find(j, "a", 1);
    ok(found && found->status == CALL_OK && same(found->text, r.text), "and is found");
    ok(!call_journal_find(j, "a", 2) && !call_journal_find(j, "b", 1), "not for another content or key");
    static const enum call_status ended[] = { CALL_FILTERED, CALL_REFUSED, CALL_TOO_LONG, CALL_TRUNCATED };
    for (int i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof key, "e%d", i);
        r = sample(key, 5, ended[i]);
        ok(call_journal_append(j, &r, &err) == 0 && call_journal_find(j, key, 5)->status == ended[i], "%s is an end",
           call_status_name(ended[i]));
    }
    r = sample("a", 1, CALL_FAILED);
    ok(call_journal_append(j, &r, &err) == 0 && call_journal_find(j, "a", 1)->status == CALL_OK,
       "a later failure does not take an answer away");
    int bad = 0;
    for (int i = 0; i < 400; i++) {
        char key[16];
        snprintf(key, sizeof key, "n%d", i % 200);
        r = sample(key, (uint64_t)(i / 200), CALL_OK);
        r.text = key;
        bad += call_journal_append(j, &r, &err) != 0;
    }
    ok(!bad && found == call_journal_find(j, "a", 1), "400 more; what was found stays where it is");
    call_journal_close(j);

    struct manifest other = {0};
    manifest_add(&other, true, "judge", "gpt-5");
    ok(!call_journal_open(path, &other, &err) && err.kind == ERR_USAGE && strstr(err.text, "judge was gpt-4 and is gpt-5"),
       "made otherwise: %s", err.text);
    manifest_free(&other);
    manifest_add(&m, false, "changed", "yes");
    j = call_journal_open(path, &m, &err);
    ok(j != NULL, "opened again, with another description");
    ok(call_journal_last(j, "n7")->content == 1 && call_journal_last(j, "e0")->content == 5 && !call_journal_last(j, "n"),
       "the last of a key, whatever its content");
    struct call_journal *seen = call_journal_peek(path, &err), *none = call_journal_peek(own("none/such"), &err);
    ok(seen && call_journal_find(seen, "n7", 1) && call_journal_totals(seen).calls == 407, "it can be looked at while it is open");
    ok(none && !call_journal_find(none, "n7", 1) && call_journal_totals(none).calls == 0, "one that is not there is empty to the eye");
    call_journal_close(seen);
    call_journal_close(none);
    for (int i = 0; j && i < 400; i++) {
        char key[16];
        snprintf(key, sizeof key, "n%d", i % 200);
        found = call_journal_find(j, key, (uint64_t)(i / 200));
        bad += !found || strcmp(found->text, key) || found->content != (uint64_t)(i / 200);
    }
    ok(!bad, "all are found");
    struct call_totals t = call_journal_totals(j);
    ok(t.calls == 407 && t.tokens_in == 407 * 1000 && t.tokens_out == 407 * 20 && fabs(t.cost - 407 * 0.25) < 1e-9,
       "sums are of all records, superseded ones too");
    call_journal_close(j);
    FILE *f = fopen(path, "w");
    fputs("{\"question_id\": 1}\n", f);
    fclose(f);
    ok(!call_journal_open(path, &m, &err) && err.kind == ERR_FORMAT, "another file is not taken for a journal: %s", err.text);
    struct buf head = {0};
    manifest_put_head(&head, "turns", &m);
    f = fopen(path, "w");
    fprintf(f, "%s\n", head.data);
    fclose(f);
    ok(!call_journal_open(path, &m, &err) && strstr(err.text, "is a journal of turns and not of calls"), "nor is that of a local model: %s",
       err.text);
    buf_free(&head);
    unlink(path);
    manifest_free(&m);
}

static void test_unkept(void)
{
    struct err err = {0};
    struct manifest m = {0};
    manifest_add(&m, false, "judge", "j");
    struct call_journal *j = call_journal_open(own("unkept.journal"), &m, &err);
    struct call_record good = sample("good", 1, CALL_OK), bad = sample("bad", 1, CALL_OK);
    bad.sent = "{\"temperature\": ";     /* half an object: the line would not read back */
    call_journal_add(j, &bad);
    call_journal_add(j, &good);
    ok(call_journal_sync(j, &err) < 0 && err.kind == ERR_FORMAT && strstr(err.text, "could not be kept"),
       "a reply that is lost is told: %s", err.text);
    call_journal_close(j);
    j = call_journal_open(own("unkept.journal"), &m, &err);
    ok(j && call_journal_records(j) == 1 && call_journal_find(j, "good", 1), "what came with it is kept, and the journal whole");
    call_journal_close(j);
    manifest_free(&m);
}

static int count_them(void *ctx, const struct call_record *r, bool counts)
{
    int *n = ctx;
    n[0] += counts;
    n[1] += r->status == CALL_FAILED;
    return 0;
}

static void test_each(void)
{
    char path[512];
    struct manifest m = {0};
    struct err err = {0};
    snprintf(path, sizeof path, "%s", own("calls-each"));
    struct call_journal *j = call_journal_open(path, &m, &err);
    struct call_record r[] = {sample("a", 1, CALL_FAILED), sample("a", 1, CALL_OK), sample("a", 1, CALL_OK), sample("a", 2, CALL_FILTERED)};
    r[2].judge = "the other";
    for (int i = 0; i < 4; i++)
        call_journal_append(j, &r[i], &err);
    call_journal_close(j);
    j = call_journal_peek(path, &err);
    int n[2] = {0};
    ok(j && call_journal_records(j) == 4 && call_journal_each(j, count_them, n) == 0 && n[0] == 2 && n[1] == 1,
       "four records, two of them the last word");
    ok(call_journal_stood_in(j, "a", "the other") && !call_journal_stood_in(j, "a", "a third") &&
           !call_journal_stood_in(j, "b", "the other"),
       "who stood in for whom is remembered");
    call_journal_close(j);
    unlink(path);
    manifest_free(&m);
}

int main(void)
{
    test_record();
    test_key();
    test_content();
    test_journal();
    test_each();
    test_unkept();
    return done_testing();
}
