/* hub_web.c - a repository's files from a server with the hub's paths, and what the server's refusals mean. */
#include "hub_source.h"

#include "mtbench/buf.h"
#include "mtbench/download.h"
#include "mtbench/hubcache.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_LIST = 64 << 20 }; /* bytes of a list of files: the largest repositories have some megabytes */

/* ---- what the environment says ---- */

static bool is_true(const char *name) /* as huggingface_hub reads its variables */
{
    static const char *const word[] = { "1", "ON", "YES", "TRUE" };
    const char *value = getenv(name);
    for (size_t i = 0; value && i < sizeof word / sizeof *word; i++)
        if (!strcasecmp(value, word[i]))
            return true;
    return false;
}

static const char *token_name(void)
{
    return hub_variable("HF_TOKEN") ? "HF_TOKEN" : "HUGGING_FACE_HUB_TOKEN";
}

/* Blanks and line ends around it are of the file that it was copied from. */
static int read_token(struct hub_source *s, struct err *err)
{
    const char *value = is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? NULL : hub_variable(token_name());
    size_t n;
    if (!value)
        return 0;
    value += strspn(value, " \t\r\n");
    for (n = strlen(value); n && strchr(" \t\r\n", value[n - 1]); n--)
        ;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)value[i])) /* it goes into a header line */
            return err_set(err, ERR_USAGE, "%s: a token is letters and digits without blanks; set the right one", token_name());
    s->token = xstrndup(value, n);
    return 0;
}

int hub_web_open(struct hub_source *s, const char *endpoint, struct err *err)
{
    static const char *const offline[] = { "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE" };
    const char *at = endpoint ? endpoint : hub_variable("HF_ENDPOINT");
    const char *who = endpoint ? "--from" : "HF_ENDPOINT";
    if (!at)
        at = "https://huggingface.co";
    size_t n = strlen(at);
    while (n && at[n - 1] == '/')
        n--;
    for (int i = 0; i < 2; i++)
        if (is_true(offline[i])) {
            s->code = EXIT_PREFLIGHT;
            return err_set(err, ERR_DEVICE, "%s: is set, so nothing is fetched; unset it, or give a folder with --from", offline[i]);
        }
    if (strncmp(at, "http://", 7) && strncmp(at, "https://", 8))
        return err_set(err, ERR_USAGE, "%s %.200s: is no URL; it begins with https:// or http://", who, at);
    s->endpoint = xstrndup(at, n);
    s->shown = download_shown(s->endpoint);
    if (*s->shown && s->shown[strlen(s->shown) - 1] == '/') /* a URL of a host alone gets one */
        s->shown[strlen(s->shown) - 1] = '\0';
    /* A server named for one command is no place that the token was made for; who trusts it with one says so by HF_ENDPOINT. */
    s->mirror = endpoint != NULL;
    return s->mirror ? 0 : read_token(s, err);
}

/* ---- addresses ---- */

/* As Python's quote(): what is not of a name is written as %XX; 'keep' stays. */
static void put_quoted(struct buf *b, const char *s, const char *keep)
{
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("_.-~", *s) || strchr(keep, *s))
            buf_char(b, *s);
        else
            buf_printf(b, "%%%02X", (unsigned char)*s);
    }
}

static char *list_url(const struct hub_source *s)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s/api/models/%s/revision/", s->endpoint, s->model);
    put_quoted(&b, s->revision, ""); /* "refs/pr/1" is one part there */
    buf_str(&b, "?blobs=true");
    return buf_steal(&b);
}

/* By the commit: what the branch means may change while we fetch. */
static char *file_url(const struct hub_source *s, const struct hub_repo *repo, const struct hub_file *f)
{
    struct buf b = { 0 };
    buf_printf(&b, "%s/%s/resolve/%s/", s->endpoint, s->model, repo->commit);
    put_quoted(&b, f->path, "/");
    return buf_steal(&b);
}

/* ---- what refusals mean ---- */

/* How to be asked with a token. */
static const char *token_way(const struct hub_source *s)
{
    return s->mirror ? "set HF_TOKEN, and HF_ENDPOINT in the place of --from, which is sent no token" : "set HF_TOKEN";
}

static int refused_token(const struct hub_source *s, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: %s does not know this token; make one at %s/settings/tokens", token_name(), s->shown, s->shown);
}

static int refused_gated(const struct hub_source *s, struct err *err)
{
    if (s->token)
        return err_set(
            err, ERR_USAGE,
            "--model %s: gated, and the account of %s has no access yet; accept the licence at %s/%s with that account, and let the "
            "token read gated repositories",
            s->model, token_name(), s->shown, s->model);
    return err_set(err, ERR_USAGE, "--model %s: gated; accept the licence at %s/%s, then with a token of that account %s", s->model,
                   s->shown, s->model, token_way(s));
}

static int refused_unknown(const struct hub_source *s, struct err *err)
{
    if (s->token)
        return err_set(err, ERR_USAGE, "--model %s: %s has no such repository, or a private one; check the name, and whether HF_TOKEN "
                       "may read it", s->model, s->shown);
    return err_set(err, ERR_USAGE, "--model %s: %s has no such repository, or a private one; check the name; if it is private or gated, %s",
                   s->model, s->shown, token_way(s));
}

