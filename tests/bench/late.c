/* late.c - a chat server that answers everything with the same text, late: `late SECONDS REPLY-FILE` prints its port. For timing who calls;
 * one thread, epoll. GET /NUMBER tells what was seen since the last GET, as JSON, and makes NUMBER milliseconds the delay. Bodies under 300
 * bytes are not counted: they only ask whether somebody is there. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, ROOM = 1 << 18, EVENTS = 256 };

struct line { char *data; size_t n; unsigned life; };
static struct line line[MOST];           /* by descriptor */
struct owed { int fd; unsigned life; bool counts; double due; };
static struct owed owed[1 << 16];        /* a ring: all wait equally long */
static unsigned first_owed, n_owed;
static double delay, first, last;
static int calls, flying, peak;
static char answer[ROOM];
static size_t n_answer;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void say(int fd, const char *text, size_t n)
{
    if (write(fd, text, n) != (ssize_t)n) /* a reply is smaller than any socket's buffer */
        shutdown(fd, SHUT_RDWR);
}

static void tell(int fd, const char *request)
{
    char body[200], text[400];
    int n = snprintf(body, sizeof body, "{\"seconds\": %.6f, \"calls\": %d, \"peak\": %d}", last - first, calls, peak);
    n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", n, body);
    say(fd, text, (size_t)n);
    delay = atoi(request + strlen("GET /")) / 1e3;
    first = last = calls = peak = 0;
}

static void take(int fd, bool counts)
{
    double t = now();
    if (counts && calls++ == 0)
        first = t;
    flying += counts;
    peak = flying > peak ? flying : peak;
    owed[(first_owed + n_owed++) % (1 << 16)] = (struct owed){ fd, line[fd].life, counts, t + delay };
}

/* Whole requests leave the buffer. */
static void read_requests(int fd, struct line *l)
{
    char *end;
    while ((end = memmem(l->data, l->n, "\r\n\r\n", 4))) {
        *end = '\0';
        const char *length = strcasestr(l->data, "\r\ncontent-length:");
        size_t body = length ? strtoul(length + 17, NULL, 10) : 0, whole = (size_t)(end + 4 - l->data) + body;
        *end = '\r';
        if (l->n < whole)
            return;
        if (!strncmp(l->data, "GET", 3))
            tell(fd, l->data);
        else
            take(fd, body >= 300);
        memmove(l->data, l->data + whole, l->n -= whole);
    }
}

static void receive(int fd)
{
    struct line *l = &line[fd];
    ssize_t n = read(fd, l->data + l->n, ROOM - l->n);
    if (n > 0) {
        l->n += (size_t)n;
        read_requests(fd, l);
    } else {
        l->life++;
        close(fd);
    }
}

static void pay(void)
{
    for (double t = now(); n_owed && owed[first_owed].due <= t; n_owed--, first_owed = (first_owed + 1) % (1 << 16)) {
        const struct owed *o = &owed[first_owed];
        flying -= o->counts;
        if (line[o->fd].life == o->life)
            say(o->fd, answer, n_answer);
        last = o->counts ? now() : last;
    }
}

static void greet(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0 || fd >= MOST) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!line[fd].data)
        line[fd].data = malloc(ROOM);
    line[fd].n = 0;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.fd = fd });
}

int main(int argc, char **argv)
{
    static char body[ROOM / 2];
    FILE *f = argc == 3 ? fopen(argv[2], "r") : NULL;
    size_t n = f ? fread(body, 1, sizeof body - 1, f) : 0;
    n_answer = (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                                n, body);
    delay = argc == 3 ? atof(argv[1]) : 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    if (!n || bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 1024) < 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) < 0) {
        fprintf(stderr, "usage: late SECONDS REPLY-FILE\n");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.fd = listener });
    for (;;) {
        struct epoll_event event[EVENTS];
        double left = n_owed ? owed[first_owed].due - now() : 1;
        int got = epoll_wait(epoll, event, EVENTS, left > 0 ? (int)(left * 1e3 + 0.999) : 0);
        for (int i = 0; i < got; i++) {
            if (event[i].data.fd == listener)
                greet(epoll, listener);
            else
                receive(event[i].data.fd);
        }
        pay();
    }
}
