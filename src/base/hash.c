/* hash.c - SHA-256 and SHA-1, by OpenSSL. */
#include "mtbench/hash.h"

#include "mtbench/mem.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* The context of OpenSSL stays inside, so that no other file needs its headers. */
struct sha256 {
    EVP_MD_CTX *ctx;                     /* owned */
};

struct git_blob {
    EVP_MD_CTX *ctx;                     /* owned */
};

static EVP_MD_CTX *begin(const EVP_MD *kind)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_DigestInit_ex(ctx, kind, NULL);
    return ctx;
}

struct sha256 *sha256_begin(void)
{
    struct sha256 *h = xcalloc(1, sizeof *h);
    h->ctx = begin(EVP_sha256());
    return h;
}

void sha256_add(struct sha256 *h, const void *data, size_t n)
{
    EVP_DigestUpdate(h->ctx, data, n);
}

struct sha256 *sha256_copy(const struct sha256 *h)
{
    struct sha256 *copy = sha256_begin();
    EVP_MD_CTX_copy_ex(copy->ctx, h->ctx);
    return copy;
}

void sha256_end(struct sha256 *h, uint8_t digest[32])
{
    EVP_DigestFinal_ex(h->ctx, digest, NULL);
    EVP_MD_CTX_free(h->ctx);
    free(h);                             /* ended is freed: a digest is taken once */
}

void sha256(const void *data, size_t n, uint8_t digest[32])
{
    struct sha256 *h = sha256_begin();
    sha256_add(h, data, n);
    sha256_end(h, digest);
}

void sha256_base64(const void *data, size_t n, char base64[45])
{
    uint8_t digest[32];
    sha256(data, n, digest);
    EVP_EncodeBlock((unsigned char *)base64, digest, sizeof digest);
}

struct git_blob *git_blob_begin(uint64_t size)
{
    char head[32];
    struct git_blob *h = xcalloc(1, sizeof *h);
    h->ctx = begin(EVP_sha1());
    int n = snprintf(head, sizeof head, "blob %" PRIu64, size);
    EVP_DigestUpdate(h->ctx, head, (size_t)n + 1); /* with its NUL */
    return h;
}

void git_blob_add(struct git_blob *h, const void *data, size_t n)
{
    EVP_DigestUpdate(h->ctx, data, n);
}

void git_blob_end(struct git_blob *h, uint8_t digest[20])
{
    EVP_DigestFinal_ex(h->ctx, digest, NULL);
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void hex_of(const uint8_t *bytes, size_t n, char *hex)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *hex++ = digit[bytes[i] >> 4];
        *hex++ = digit[bytes[i] & 15];
    }
    *hex = '\0';
}

void sha256_hex(const void *data, size_t n, char hex[65])
{
    uint8_t digest[32];
    sha256(data, n, digest);
    hex_of(digest, sizeof digest, hex);
}

/* Started from another's result it goes on: pieces give what the whole would. */
uint64_t fnv1a(uint64_t h, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u; /* the FNV prime; for tables and content marks, not against malice */
    return h;
}
