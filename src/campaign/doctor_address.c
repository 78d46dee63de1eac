/* doctor_address.c - addresses as they may be shown, and where they lead. */
#include "doctor_facts.h"

#include <stdio.h>
#include <string.h>

static const char *host_of(const char *url)
{
    const char *at = strstr(url, "://");
    return at ? at + 3 : url;
}

void doctor_hide_user(const char *address, char *out, size_t size)
{
    const char *host = host_of(address);
    const size_t n = strcspn(host, "/?#");
    const char *sign = memrchr(host, '@', n);      /* the last: a password may hold one */
    if (sign)
        snprintf(out, size, "%.*s...%s", (int)(host - address), address, sign);
    else
        snprintf(out, size, "%s", address);
}

bool doctor_is_near(const char *url)
{
    static const char *const near[] = { "localhost", "127.", "[::1]", "10.", "192.168.", "169.254." };
    const char *host = host_of(url), *sign = memrchr(host, '@', strcspn(host, "/?#"));
    int second;
    host = sign ? sign + 1 : host;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        if (!strncmp(host, near[i], strlen(near[i])))
            return true;
    return sscanf(host, "172.%d.", &second) == 1 && second >= 16 && second < 32;
}
