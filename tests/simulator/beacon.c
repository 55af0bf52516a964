/*
 * The discovery broadcast: how the devices on the LAN say where they are.
 *
 * One socket receives the broadcasts, and each device has its own socket, bound to the device's
 * address. A device sends its answers from its socket, so they come from its address, as those of
 * real devices do. It also receives unicast queries on its socket. All sockets use the same port.
 * They set SO_REUSEADDR, so several simulators can run on one machine.
 *
 * The destination of a packet decides which devices answer: a broadcast concerns only the devices
 * in the network that it was sent to, although one process simulates the devices of all networks.
 */
#include "beacon.h"

#include "document.h"
#include "junk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUERY        "cemm_query"
#define QUERY_LENGTH (sizeof(QUERY) - 1)
#define QUERY_ROOM   64 /* more than a query needs, so that longer packets are noticed */

struct beacon_socket {
    struct watch watch;
    struct beacon *beacon;
    int fd;
    struct in_addr address;
    in_addr_t broadcast; /* of the device's network */
    int interface;
};

struct beacon {
    struct pool *pool;
    int count;
    struct beacon_socket sockets[]; /* one per LAN device, then the one for broadcasts */
};

/* A received packet that contains a query. */
struct packet {
    struct sockaddr_in sender;
    struct in_addr to;
    int interface;
};

/* Sets `interface` and `broadcast` of the socket. If `exactly`, they are those of the interface
 * that has the socket's address; otherwise, those of an interface whose network contains that
 * address, as lo's network contains 127.0.0.2. Returns false if there is no such interface. */
static bool find_network(const struct ifaddrs *list, struct beacon_socket *sock, bool exactly)
{
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        in_addr_t address, mask;

        if (!entry->ifa_addr || !entry->ifa_netmask || entry->ifa_addr->sa_family != AF_INET)
            continue;
        address = ((struct sockaddr_in *)entry->ifa_addr)->sin_addr.s_addr;
        mask = ((struct sockaddr_in *)entry->ifa_netmask)->sin_addr.s_addr;
        if (((address ^ sock->address.s_addr) & (exactly ? INADDR_BROADCAST : mask)) != 0)
            continue;
        sock->broadcast = sock->address.s_addr | ~mask;
        sock->interface = (int)if_nametoindex(entry->ifa_name);
        return true;
    }
    return false;
}

static int open_socket(struct beacon_socket *sock, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = sock->address,
    };
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &sock->watch};
    const int on = 1;

    sock->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock->fd < 0 || setsockopt(sock->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(sock->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
        bind(sock->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        epoll_ctl(sock->beacon->pool->epoll_fd, EPOLL_CTL_ADD, sock->fd, &event) < 0)
        return -errno;
    return 0;
}

static int open_sockets(struct beacon *beacon, const struct ifaddrs *networks)
{
    const struct options *options = beacon->pool->world->options;

    for (int i = 0; i < beacon->count; i++) {
        struct beacon_socket *sock = &beacon->sockets[i];
        char text[INET_ADDRSTRLEN];
        int r = 0;

        if (i < options->lan) {
            sock->address = options->lan_bind[i];
            if (!find_network(networks, sock, true) && !find_network(networks, sock, false))
                r = -EADDRNOTAVAIL;
        }
        if (r == 0)
            r = open_socket(sock, options->discovery_port);
        if (r < 0) {
            inet_ntop(AF_INET, &sock->address, text, sizeof(text));
            fprintf(stderr, "cemm-sim: --discovery: cannot listen on %s:%d: %s\n", text,
                    options->discovery_port, strerror(-r));
            return r;
        }
    }
    return 0;
}

int beacon_new(struct pool *pool, struct beacon **ret_beacon)
{
    int count = pool->world->options->lan + 1;
    struct beacon *beacon = calloc(1, sizeof(*beacon) + (size_t)count * sizeof(beacon->sockets[0]));
    struct ifaddrs *networks;
    int r;

    if (!beacon)
        return -ENOMEM;
    beacon->pool = pool;
    beacon->count = count;
    for (int i = 0; i < count; i++)
        beacon->sockets[i] =
            (struct beacon_socket){.watch.kind = WATCH_BEACON, .beacon = beacon, .fd = -1};
    r = getifaddrs(&networks) < 0 ? -errno : 0;
    if (r == 0) {
        r = open_sockets(beacon, networks);
        freeifaddrs(networks);
    }
    if (r < 0) {
        beacon_free(beacon);
        return r;
    }
    *ret_beacon = beacon;
    return 0;
}

void beacon_free(struct beacon *beacon)
{
    if (!beacon)
        return;
    for (int i = 0; i < beacon->count; i++)
        if (beacon->sockets[i].fd >= 0)
            close(beacon->sockets[i].fd);
    free(beacon);
}

/* Receives a packet. -EBADMSG: it is not a query. */
static int read_query(int fd, struct packet *ret_packet)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    char text[QUERY_ROOM];
    struct iovec part = {text, sizeof(text)};
    struct msghdr message = {
        .msg_name = &ret_packet->sender,
        .msg_namelen = sizeof(ret_packet->sender),
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t length = recvmsg(fd, &message, 0);
    struct in_pktinfo info;

    if (length < 0)
        return -errno;
    if (length != (ssize_t)QUERY_LENGTH || memcmp(text, QUERY, QUERY_LENGTH) != 0)
        return -EBADMSG;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            ret_packet->to = info.ipi_addr;
            ret_packet->interface = info.ipi_ifindex;
            return 0;
        }
    return -EBADMSG;
}

