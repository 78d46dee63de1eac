/* phases.c - time and energy of the phases of a run, as lines of a file. */
#include "mtbench/phases.h"

#include "mtbench/json.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

void phase_put(struct buf *b, const struct phase *p)
{
    buf_str(b, "{\"phase\": ");
    json_put_string(b, p->name, strlen(p->name));
    json_put_number_member(b, "started", p->started);
    json_put_number_member(b, "seconds", p->seconds);
    buf_printf(b, ", \"tokens\": %" PRIu64 ", \"nodes\": %d", p->tokens, p->nodes);
    if (isnan(p->joules))
        json_put_text_member(b, "energy_reason", p->reason);
    else {
        json_put_number_member(b, "energy_j", p->joules);
        json_put_text_member(b, "energy_source", p->source);
    }
    buf_char(b, '}');
}

int phase_append(const char *path, const struct phase *p, struct err *err)
{
    struct buf line = {0};
    const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    char last = '\n';
    /* A line that a crash has cut off stays alone, or it would take this one along; readers pass over what does not parse. */
    const off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n')
        buf_char(&line, '\n');
    phase_put(&line, p);
    buf_char(&line, '\n');
    const int rc = fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len ? err_errno(err, "%s: cannot write", path) : 0;
    if (fd >= 0)
        close(fd);
    buf_free(&line);
    return rc;
}
