/* hash.c - SHA-256 against FIPS 180-4's examples and Python's hashlib (tests/golden/make_base.py made the golden), git's names of
 * files against git's. */
#include "mtbench/hash.h"

#include "golden.h"
#include "tap.h"

static void check_line(char *length)
{
    const char *want = golden_next(length);
    size_t n = (size_t)atol(length);
    unsigned char *data = malloc(n ? n : 1), digest[32];
    char hex[65], pieces[65];
    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(7 * i + 3);
    sha256_hex(data, n, hex);
    struct sha256 *h = sha256_begin();
    for (size_t at = 0, k = 1; at < n; at += k, k = k * 3 % 101) {
        k = k < n - at ? k : n - at;
        sha256_add(h, data + at, k);
    }
    sha256_end(h, digest);
    hex_of(digest, sizeof digest, pieces);
    ok(!strcmp(hex, want) && !strcmp(pieces, want), "%zu bytes, whole and in pieces: %.16s", n, hex);
    free(data);
}

/* "git hash-object" says the same of a file with this text. */
static void check_git(const char *text, const char *want)
{
    struct git_blob *h = git_blob_begin(strlen(text));
    uint8_t digest[20];
    char hex[41];
    for (const char *p = text; *p; p++)
        git_blob_add(h, p, 1);
    git_blob_end(h, digest);
    hex_of(digest, sizeof digest, hex);
    ok(!strcmp(hex, want), "git's name of \"%.5s\": %s", text, hex);
}

int main(void)
{
    char hex[65];
    check_git("", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    check_git("hello\n", "ce013625030ba8dba906f756967f9e9ca394464a");
    sha256_hex("abc", 3, hex);
    ok(!strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "FIPS 180-4: abc");
    sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    ok(!strcmp(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"), "FIPS 180-4: two blocks");
    ok(golden_lines("tests/golden/base.txt", 'h', check_line) == 16, "16 lengths around the block size");
    char base64[45];
    sha256_base64("", 0, base64);
    ok(!strcmp(base64, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "in base64, as browsers know the one of nothing: %s", base64);
    hex_of((const uint8_t *)"\x00\x09\xaf\xff", 4, hex);
    ok(!strcmp(hex, "0009afff"), "hex digits: %s", hex);
    ok(fnv1a(FNV_START, "", 0) == 0xcbf29ce484222325u && fnv1a(FNV_START, "a", 1) == 0xaf63dc4c8601ec8cu &&
       fnv1a(fnv1a(FNV_START, "foo", 3), "bar", 3) == 0x85944171f73967e8u, "FNV-1a: nothing, a, foobar in two pieces");
    return done_testing();
}
