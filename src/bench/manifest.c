/* manifest.c - what a run was made with. */
#include "mtbench/manifest.h"

#include "mtbench/json_scan.h"
#include "mtbench/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };                    /* of the journals' records: a reader of another one would misread them */

void manifest_add(struct manifest *m, bool identity, const char *name, const char *fmt, ...)
{
    va_list ap;
    char *value = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&value, fmt, ap);
    va_end(ap);
    m->entry = xrealloc(m->entry, (size_t)m->n + 1, sizeof *m->entry);
    /* Out of memory in vasprintf: 'value' is undefined then. */
    m->entry[m->n++] = (struct manifest_entry){ xstrdup(name), n < 0 ? xstrdup("") : value, identity };
}

void manifest_free(struct manifest *m)
{
    for (int i = 0; i < m->n; i++) {
        free(m->entry[i].name);
        free(m->entry[i].value);
    }
    free(m->entry);
    *m = (struct manifest){0};
}

static void put_entries(struct buf *b, const struct manifest *m, bool identity)
{
    bool first = true;
    /* Two objects and not a flag per entry: people read this line, and see at once what binds a resumption. */
    buf_char(b, '{');
    for (int i = 0; i < m->n; i++) {
        /* two passes over one list keep the order in which entries were added */
        if (m->entry[i].identity != identity)
            continue;
        buf_str(b, first ? "" : ", ");
        json_put_string(b, m->entry[i].name, strlen(m->entry[i].name));
        buf_str(b, ": ");
        json_put_string(b, m->entry[i].value, strlen(m->entry[i].value));
        first = false;
    }
    buf_char(b, '}');
}

static void put_members(struct buf *b, const struct manifest *m)
{
    buf_str(b, "\"identity\": ");
    put_entries(b, m, true);
    buf_str(b, ", \"info\": ");
    put_entries(b, m, false);
    buf_str(b, "}");
}

char *manifest_value(const char *line, const char *name)
{
    cJSON *root = json_parse(line, strlen(line), NULL); /* of a line that is none: no value */
    const cJSON *v = json_get(json_get(root, "identity"), name);
    if (!v)
        v = json_get(json_get(root, "info"), name);
    char *value = cJSON_IsString(v) ? xstrdup(v->valuestring) : NULL;
    cJSON_Delete(root);
    return value;
}

void manifest_put(struct buf *b, const struct manifest *m)
{
    buf_char(b, '{');
    put_members(b, m);
}

void manifest_put_head(struct buf *b, const char *kind, const struct manifest *m)
{
    /* In front, where `head -c 80` shows them. */
    buf_printf(b, MANIFEST_HEAD "\"%s\", \"version\": %d, ", kind, VERSION);
    put_members(b, m);
}

int manifest_check(const char *line, size_t n, const char *kind, struct err *err)
{
    struct json_member m[] = { { "identity", {0} }, { "journal", {0} }, { "version", {0} } };
    struct json_text text;
    int64_t version = VERSION;           /* a journal that does not say is of version 1 */
    if (json_scan_members(line, n, m, 3, NULL) < 0 || !m[0].value.ptr || *m[0].value.ptr != '{')
        return err_set(
            err, ERR_FORMAT,
            "is no journal of mtbench: its first line is no manifest; it was left as it is, choose another name for the answers");
    if (json_member_string(m[1].value, &text) && !json_text_is(&text, kind))
        return err_set(err, ERR_FORMAT,
                       "is a journal of %.*s and not of %s: another kind of run keeps its records there; choose another name",
                       (int)(text.len < 40 ? text.len : 40), text.ptr, kind);
    /* A journal without a version is of version 1. */
    if (m[2].value.ptr && (!json_member_whole(m[2].value, &version) || version != VERSION))
        return err_set(err, ERR_FORMAT,
                       "is a journal of another version (%.*s, this program knows %d); go on with the mtbench that wrote it",
                       (int)(m[2].value.len < 20 ? m[2].value.len : 20), m[2].value.ptr, VERSION);
    return 0;
}

int manifest_differences(const struct manifest *now, const cJSON *stored, struct buf *out)
{
    /* Only what 'now' has is compared: a journal is opened before the weights are read, with a part of the manifest, and asked again
     * with all. */
    const cJSON *identity = json_get(stored, "identity"), *info = json_get(stored, "info");
    int n = 0;
    for (int i = 0; i < now->n; i++) {
        const struct manifest_entry *e = &now->entry[i];
        /* Looked for in both: an entry that counted as information when the journal was written binds now as well. */
        const cJSON *inside = json_get(identity, e->name), *old = inside ? inside : json_get(info, e->name);
        const char *was = cJSON_IsString(old) ? old->valuestring : "(not recorded)";
        if (e->identity && strcmp(was, e->value))
            /* Cut to 80 bytes each: a system prompt may be long. */
            buf_printf(out, "%s%s was %.*s and is %.*s", n++ ? ", " : "", e->name, utf8_fit(was, 80), was, utf8_fit(e->value, 80),
                       e->value);
    }
    return n;
}

int manifest_compare(const struct manifest *now, const cJSON *stored, struct err *err)
{
    struct buf b = {0};
    int rc = manifest_differences(now, stored, &b) == 0
                 ? 0
                 : err_set(err, ERR_USAGE,
                           "answers under this id were made otherwise: %s; use another --model-id, or --fresh to answer again", b.data);
    buf_free(&b);
    return rc;
}
