/* batch.c - calls by files: what is exported parses and carries ids; results in any order, from several files, doubled, of older prompts or
 * of nobody. */
#include "folder.h"
#include "tap.h"

#include "mtbench/batch.h"
#include "mtbench/io.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct call_message message = { "user", "rate \"this\"\n" };

static struct call make(const char *key)
{
    struct call c = { .key = key, .message = &message, .n_messages = 1, .max_tokens = 2048, .verdict = -1 };
    c.content = call_content(&c);
    return c;
}

static int lines_of(const char *path)
{
    struct buf b = {0};
    struct err err;
    int n = 0;
    if (io_read(path, &b, &err) < 0)
        return -1;
    for (size_t i = 0; i < b.len; i++)
        n += b.data[i] == '\n';
    buf_free(&b);
    return n;
}

static void test_export(const char *provider)
{
    struct err err = {0};
    struct endpoint e = { .provider = provider_find(provider, &err), .url = "http://h", .model = "gpt-4", .key = "top-secret-key" };
    struct transport *t = batch_export_create(&(struct batch_export_opts){ &e, own("sub/out.jsonl") }, &err);
    char key[16];
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "q%d", i);
        struct call c = make(key);
        if (t->room(t->ctx) > 0)
            t->submit(t->ctx, &c);
    }
    ok(t->step(t->ctx, 0, &err) == 0 && !t->collect(t->ctx) && batch_export_count(t) == 300, "%s: 300 calls are written, none is answered",
       provider);
    ok(access(own("sub/out.jsonl"), F_OK) < 0, "the file is not there before it is whole");
    ok(batch_export_finish(t, &err) == 0 && batch_export_files(t) == 1 && lines_of(own("sub/out.jsonl")) == 300,
       "then it has 300 lines");
    t->destroy(t->ctx);
    struct buf b = {0};
    io_read(own("sub/out.jsonl"), &b, &err);
    ok(!strstr(b.data, "top-secret-key"), "and not the key");
    cJSON *line = cJSON_ParseWithOpts(b.data, NULL, 0);
    const cJSON *id = json_get(line, "custom_id"), *body = json_get(line, !strcmp(provider, "anthropic") ? "params" : "body");
    struct call c = make("q0");
    char want[32];
    snprintf(want, sizeof want, "q0-%08x", (unsigned)(c.content & 0xffffffff));
    ok(cJSON_IsString(id) && !strcmp(id->valuestring, want) && cJSON_IsArray(json_get(body, "messages")) &&
           json_get(body, "max_tokens")->valueint == 2048,
       "a line has id and request");
    cJSON_Delete(line);
    buf_free(&b);
    unlink(own("sub/out.jsonl"));
}

static void test_split(void)
{
    struct err err = {0};
    struct provider small = *provider_find("openai", &err);
    small.batch_lines = 4;
    struct endpoint e = { .provider = &small, .url = "http://h", .model = "m" };
    struct transport *t = batch_export_create(&(struct batch_export_opts){ &e, own("split.jsonl") }, &err);
    for (int i = 0; i < 10; i++) {
        struct call c = make("k");
        t->submit(t->ctx, &c);
    }
    ok(batch_export_finish(t, &err) == 0 && batch_export_files(t) == 3, "ten calls at four a batch make three files");
    ok(lines_of(own("split.jsonl")) == 4 && lines_of(own("split-2.jsonl")) == 4 && lines_of(own("split-3.jsonl")) == 2,
       "named by number");
    char *left = batch_export_leftover(t);
    ok(!left, "no other part is there");
    t->destroy(t->ctx);
    t = batch_export_create(&(struct batch_export_opts){ &e, own("split.jsonl") }, &err);
    struct call one = make("k");
    t->submit(t->ctx, &one);
    int rc = batch_export_finish(t, &err);
    left = batch_export_leftover(t);
    ok(rc == 0 && batch_export_files(t) == 1 && left && !strcmp(left, own("split-2.jsonl")),
       "a smaller export names the part of the larger one that still lies there: %s", left ? left : "none");
    free(left);
    t->destroy(t->ctx);
    t = batch_export_create(&(struct batch_export_opts){ &e, own("dropped.jsonl") }, &err);
    t->destroy(t->ctx);
    ok(access(own("dropped.jsonl"), F_OK) < 0 && access(own("dropped.jsonl.tmp"), F_OK) < 0, "without finish nothing stays");
    ok(!batch_export_create(&(struct batch_export_opts){&e, "/proc/none/x"}, &err) && err.kind == ERR_IO, "what cannot be written: %s",
       err.text);
}

