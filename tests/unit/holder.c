/* holder.c - the word of who writes a journal: read back, and no other word taken for one. */
#include "folder.h"
#include "tap.h"

#include "src/bench/holder.h"

static const char *const no_words[] = {
    "", "x", "process", "process 0 at 1 on n, job none, start 1", "process -4 at 1 on n, job none, start 1",
    "process 4 at 1 on n, job ../x, start 1", "process 4 at 1 on n, job none, start 1 and more", "process 4 at 1 on n",
        "process 4 at 1 on , job 1, start 1",
    "process 99999999999999999999 at 1 on n, job none, start 1",
};

int main(void)
{
    struct holder h, back;
    char text[512], words[400];
    holder_own(&h);
    ok(h.process == (long)getpid() && h.born > 0 && *h.host, "a process knows itself: %s", holder_words(&h, words));
    ok(holder_state(&h) == HOLDER_LIVES && holder_is_own(&h), "and that it lives");
    holder_format(&h, text);
    ok(holder_parse(text, &back) && back.process == h.process && back.born == h.born && !strcmp(back.host, h.host) && !*back.job &&
       back.start == 1, "its word is read back: %s", text);
    h.born--;
    ok(holder_state(&h) == HOLDER_GONE && !holder_is_own(&h), "another one of its number has gone");
    strcpy(h.host, "elsewhere"), strcpy(h.job, "812_5");
    ok(holder_state(&h) == HOLDER_ELSEWHERE, "of another machine nobody knows");
    ok(!strcmp(strchr(holder_words(&h, words), ','), ", task 5 of array 812"), "a task of an array: %s", words);
    holder_format(&h, text);
    ok(holder_parse(text, &back) && !strcmp(back.job, "812_5") && !strcmp(back.host, "elsewhere"), "read back, too");
    for (size_t i = 0; i < sizeof no_words / sizeof *no_words; i++)
        ok(!holder_parse(no_words[i], &back), "no word of a holder: '%s'", no_words[i]);
    own_put("file", "");
    holder_put(own("file"));
    ok(holder_read(own("file"), &back) && holder_is_own(&back) && back.age < 100, "put beside a file, and read");
    holder_put(own("file"));
    ok(holder_read(own("file"), &back), "twice is no harm");
    holder_drop(own("file"));
    ok(!holder_read(own("file"), &back), "taken back");
    holder_put(own("none/file"));
    ok(!holder_read(own("none/file"), &back), "where nothing can be put there is nothing");
    return done_testing();
}
