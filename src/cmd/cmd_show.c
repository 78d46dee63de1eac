/* cmd_show.c - the verb `show`: judgments in, tables out. */
#include "cmd.h"
#include "show_opts.h"

#include "mtbench/log.h"
#include "mtbench/look.h"
#include "mtbench/outfile.h"

#include <stdio.h>
#include <string.h>

static int put_out(const struct showing *o, const struct buf *text, struct err *err)
{
    if (!o->output || !strcmp(o->output, "-")) {
        fwrite(text->data ? text->data : "", 1, text->len, stdout);
        return 0;
    }
    struct outfile *f = outfile_begin(o->output, err);
    if (!f)
        return -1;
    outfile_add(f, text->data ? text->data : "", text->len);
    return outfile_end(f, err);
}

int cmd_show(struct job *job, int argc, char **argv)
{
    struct showing o;
    struct buf text = {0};
    struct err err = {0};
    (void)job;
    /* argv[-1] is the verb as it was typed: who types FastChat's name gets FastChat's table, and no line beside it. */
    const bool fastchat = !strncmp(argv[-1], "show_result", 11);
    int rc = show_opts_parse(&o, fastchat, argc, argv, &err);
    if (rc == 0 && o.export)             /* as long as it is: not by way of memory */
        rc = campaign_export(&(struct exporting){ o.campaign, o.table ? o.table : "judgments", o.export, stdout }, &err);
    else if (rc == 0)
        rc = showing_put(&text, &o, &err);
    if (rc == 0 && !o.export && !fastchat)
        look_put(&text, &o);
    if (rc == 0 && !o.export)
        rc = put_out(&o, &text, &err);
    if (rc < 0)
        log_error("%s", err.text);
    buf_free(&text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
