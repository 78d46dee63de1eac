/* manifest.c - what a run was made with, written, read back, and compared by name. */
#include "mtbench/manifest.h"

#include "tap.h"

#include <string.h>

int main(void)
{
    struct manifest was = {0}, is = {0};
    struct buf b = {0};
    struct err err = {0};
    manifest_add(&was, true, "seed", "%d", 0);
    manifest_add(&was, false, "program", "%s", "mtbench 0.1");
    manifest_add(&was, true, "template", "%s", "own \"\u00e9\"");
    manifest_put(&b, &was);
    ok(!strcmp(b.data,
               "{\"identity\": {\"seed\": \"0\", \"template\": \"own \\\"\\u00e9\\\"\"}, \"info\": {\"program\": \"mtbench 0.1\"}}"),
       "%s", b.data);
    cJSON *stored = json_parse(b.data, b.len, &err);
    ok(manifest_compare(&was, stored, &err) == 0, "equal to itself");
    manifest_add(&is, true, "seed", "%d", 5);
    manifest_add(&is, false, "program", "%s", "mtbench 0.2");
    manifest_add(&is, true, "template", "%s", "file x");
    manifest_add(&is, true, "numerics", "%s", "v2");
    ok(manifest_compare(&is, stored, &err) == -1 && err.kind == ERR_USAGE && strstr(err.text, "seed was 0 and is 5") &&
           strstr(err.text, "is file x") && strstr(err.text, "numerics was (not recorded) and is v2") && !strstr(err.text, "program") &&
           strstr(err.text, "; use another"),
       "%s", err.text);
    struct buf words = {0};
    ok(manifest_differences(&was, stored, &words) == 0 && words.len == 0 && manifest_differences(&is, stored, &words) == 3 &&
           !strncmp(words.data, "seed was 0 and is 5, template was own \"\u00e9\" and is file x, numerics was", 40),
       "three differ: %s", words.data ? words.data : "");
    buf_free(&words);
    cJSON_Delete(stored);
    stored = json_parse("[1]", 3, &err);
    ok(manifest_compare(&was, stored, &err) == -1, "what is no manifest differs: %s", err.text);
    cJSON_Delete(stored);
    manifest_free(&was);
    manifest_free(&was);
    manifest_free(&is);
    ok(was.n == 0 && !was.entry, "freed twice");
    buf_free(&b);
    return done_testing();
}
