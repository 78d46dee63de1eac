/* lines.cpp - from an address of code to its file and line, by addr2line, for reports. */
#include "sim.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct image {
    uintptr_t pc, offset;
};

static int holds(struct dl_phdr_info *info, size_t, void *data)
{
    image *m = static_cast<image *>(data);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const auto &h = info->dlpi_phdr[i];
        if (h.p_type == PT_LOAD && m->pc >= info->dlpi_addr + h.p_vaddr && m->pc < info->dlpi_addr + h.p_vaddr + h.p_memsz) {
            m->offset = m->pc - info->dlpi_addr;
            return info->dlpi_name[0] == '\0';   /* of the program itself */
        }
    }
    return 0;
}

site line_of(const void *pc)
{
    static char text[400];
    image m = { reinterpret_cast<uintptr_t>(pc) - 1, 0 };        /* inside the call */
    char command[200];
    if (!pc || !dl_iterate_phdr(holds, &m))
        return site_none;
    snprintf(command, sizeof command, "addr2line -i -e /proc/%d/exe %#lx 2>/dev/null", static_cast<int>(getpid()), m.offset);
    FILE *f = popen(command, "r");
    int line = 0;
    while (f && fgets(text, sizeof text, f)) {   /* from the innermost inlined function outwards: the first that is the kernel's own */
        char *colon = strrchr(text, ':');
        if (!colon || strstr(text, "simt"))
            continue;
        *colon = '\0';
        line = atoi(colon + 1);
        break;
    }
    if (f)
        pclose(f);
    return line ? site{ text, line } : site_none;
}
