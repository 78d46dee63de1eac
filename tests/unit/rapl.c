/* rapl.c - energy of the packages from a made powercap folder: which counters count, wrapping, and what cannot be told. */
#include "mtbench/rapl.h"

#include "tap.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/rapl-XXXXXX";

static void put(const char *zone, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", root, zone);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", root, zone, name);
    FILE *f = fopen(path, "w");
    if (!f)
        abort();
    fputs(text, f);
    fclose(f);
}

static void zone(const char *place, const char *name, const char *energy, const char *range)
{
    put(place, "name", name);
    put(place, "energy_uj", energy);
    put(place, "max_energy_range_uj", range);
}

static void test_sum(void)
{
    struct err err = {0};
    double j = -1;
    zone("intel-rapl:0", "package-0\n", "1000000\n", "262143328850\n");
    zone("intel-rapl:0:0", "core\n", "5\n", "262143328850\n");
    zone("intel-rapl:0:1", "dram\n", "2000000\n", "65712999613\n");
    zone("intel-rapl:1", "package-1\n", "262143000000\n", "262143328850\n");
    zone("intel-rapl:2", "psys\n", "7\n", "262143328850\n");
    zone("intel-rapl-mmio:0", "package-0\n", "1000000\n", "262143328850\n");
    put("dtpm", "name", "other\n");
    struct rapl *r = rapl_open(root, &err);
    ok(r && rapl_read(r, &j, &err) == 0 && j == 0, "it begins at nothing: %g %s", j, err.text);
    put("intel-rapl:0", "energy_uj", "4000000\n");   /* 3 J */
    put("intel-rapl:0:1", "energy_uj", "2500000\n"); /* 0.5 J */
    put("intel-rapl:0:0", "energy_uj", "3000000\n"); /* of the package */
    put("intel-rapl:2", "energy_uj", "9000000\n");   /* all of it once more */
    put("intel-rapl-mmio:0", "energy_uj", "4000000\n");
    ok(rapl_read(r, &j, &err) == 0 && fabs(j - 3.5) < 1e-9, "packages and their memory: %g", j);
    put("intel-rapl:1", "energy_uj", "671150\n");    /* 0.32885 J to the end, 0.67115 from 0 on */
    ok(rapl_read(r, &j, &err) == 0 && fabs(j - 4.5) < 1e-9, "a counter that wrapped: %g", j);
    put("intel-rapl:1", "energy_uj", "broken\n");
    ok(rapl_read(r, &j, &err) < 0 && err.kind == ERR_DEVICE && strstr(err.text, "cannot be read any more"), "%s", err.text);
    put("intel-rapl:1", "energy_uj", "671150\n");
    put("intel-rapl:0", "energy_uj", "5000000\n");
    ok(rapl_read(r, &j, &err) == 0 && fabs(j - 5.5) < 1e-9, "what comes later counts again: %g", j);
    rapl_close(r);
}

static void test_lost(void)
{
    struct err err = {0};
    double j;
    put("intel-rapl:0", "max_energy_range_uj", "1000\n"); /* a thousandth of a joule: gone round in microseconds */
    struct rapl *r = rapl_open(root, &err);
    usleep(10000);
    ok(r && rapl_read(r, &j, &err) < 0 && strstr(err.text, "may have gone round unseen"), "a look that came too late: %s", err.text);
    rapl_close(r);
    put("intel-rapl:0", "energy_uj", "");
    ok(!rapl_open(root, &err) && err.kind == ERR_DEVICE && strstr(err.text, "intel-rapl:0/energy_uj: no number"),
       "one that tells nothing spoils the sum: %s", err.text);
    char path[200];
    snprintf(path, sizeof path, "%s/intel-rapl:0/energy_uj", root);
    put("intel-rapl:0", "energy_uj", "5\n");
    snprintf(path, sizeof path, "%s/intel-rapl:0/max_energy_range_uj", root);
    unlink(path);
    ok(!rapl_open(root, &err) && strstr(err.text, "has no max_energy_range_uj"), "%s", err.text);
    snprintf(path, sizeof path, "%s/intel-rapl:0/energy_uj", root);
    unlink(path);
    ok(!rapl_open(root, &err) && strstr(err.text, "No such file"), "%s", err.text);
    ok(!rapl_open("/nonexistent", &err) && err.kind == ERR_DEVICE && strstr(err.text, "tells of no package"), "%s", err.text);
    rapl_close(NULL);
}

/* On many machines root alone may read the counters. */
static void test_denied(void)
{
    char path[200];
    int to_parent[2], status = 1;
    zone("intel-rapl:0", "package-0\n", "1000000\n", "262143328850\n");
    snprintf(path, sizeof path, "%s/intel-rapl:0/energy_uj", root);
    if (chmod(root, 0755) < 0 || chmod(path, 0) < 0 || pipe(to_parent) < 0)
        abort();
    const pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        if (geteuid() == 0 && setuid(65534) < 0)
            _exit(2);
        const bool open = rapl_open(root, &err) != NULL;
        _exit(write(to_parent[1], err.text, strlen(err.text)) < 0 || open || err.kind != ERR_DEVICE);
    }
    char said[400] = "";
    close(to_parent[1]);
    const bool heard = read(to_parent[0], said, sizeof said - 1) > 0;
    close(to_parent[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        skip(1, "this user may read everything, and cannot become another one");
    else
        ok(heard && status == 0 && strstr(said, "intel-rapl:0/energy_uj: Permission denied"), "not ours to read: %s", said);
}

int main(void)
{
    char remove_all[64];
    if (!mkdtemp(root))
        abort();
    test_sum();
    test_lost();
    test_denied();
    snprintf(remove_all, sizeof remove_all, "rm -rf %s", root);
    return system(remove_all) ? 1 : done_testing();
}
