/* hash.h - SHA-256 (FIPS 180-4) and git's name of a file by OpenSSL, and a quick hash for tables (room: base). */
#ifndef MTB_HASH_H
#define MTB_HASH_H

#include <stddef.h>
#include <stdint.h>

struct sha256;

void sha256(const void *data, size_t n, uint8_t digest[32]);
/* 64 lower-case hex digits and a NUL. */
void sha256_hex(const void *data, size_t n, char hex[65]);
/* 44 characters of base64 and a NUL, as a Content-Security-Policy has it. */
void sha256_base64(const void *data, size_t n, char base64[45]);

/* Piece by piece. sha256_end() releases it. */
struct sha256 *sha256_begin(void);
void sha256_add(struct sha256 *h, const void *data, size_t n);
void sha256_end(struct sha256 *h, uint8_t digest[32]);
/* Of the same bytes so far; both go their own way from here. */
struct sha256 *sha256_copy(const struct sha256 *h);

/* What git calls a file of 'size' bytes: SHA-1 of "blob SIZE", a NUL and the bytes. Piece by piece, as above. */
struct git_blob;
struct git_blob *git_blob_begin(uint64_t size);
void git_blob_add(struct git_blob *h, const void *data, size_t n);
void git_blob_end(struct git_blob *h, uint8_t digest[20]);

/* FNV-1a, 64 bits: 'h' is FNV_START, or what the pieces before gave. For tables and quick comparisons, not against forgers. */
#define FNV_START 0xcbf29ce484222325u
uint64_t fnv1a(uint64_t h, const void *data, size_t n);

void hex_of(const uint8_t *bytes, size_t n, char *hex);      /* 2 n digits and a NUL */

#endif
