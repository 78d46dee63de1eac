/* cmd_show.c - the verb `show`: judgments in, tables out. */
#include "cmd.h"
#include "show_opts.h"

#include "mtbench/io.h"
#include "mtbench/log.h"

#include <stdio.h>
#include <string.h>

int cmd_show(struct job *job, int argc, char **argv)
{
    struct showing o;
    struct buf text = {0};
    struct err err = {0};
    (void)job;
    /* argv[-1] is the verb as it was typed: who types FastChat's name gets FastChat's table. */
    int rc = show_opts_parse(&o, !strncmp(argv[-1], "show_result", 11), argc, argv, &err);
    if (rc == 0 && o.export)             /* as long as it is: not by way of memory */
        rc = campaign_export(&(struct exporting){ o.campaign, o.table ? o.table : "judgments", o.export, stdout }, &err);
    else if (rc == 0)
        rc = showing_put(&text, &o, &err);
    if (rc == 0 && o.output && strcmp(o.output, "-"))
        rc = io_replace(o.output, text.data ? text.data : "", text.len, &err);
    else if (rc == 0 && text.len)
        fwrite(text.data, 1, text.len, stdout);
    if (rc < 0)
        log_error("%s", err.text);
    buf_free(&text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