/* Whether the socket's device must answer: the packet was sent to the device, or to all in its
 * network. */
static bool concerns(const struct beacon_socket *sock, const struct packet *packet)
{
    if (packet->to.s_addr == sock->address.s_addr)
        return true;
    return packet->interface == sock->interface &&
           (packet->to.s_addr == sock->broadcast || packet->to.s_addr == INADDR_BROADCAST);
}

/* Whether the sender is one of the simulated devices. Their junk includes a copy of the query,
 * which must not be answered. */
static bool is_from_device(const struct beacon *beacon, const struct sockaddr_in *sender)
{
    const struct options *options = beacon->pool->world->options;

    if (ntohs(sender->sin_port) != options->discovery_port)
        return false;
    for (int i = 0; i < options->lan; i++)
        if (beacon->sockets[i].address.s_addr == sender->sin_addr.s_addr)
            return true;
    return false;
}

static void log_query(const struct pool *pool, const char *uid, const struct sockaddr_in *sender)
{
    int64_t now = real_us();
    char text[INET_ADDRSTRLEN];

    if (pool->log_fd < 0)
        return;
    inet_ntop(AF_INET, &sender->sin_addr, text, sizeof(text));
    if (dprintf(pool->log_fd, "%" PRId64 ".%03d udp %s QUERY %s:%d - 0\n", now / 1000,
                (int)(now % 1000), uid, text, ntohs(sender->sin_port)) < 0)
        fprintf(stderr, "cemm-sim: --log: %s\n", strerror(errno));
}

static void mac_of(const char *uid, char mac[static MAC_SIZE])
{
    size_t i = 0;

    for (; i < MAC_SIZE - 1 && uid[i]; i++)
        mac[i] = uid[i] == '-' ? ':' : uid[i];
    mac[i] = '\0';
}

/* Writes the MAC of another device: the next device or, if there is only one, a device that is not
 * simulated. */
static void other_mac(const struct world *world, int index, char mac[static MAC_SIZE])
{
    char uid[UID_SIZE];

    if (world->options->devices > 1)
        mac_of(world->devices[(index + 1) % world->options->devices].uid, mac);
    else if (world_uid(world->options->first + 1, uid) == 0)
        mac_of(uid, mac);
}

/* Closes `out`, a memory stream that writes to `text` and `length`. Sends the text `times` times,
 * and frees it. */
static void send_out(const struct beacon_socket *sock, const struct sockaddr_in *to, FILE *out,
                     char **text, const size_t *length, int times)
{
    bool written = fclose(out) == 0;

    for (int i = 0; written && i < times; i++)
        if (sendto(sock->fd, *text, *length, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
            fprintf(stderr, "cemm-sim: --discovery: %s\n", strerror(errno));
    free(*text);
}

static void answer(const struct beacon *beacon, int index, const struct sockaddr_in *to)
{
    const struct world *world = beacon->pool->world;
    const struct options *options = world->options;
    const struct beacon_socket *sock = &beacon->sockets[index];
    const char *core = options->beacon_version ? options->beacon_version : document_core(world);
    int junk = options->beacon_junk ? junk_count() : 0;
    char mac[MAC_SIZE], other[MAC_SIZE] = "", ip[INET_ADDRSTRLEN];

    mac_of(world->devices[index].uid, mac);
    other_mac(world, index, other);
    inet_ntop(AF_INET, &sock->address, ip, sizeof(ip));
    for (int i = 0; i <= junk; i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);

        if (!out)
            return;
        if (i < junk)
            junk_write(out, i, ip, other);
        else
            beacon_write(out, &(struct beacon_fields){
                                  options->beacon_claim ? options->beacon_claim : ip, mac, core});
        send_out(sock, to, out, &text, &length, i < junk ? 1 : options->beacon_times);
    }
}

void beacon_take(struct watch *watch)
{
    struct beacon_socket *sock = (struct beacon_socket *)watch;
    const struct beacon *beacon = sock->beacon;
    const struct options *options = beacon->pool->world->options;
    struct packet packet = {0};
    struct sockaddr_in to;

    if (read_query(sock->fd, &packet) < 0 || is_from_device(beacon, &packet.sender))
        return;
    to = packet.sender;
    if (options->beacon_to)
        to.sin_port = htons((uint16_t)options->beacon_to);
    for (int i = 0; i < options->lan; i++)
        if (concerns(&beacon->sockets[i], &packet)) {
            log_query(beacon->pool, beacon->pool->world->devices[i].uid, &packet.sender);
            answer(beacon, i, &to);
        }
}