/* One line for what the server's status and its X-Error-Code say; others stay as they are. */
static int explain(struct hub_source *s, const struct hub_repo *repo, const struct download_reply *r, struct err *err)
{
    char code[64], said[200];
    download_header(r, "X-Error-Code", code, sizeof code);
    download_header(r, "X-Error-Message", said, sizeof said);
    for (char *c = said; *c; c++) /* a server's words end on a terminal */
        if (!isprint((unsigned char)*c))
            *c = ' ';
    if (s->token && strstr(said, s->token)) /* some proxies write what they were asked */
        *said = '\0';
    if (err->kind != ERR_DEVICE)
        return -1;
    s->code = r->status == 401 || r->status == 403 ? EXIT_PREFLIGHT : r->status == 404 ? EXIT_INPUT : EXIT_FAILURES;
    switch (r->status) {
    case 401:
        if (!strcmp(said, "Invalid credentials in Authorization header"))
            return refused_token(s, err);
        return !strcmp(code, "GatedRepo") || (repo && repo->gated) ? refused_gated(s, err) : refused_unknown(s, err);
    case 403:
        if (!strcmp(code, "GatedRepo") || (repo && repo->gated))
            return refused_gated(s, err);
        return err_set(err, ERR_USAGE, "--model %s: %s forbids it%s%s; with a token that may read it %s", s->model, s->shown,
                       *said ? ": " : "", said, token_way(s));
    case 404:
        if (!strcmp(code, "RevisionNotFound"))
            return err_set(err, ERR_USAGE, "--revision %s: %s has no such branch, tag or commit; see %s/%s", s->revision, s->model,
                           s->shown, s->model);
        /* Behind its list the repository is known: a mirror without a code lacks the file. */
        return !strcmp(code, "EntryNotFound") || (repo && !*code) ? -1 : refused_unknown(s, err);
    case 429:
        return err_set(err, ERR_DEVICE, "--model %s: %s was asked too often; wait some minutes, then start again to go on%s", s->model,
                       s->shown, s->token || s->mirror ? "" : " (with HF_TOKEN set it allows more)");
    default:
        return -1;
    }
}

/* ---- asking ---- */

int hub_web_list(struct hub_source *s, struct hub_repo *repo, struct err *err)
{
    char *url = list_url(s);
    struct buf text = { 0 };
    struct download_reply reply = { 0 };
    const struct download_text t = {
        .url = url, .bearer = s->token, .limit = MOST_LIST, .progress = s->watch.progress, .ctx = s->watch.ctx, .reply = &reply
    };
    s->code = EXIT_FAILURES;
    int rc = download_text(&t, &text, err);
    if (rc < 0)
        explain(s, NULL, &reply, err);
    else if ((rc = hub_repo_parse(text.data ? text.data : "", text.len, repo, err)) < 0) {
        err_wrap(err, "%s/api/models/%s", s->shown, s->model);
        err_advise(err, "is that a server with the hub's paths?");
    }
    buf_free(&text);
    buf_free(&reply.header);
    free(url);
    return rc;
}

/* The hub's etag is the hash; W/"..." of another server is not. */
static void take_etag(struct hub_file *f, char *etag)
{
    size_t n = strlen(etag);
    if (n >= 2 && etag[0] == '"' && etag[n - 1] == '"') {
        etag[n - 1] = '\0';
        etag++;
    }
    n = strlen(etag);
    if (strspn(etag, "0123456789abcdef") != n)
        return;
    if (n == 64 && !f->sha256)
        f->sha256 = xstrdup(etag);
    else if (n == 40 && !f->git_sha1)
        f->git_sha1 = xstrdup(etag);
}

int hub_web_state(struct hub_source *s, const struct hub_repo *repo, struct hub_file *f, struct err *err)
{
    char *url = file_url(s, repo, f), etag[200], length[32];
    struct download_reply reply = { 0 };
    const struct download_text t = { .url = url, .bearer = s->token, .progress = s->watch.progress, .ctx = s->watch.ctx, .reply = &reply };
    int rc = download_text(&t, NULL, err);
    if (rc < 0) {
        explain(s, repo, &reply, err);
    } else {
        if (!*download_header(&reply, "X-Linked-Etag", etag, sizeof etag))
            download_header(&reply, "ETag", etag, sizeof etag);
        if (!*download_header(&reply, "X-Linked-Size", length, sizeof length) && reply.status < 300)
            download_header(&reply, "Content-Length", length, sizeof length);
        take_etag(f, etag);
        if (f->size < 0 && *length && strlen(length) < 16 && strspn(length, "0123456789") == strlen(length))
            f->size = atoll(length);
    }
    buf_free(&reply.header);
    free(url);
    return rc;
}

int hub_web_bring(struct hub_source *s, const struct hub_repo *repo, const struct hub_file *f, const char *part, const char *path,
                  struct err *err)
{
    char *url = file_url(s, repo, f);
    struct download_reply reply = { 0 };
    const struct download d = {
        .url = url,
        .path = path,
        .part = part,
        .size = f->size,
        .sha256 = f->sha256,
        .git_sha1 = f->git_sha1,
        .bearer = s->token,
        .progress = s->watch.progress,
        .ctx = s->watch.ctx,
        .reply = &reply,
    };
    s->code = EXIT_FAILURES;
    int rc = download_file(&d, err);
    if (rc < 0)
        explain(s, repo, &reply, err);
    buf_free(&reply.header);
    free(url);
    return rc;
}

void hub_source_close(struct hub_source *s)
{
    free(s->endpoint);
    free(s->shown);
    free(s->token);
    free(s->folder);
}
