/*
 * The HTTP side: one loop, one socket for the cloud and one for each LAN device.
 *
 * One thread does everything. Each listener is a libmicrohttpd daemon without a thread, whose epoll
 * descriptor is in our epoll; signals are also received through a descriptor. So nothing needs a
 * lock, and a waiting request is only an entry in a list.
 */
#include "server.h"

#include "beacon.h"
#include "fault.h"
#include "request.h"
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define LOG_MODE        0644

struct server {
    struct pool pool;
    struct watch signals;
    int signal_fd;
    struct tls tls;
    struct beacon *beacon;      /* NULL: no discovery */
    struct listener *listeners; /* the cloud, then the LAN devices */
    int count;
    bool stop;
};

static int watch_fd(struct server *server, int fd, struct watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

    return epoll_ctl(server->pool.epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Starts a listener. `tls` is empty for LAN devices, because only the cloud can have TLS. */
static struct MHD_Daemon *start_daemon(struct listener *listener, const struct tls *tls)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key},
        {tls->priority ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0, (void *)tls->priority},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls->cert ? MHD_USE_TLS : 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)listener->port),
        .sin_addr = listener->address,
    };

    return MHD_start_daemon(
        flags, (uint16_t)listener->port, NULL, NULL, request_handle, listener, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK, request_begin, listener,
        MHD_OPTION_NOTIFY_COMPLETED, request_end, listener, MHD_OPTION_NOTIFY_CONNECTION,
        request_connection, listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        tls->cert ? MHD_OPTION_ARRAY : MHD_OPTION_END, options, MHD_OPTION_END);
}

static int listener_begin(struct server *server, struct listener *listener, struct device *device,
                          struct in_addr address, int port)
{
    static const struct tls none = {0};
    char text[INET_ADDRSTRLEN];
    const union MHD_DaemonInfo *info;
    int r;

    *listener = (struct listener){
        .watch = {.kind = WATCH_LISTENER},
        .pool = &server->pool,
        .device = device,
        .address = address,
        .port = port,
    };
    TAILQ_INIT(&listener->queued);
    errno = 0;
    listener->daemon = start_daemon(listener, device ? &none : &server->tls);
    if (!listener->daemon) {
        r = errno ? -errno : -EIO;
        inet_ntop(AF_INET, &address, text, sizeof(text));
        fprintf(stderr, "cemm-sim: cannot listen on %s:%d: %s\n", text, port, strerror(-r));
        return r;
    }
    info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_BIND_PORT);
    listener->port = info ? info->port : port;
    info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? watch_fd(server, info->epoll_fd, &listener->watch) : -ENOSYS;
}

/* Starts the listener of a LAN device. Devices with their own addresses share a port; other devices
 * share an address. */
static int device_begin(struct server *server, int index)
{
    struct world *world = server->pool.world;
    const struct options *options = world->options;
    struct in_addr address = {htonl(INADDR_LOOPBACK)};
    int port = options->lan_port;

    if (options->lan_bind_count)
        address = options->lan_bind[index];
    else if (port)
        port += index;
    return listener_begin(server, &server->listeners[index + 1], &world->devices[index], address,
                          port);
}

static int begin_listeners(struct server *server)
{
    const struct options *options = server->pool.world->options;
    const struct in_addr local = {htonl(INADDR_LOOPBACK)};
    int r;

    server->listeners = calloc((size_t)options->lan + 1, sizeof(*server->listeners));
    if (!server->listeners)
        return -ENOMEM;
    r = tls_load(&server->tls, options);
    if (r < 0)
        return r;
    server->count = 1;
    r = listener_begin(server, &server->listeners[0], NULL, local, options->cloud_port);
    for (int i = 0; r == 0 && i < options->lan; i++) {
        server->count++;
        r = device_begin(server, i);
    }
    return r;
}

static int begin_signals(struct server *server)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signal_fd < 0)
        return -errno;
    server->signals.kind = WATCH_SIGNALS;
    return watch_fd(server, server->signal_fd, &server->signals);
}

static int begin_log(struct server *server)
{
    const char *path = server->pool.world->options->log;

    if (!path)
        return 0;
    server->pool.log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, LOG_MODE);
    if (server->pool.log_fd < 0) {
        fprintf(stderr, "cemm-sim: --log %s: %s\n", path, strerror(errno));
        return -errno;
    }
    return 0;
}

/* Raises the limit of descriptors, because hundreds of devices need more than the usual soft limit.
 */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Reads the faults from the control file. A missing file is not an error: tests write it later. */
static int read_control(struct server *server)
{
    struct options *options = server->pool.world->options;
    int r;

    if (!options->control || access(options->control, F_OK) < 0)
        return 0;
    r = faults_add_file(&options->faults, options->control);
    if (r < 0)
        fprintf(stderr, "cemm-sim: --control %s: %s\n", options->control, strerror(-r));
    return r;
}