/* A line of OpenAI's result file for call 'key'. */
static void put_result(FILE *f, const char *key, const char *text, long code)
{
    struct call c = make(key);
    if (code == 200)
        fprintf(f,
                "{\"custom_id\":\"%s-%08x\",\"response\":{\"status_code\":200,\"request_id\":\"r\",\"body\":{\"choices\":[{\"message\":{"
                "\"content\":\"%s\"},\"finish_reason\":"
                "\"stop\"}],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}},\"error\":null}\n",
                key, (unsigned)(c.content & 0xffffffff), text);
    else
        fprintf(f, "{\"custom_id\":\"%s-%08x\",\"response\":null,\"error\":{\"code\":\"batch_expired\",\"message\":\"%s\"}}\n", key,
                (unsigned)(c.content & 0xffffffff), text);
}

static const struct call_record *answer(struct transport *t, const char *key)
{
    struct call c = make(key);
    t->submit(t->ctx, &c);
    return t->collect(t->ctx);
}

static void test_import(void)
{
    struct err err = {0};
    struct endpoint e = { .provider = provider_find("openai", &err), .url = "http://h", .model = "m" };
    FILE *a = fopen(own("errors.jsonl"), "w"), *b = fopen(own("results.jsonl"), "w");
    put_result(a, "both", "late", 0);
    put_result(a, "expired", "late", 0);
    put_result(b, "second", "[[2]]", 200);
    fputs("\n", b);
    put_result(b, "both", "[[3]]", 200);
    put_result(b, "first", "[[1]]", 200);
    put_result(b, "nobody", "[[9]]", 200);
    fputs("{\"custom_id\":\"old-00000000\",\"response\":null,\"error\":{\"code\":\"x\"}}\n", b);
    fclose(a);
    fclose(b);
    const char *path[] = { own("errors.jsonl"), own("results.jsonl") };
    struct transport *t =
        batch_import_create(&(struct batch_import_opts){.endpoint = &e, .path = path, .n = 2, .price_in = 10, .price_out = 30}, &err);
    ok(t != NULL, "result and error files are read");
    const struct call_record *r = answer(t, "first");
    ok(r && r->status == CALL_OK && !strcmp(r->text, "[[1]]") && r->content == make("first").content && r->tokens_in == 1000 &&
           r->tokens_out == 100 && r->cost == 0.013,
       "a call is answered by its id, with tokens and cost");
    r = answer(t, "second");
    ok(r && !strcmp(r->text, "[[2]]") && !strcmp(r->request_id, "r"), "whatever the order");
    r = answer(t, "both");
    ok(r && r->status == CALL_OK && !strcmp(r->text, "[[3]]"), "a result goes before an error");
    r = answer(t, "expired");
    ok(r && r->status == CALL_FAILED && strstr(r->reason, "batch_expired"), "an expired request failed: %s", r->reason);
    r = answer(t, "missing");
    ok(r && r->status == CALL_FAILED && strstr(r->reason, "no result"), "so did one that nobody answered: %s", r->reason);
    r = answer(t, "old");
    ok(r && r->status == CALL_FAILED && strstr(r->reason, "another prompt"), "and one whose prompt has changed since: %s", r->reason);
    r = answer(t, "sec");
    ok(r && strstr(r->reason, "no result"), "the beginning of an id is not the id");
    int n_ids = 0, first = 0;
    for (const char *id; (id = batch_import_id(t, n_ids)); n_ids++) {
        size_t n = 0;
        uint32_t content = 0;
        bool split = batch_id_split(id, &n, &content);
        first += split && n == 5 && !strncmp(id, "first", 5) && content == (uint32_t)make("first").content;
    }
    ok(!t->collect(t->ctx) && n_ids == 6 && first == 1 && !batch_id_split("x-0000000", &(size_t){0}, &(uint32_t){0}) &&
           !batch_id_split("-00000000", &(size_t){0}, &(uint32_t){0}),
       "every id is listed once, with its key and content: %d", n_ids);
    t->destroy(t->ctx);

    a = fopen(own("errors.jsonl"), "a");
    fputs("{\"custom_id\":\"x\"\n", a);
    fclose(a);
    ok(!batch_import_create(&(struct batch_import_opts){.endpoint = &e, .path = path, .n = 2, .price_in = -1, .price_out = -1}, &err) &&
           err.kind == ERR_FORMAT && strstr(err.text, "errors.jsonl:3"),
       "a broken line is named: %s", err.text);
}

int main(void)
{
    test_export("openai");
    test_export("anthropic");
    test_split();
    test_import();
    return done_testing();
}
