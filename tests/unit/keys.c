/* keys.c - members of an object against a table: types, what must be off, what must be there, what nobody knows. */
#include "mtbench/keys.h"

#include "tap.h"

#include <string.h>

static const struct key key[] = {
    READ_KEY("n", 'i'), READ_KEY("x", 'f'), READ_KEY("b", 'b'), READ_KEY("s", 's'), READ_KEY("o", 'o'), READ_KEY("a", 'a'),
    READ_KEY("any", '*'), IDLE_KEY("idle"), OFF_KEY("off", 1, 2),
    {"place", KEY_OFF, 'r', 0, 0},
};
static const struct key strict[] = { READ_KEY("must", 'S'), READ_KEY("may", 's') };

static const struct {
    const char *json, *says, *unknown;                /* says: part of the error; NULL: fine */
} plain[] = {
    {"{\"n\": 3, \"x\": 0.5, \"b\": false, \"s\": \"\", \"o\": {}, \"a\": [], \"any\": [1], \"idle\": {\"z\": 1}}", NULL, ""},
    {"{\"n\": null, \"x\": null, \"b\": null, \"s\": null, \"o\": null, \"a\": null, \"off\": null}", NULL, ""},
    {"{\"n\": 3.5}", "n is no whole number", NULL},
    {"{\"x\": \"1\"}", "x is no number", NULL},
    {"{\"b\": 1}", "b is no true or false", NULL},
    {"{\"s\": 1}", "s is no text", NULL},
    {"{\"o\": []}", "o is no block of keys", NULL},
    {"{\"a\": {}}", "a is no list", NULL},
    {"{\"off\": false}", NULL, ""},
    {"{\"off\": 1}", NULL, ""},
    {"{\"off\": 2}", NULL, ""},
    {"{\"off\": \"\"}", NULL, ""},
    {"{\"off\": []}", NULL, ""},
    {"{\"off\": {}}", NULL, ""},
    {"{\"off\": 0}", "off is 0; a thing with it is not supported", NULL},
    {"{\"off\": true}", "off is true", NULL},
    {"{\"off\": \"rope\"}", "off is \"rope\"", NULL},
    {"{\"off\": [0]}", "off is [0]", NULL},
    {"{\"place\": \"rope\"}", NULL, ""},
    {"{\"place\": \"alibi\"}", "place is \"alibi\"", NULL},
    {"{\"y\": 1, \"n\": 1, \"zed\": 2, \"none\": null}", NULL, "y, zed"},
    {"{\"zed\": 1, \"zed\": 2, \"ze\": 3, \"zed\": 4}", NULL, "zed, ze"},
};

static void check(struct keys t, const char *json, const char *says, const char *unknown)
{
    struct err err = { 0 };
    struct buf names = { 0 };
    cJSON *j = json_parse(json, strlen(json), &err);
    int rc = keys_check(t, j, "a thing", &names, &err);
    if (says)
        ok(rc < 0 && strstr(err.text, says), "%s: %s", json, rc < 0 ? err.text : "taken");
    else
        ok(rc == 0 && !strcmp(names.len ? names.data : "", unknown), "%s: unknown are \"%s\"", json, names.len ? names.data : "");
    buf_free(&names);
    cJSON_Delete(j);
}

int main(void)
{
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        check(KEYS(key), plain[i].json, plain[i].says, plain[i].unknown);
    const struct keys other = KEYS(strict), both = { key, sizeof key / sizeof *key, &other };
    check(both, "{\"may\": 1, \"zed\": 2}", NULL, "zed");                 /* whatever a name of another file says is that file's business */
    check(KEYS(strict), "{\"must\": \"\"}", NULL, "");
    check(KEYS(strict), "{\"may\": \"x\"}", "\"must\" is missing, and a thing needs it", NULL);
    check(KEYS(strict), "{\"must\": null}", "must is no text", NULL);
    ok(keys_find(KEYS(key), "idle")->use == KEY_IDLE && !keys_find(KEYS(key), "idl"), "rows by name");
    struct buf many = { 0 };
    struct err err;
    cJSON *j = cJSON_CreateObject();
    for (int i = 0; i < 1000; i++) {
        char name[24];
        snprintf(name, sizeof name, "\xc3\xa9name-%d", i);
        cJSON_AddNullToObject(j, name)->type = cJSON_True;
    }
    ok(keys_check(KEYS(key), j, "a thing", &many, &err) == 0 && many.len < 300 && utf8_bad(many.data, many.len) < 0,
       "a thousand are %zu bytes", many.len);
    cJSON_Delete(j);
    buf_free(&many);
    return done_testing();
}