int server_new(struct world *world, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    server->pool = (struct pool){.world = world, .log_fd = -1};
    TAILQ_INIT(&server->pool.waiting);
    server->signal_fd = -1;
    raise_limit();
    server->pool.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r = server->pool.epoll_fd < 0 ? -errno : 0;
    if (r == 0)
        r = begin_log(server);
    if (r == 0)
        r = read_control(server);
    if (r == 0)
        r = begin_signals(server);
    if (r == 0)
        r = begin_listeners(server);
    if (r == 0 && world->options->discovery)
        r = beacon_new(&server->pool, &server->beacon);
    if (r < 0) {
        server_free(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

/* Resumes all requests that wait, because the library can't stop with suspended connections. */
static void resume_all(struct server *server)
{
    while (!TAILQ_EMPTY(&server->pool.waiting))
        request_resume(TAILQ_FIRST(&server->pool.waiting), PHASE_GONE);
    for (int i = 0; i < server->count; i++)
        while (!TAILQ_EMPTY(&server->listeners[i].queued))
            request_resume(TAILQ_FIRST(&server->listeners[i].queued), PHASE_GONE);
}

void server_free(struct server *server)
{
    resume_all(server);
    for (int i = 0; i < server->count; i++)
        if (server->listeners[i].daemon)
            MHD_stop_daemon(server->listeners[i].daemon);
    free(server->listeners);
    tls_clear(&server->tls);
    beacon_free(server->beacon);
    if (server->signal_fd >= 0)
        close(server->signal_fd);
    if (server->pool.log_fd >= 0)
        close(server->pool.log_fd);
    if (server->pool.epoll_fd >= 0)
        close(server->pool.epoll_fd);
    free(server);
}

/* Prints the address for clients, without the port if that is 80. */
static void print_address(const struct listener *listener, const char *separator)
{
    char text[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &listener->address, text, sizeof(text));
    printf("%s%s", separator, text);
    if (listener->port != HTTP_PORT)
        printf(":%d", listener->port);
}

int server_ready(const struct server *server)
{
    printf("ready cloud=http%s://127.0.0.1:%d%s lan=%s", server->tls.cert ? "s" : "",
           server->listeners[0].port, server->pool.world->options->prefix,
           server->count == 1 ? "-" : "");
    for (int i = 1; i < server->count; i++)
        print_address(&server->listeners[i], i > 1 ? "," : "");
    putchar('\n');
    return fflush(stdout) == 0 ? 0 : -errno;
}

/* Reads the control file again. If it has an error, a message says so and the faults stay as they
 * were. */
static void reload(struct server *server)
{
    struct options *options = server->pool.world->options;
    int r = options->control ? faults_replace(&options->faults, options->control) : -ENOENT;

    if (r < 0)
        fprintf(stderr, "cemm-sim: --control %s: %s, faults unchanged\n",
                options->control ? options->control : "(none)", strerror(-r));
    else
        fprintf(stderr, "cemm-sim: faults: %d\n", options->faults.count);
}

static void take_signals(struct server *server)
{
    struct signalfd_siginfo info;

    while (read(server->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            reload(server);
        else
            server->stop = true;
    }
}

static void run_listener(struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait;

    listener->again = false;
    MHD_run(listener->daemon);
    if (MHD_get_timeout(listener->daemon, &wait) == MHD_YES && wait == 0)
        listener->again = true;
}

static void dispatch(struct server *server, struct watch *watch)
{
    switch (watch->kind) {
    case WATCH_SIGNALS:
        take_signals(server);
        break;
    case WATCH_LISTENER:
        run_listener((struct listener *)watch);
        break;
    case WATCH_REQUEST: /* the client has disconnected */
        request_resume((struct request *)watch, PHASE_GONE);
        break;
    case WATCH_BEACON:
        beacon_take(watch);
        break;
    }
}

/* Resumes the requests whose waiting time has ended. */
static void run_waiting(struct server *server)
{
    int64_t now = monotonic_ms();
    struct request *request = TAILQ_FIRST(&server->pool.waiting);

    while (request) {
        struct request *next = TAILQ_NEXT(request, entry);

        if (request->until_ms <= now)
            request_due(request);
        request = next;
    }
}

/* Returns the time until the next waiting request is due, as a timeout for epoll_wait(). */
static int next_timeout(const struct server *server)
{
    int64_t now = monotonic_ms();
    int64_t next = FAULT_FOREVER;
    const struct request *request;

    TAILQ_FOREACH (request, &server->pool.waiting, entry)
        if (request->until_ms < next)
            next = request->until_ms;
    if (next == FAULT_FOREVER)
        return -1;
    if (next <= now)
        return 0;
    return next - now > INT_MAX ? INT_MAX : (int)(next - now);
}

/* Runs the listeners that have more to do. Returns true if some of them still have more to do. */
static bool run_again(struct server *server)
{
    bool again = false;

    for (int i = 0; i < server->count; i++) {
        if (server->listeners[i].again)
            run_listener(&server->listeners[i]);
        again = again || server->listeners[i].again;
    }
    return again;
}

int server_run(struct server *server)
{
    while (!server->stop) {
        struct epoll_event event;
        int count, wait;

        run_waiting(server);
        /* run_again() may make more requests wait, so the timeout is computed after it. */
        wait = run_again(server) ? 0 : next_timeout(server);
        /* Only one event is read at a time, because handling it may free the request of another
         * event. */
        count = epoll_wait(server->pool.epoll_fd, &event, 1, wait);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0)
            dispatch(server, event.data.ptr);
    }
    return 0;
}
