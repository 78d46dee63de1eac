/* repr.c - texts as Python's repr() writes them. */
#include "mtbench/repr.h"

#include "tap.h"

#include <string.h>

static const struct { const char *text, *want; } table[] = {
    {"gpt-4", "'gpt-4'"},
    {"", "''"},
    {"it's", "\"it's\""},
    {"say \"a\"", "'say \"a\"'"},
    {"it's \"a\"", "'it\\'s \"a\"'"},
    {"a\\b", "'a\\\\b'"},
    {"a\tb\nc\rd", "'a\\tb\\nc\\rd'"},
    {"\x01\x1f\x7f", "'\\x01\\x1f\\x7f'"},
    {"\xc2\xa0\xc2\xad", "'\\xa0\\xad'"},
    {"h\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", "'h\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80'"},
    {"\xe2\x80\x8b\xef\xbb\xbf\xe3\x80\x80", "'\\u200b\\ufeff\\u3000'"},
    {"\xf3\xa0\x80\x81", "'\\U000e0001'"},
    {"a\xff" "b", "'a\\udcffb'"},
};

int main(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf b = {0};
        repr_put(&b, table[i].text);
        ok(!strcmp(b.data, table[i].want), "%s: %s", table[i].want, b.data);
        buf_free(&b);
    }
    return done_testing();
}
