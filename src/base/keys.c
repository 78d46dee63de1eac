/* keys.c - members of a JSON object against a table of what is known of them. */
#include "mtbench/keys.h"

#include "mtbench/log.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MAX_UNKNOWN = 200 };               /* bytes of names in a note: enough to see what kind of file it is */

const struct key *keys_find(struct keys t, const char *name)
{
    for (size_t i = 0; i < t.n; i++)
        if (!strcmp(t.key[i].name, name))
            return &t.key[i];
    return NULL;
}

static bool of_type(const cJSON *j, char type)
{
    switch (tolower(type)) {
    case 'i': return cJSON_IsNumber(j) && j->valuedouble == floor(j->valuedouble);
    case 'f': return cJSON_IsNumber(j);
    case 'b': return cJSON_IsBool(j);
    case 's': return cJSON_IsString(j);
    case 'o': return cJSON_IsObject(j);
    case 'a': return cJSON_IsArray(j);
    default: return true;
    }
}

/* Nothing there, an empty list or block, a number that means "off", or rotary positions by their names. */
static bool is_off(const cJSON *j, const struct key *k)
{
    if (cJSON_IsFalse(j) || ((cJSON_IsArray(j) || cJSON_IsObject(j)) && !j->child))
        return true;
    if (cJSON_IsString(j) && k->type == 'r')
        return !strcmp(j->valuestring, "rope") || !strcmp(j->valuestring, "rotary") || !strcmp(j->valuestring, "absolute");
    if (cJSON_IsString(j))
        return !*j->valuestring;
    return cJSON_IsNumber(j) && (j->valuedouble == k->off || j->valuedouble == k->also);
}

static int check_one(const cJSON *j, const struct key *k, const char *what, struct err *err)
{
    static const char *const kind[128] = { ['i'] = "whole number", ['f'] = "number", ['b'] = "true or false", ['s'] = "text",
                                           ['o'] = "block of keys", ['a'] = "list" };
    if (cJSON_IsNull(j) && !isupper(k->type))
        return 0;
    if (k->use == KEY_READ && !of_type(j, k->type))
        return err_set(err, ERR_FORMAT, "%s is no %s; correct the file", k->name, kind[tolower(k->type) & 127]);
    if (k->use != KEY_OFF || is_off(j, k))
        return 0;
    char *value = cJSON_PrintUnformatted(j);
    err_set(err, ERR_MODEL, "%s is %.*s; %s with it is not supported", k->name, value ? utf8_fit(value, 60) : 9,
            value ? value : "something", what);
    cJSON_free(value);
    return -1;
}

/* 'names' is "a, b, c". */
static bool listed(const struct buf *names, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = names->len ? names->data : NULL; p; p = strstr(p, ", ") ? strstr(p, ", ") + 2 : NULL)
        if (!strncmp(p, name, n) && (!p[n] || p[n] == ','))
            return true;
    return false;
}

static void notice(struct buf *unknown, const char *name)
{
    if (unknown && unknown->len < MAX_UNKNOWN && !listed(unknown, name))
        buf_printf(unknown, "%s%.*s", unknown->len ? ", " : "", utf8_fit(name, 40), name);
}

int keys_check(struct keys t, const cJSON *object, const char *what, struct buf *unknown, struct err *err)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, object)
    {
        const struct key *k = keys_find(t, j->string);
        if (k && check_one(j, k, what, err) < 0)
            return -1;
        if (!k && !cJSON_IsNull(j) && !(t.beside && keys_find(*t.beside, j->string))) /* null is nobody's wish */
            notice(unknown, j->string);
    }
    for (size_t i = 0; i < t.n; i++)
        if (isupper(t.key[i].type) && !json_get(object, t.key[i].name))
            return err_set(err, ERR_FORMAT, "\"%s\" is missing, and %s needs it; correct the file", t.key[i].name, what);
    return 0;
}

void keys_note(const char *file, const struct buf *unknown)
{
    if (unknown->len)
        log_note("%s has keys that this program does not know, and computes as if they were not there: %s", file, unknown->data);
}
