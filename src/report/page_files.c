/* page_files.c - the page's style and script, put into the program as they are. Paths are of the folder that make runs in. */
#include "page_priv.h"

#define INCLUDED(name, path)                                                                                                        \
    __asm__(".pushsection .rodata\n.global " #name ", " #name "_end\n.hidden " #name ", " #name "_end\n" #name ":\n.incbin \"" path \
            "\"\n" #name "_end:\n.byte 0\n.popsection\n")

INCLUDED(page_css, "src/report/page.css");
INCLUDED(page_js, "src/report/page.js");
