/* page_files.c - the page's style and script, put into the program as they are. Paths are of the folder that make runs in. */
#include "page_priv.h"

#define BEGIN(name) ".pushsection .rodata\n.global " name ", " name "_end\n.hidden " name ", " name "_end\n" name ":\n"
#define PART(file) ".incbin \"src/report/page/" file "\"\n"
#define END(name) name "_end:\n.byte 0\n.popsection\n"

__asm__(BEGIN("page_css") PART("page.css") END("page_css"));

/* One script: what a part uses when it is read stands before it. */
__asm__(BEGIN("page_js") PART("dom.js") PART("route.js") PART("index.js") PART("texts.js") PART("diff.js") PART("judged.js")
            PART("tables.js") PART("find.js") PART("markdown.js") PART("read.js") PART("keys.js") PART("start.js") END("page_js"));
