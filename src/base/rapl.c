/* rapl.c - counters of the kernel's powercap folder. */
#include "mtbench/rapl.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WATTS = 500 };               /* of a package: less than this no counter goes round unseen */

struct counter {
    char *path;                          /* of energy_uj */
    int fd;
    uint64_t range, last;                /* microjoules: the counter goes from 0 to range */
};

struct rapl {
    struct counter *counter;             /* (n) */
    int n;
    double read_at;                      /* seconds of clock_now() */
    double joules;
};

/* A sysfs file is one short line. */
static int read_text(int fd, char text[64])
{
    const ssize_t n = pread(fd, text, 63, 0);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return 0;
}

static int read_number(int fd, uint64_t *value)
{
    char text[64], *end;
    if (read_text(fd, text) < 0)
        return -1;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return end == text || *end || errno ? -1 : 0;
}

static int open_in(const char *root, const char *zone, const char *name)
{
    char *path = xasprintf("%s/%s/%s", root, zone, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const int error = errno;
    free(path);
    errno = error;
    return fd;
}

/* Packages, and their memory, which the package's counter does not hold. */
static bool counts(const char *root, const char *zone)
{
    char name[64] = "";
    const bool inner = strchr(zone, ':') != strrchr(zone, ':');  /* intel-rapl:0:2 is a part of intel-rapl:0 */
    /* "intel-rapl-mmio:0" is the same package by another way. */
    const int fd = strncmp(zone, "intel-rapl:", strlen("intel-rapl:")) ? -1 : open_in(root, zone, "name");
    if (fd < 0)
        return false;
    read_text(fd, name);
    close(fd);
    return inner ? !strcmp(name, "dram") : !strncmp(name, "package", strlen("package"));
}

static int add(struct rapl *r, const char *root, const char *zone, struct err *err)
{
    struct counter c = { .path = xasprintf("%s/%s/energy_uj", root, zone), .fd = open_in(root, zone, "energy_uj") };
    const int error = errno, range = open_in(root, zone, "max_energy_range_uj");
    const bool good = c.fd >= 0 && range >= 0 && read_number(c.fd, &c.last) == 0 && read_number(range, &c.range) == 0;
    if (range >= 0)
        close(range);
    if (good) {
        r->counter = xrealloc(r->counter, (size_t)r->n + 1, sizeof *r->counter);
        r->counter[r->n++] = c;
        return 0;
    }
    if (c.fd >= 0)
        close(c.fd);
    err_set(err, ERR_DEVICE, "%s: %s", c.path,
            c.fd < 0 ? strerror(error)
            : range < 0 ? "has no max_energy_range_uj beside it that can be read" : "no number can be read there");
    free(c.path);
    return -1;
}

struct rapl *rapl_open(const char *root, struct err *err)
{
    struct rapl *r = xcalloc(1, sizeof *r);
    DIR *folder = opendir(root);
    int rc = 0;
    for (struct dirent *e; folder && rc == 0 && (e = readdir(folder));)
        if (counts(root, e->d_name))
            rc = add(r, root, e->d_name, err); /* without one of them the sum would be too small */
    if (folder)
        closedir(folder);
    if (rc == 0 && r->n == 0)
        rc = err_set(err, ERR_DEVICE, "%s: this machine tells of no package's energy", root);
    r->read_at = clock_now();
    if (rc == 0)
        return r;
    rapl_close(r);
    return NULL;
}

/* What a counter went on by. */
static int advance(struct counter *c, double seconds, double *joules, struct err *err)
{
    uint64_t value;
    if (read_number(c->fd, &value) < 0)
        return err_set(err, ERR_DEVICE, "%s: cannot be read any more", c->path);
    const uint64_t went = value >= c->last ? value - c->last : c->range - c->last + value;
    c->last = value;
    if (seconds * MOST_WATTS > (double)c->range / 1e6)
        return err_set(err, ERR_DEVICE, "%s: may have gone round unseen in %.0f s", c->path, seconds);
    *joules += (double)went / 1e6;
    return 0;
}

int rapl_read(struct rapl *r, double *joules, struct err *err)
{
    const double now = clock_now(), seconds = now - r->read_at;
    double went = 0;
    int rc = 0;
    for (int i = 0; i < r->n; i++)       /* all of them, so that each has a look behind it */
        if (advance(&r->counter[i], seconds, &went, err) < 0)
            rc = -1;
    r->read_at = now;
    if (rc == 0)
        r->joules += went;
    *joules = r->joules;
    return rc;
}

void rapl_close(struct rapl *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->n; i++) {
        close(r->counter[i].fd);
        free(r->counter[i].path);
    }
    free(r->counter);
    free(r);
}
