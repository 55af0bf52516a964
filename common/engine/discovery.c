#include "common/engine/discovery.h"

#include "common/base/limits.h"
#include "common/engine/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WINDOW_MS       2000 /* how long a scan lasts */
#define REPEAT_MS       500  /* after this, the query is repeated, because UDP loses packets */
#define PACKETS_AT_ONCE 16   /* packets read per turn at most; each may lead to a request */
#define FORGET_SCANS    3    /* after this many scans without a claim, an address is forgotten */

static void start_scan(void *data);
static void on_readable(void *data);

void cemm_discovery_init(struct cemm_discovery *discovery, struct cemm_registry *registry,
                         const struct cemm_config *config)
{
    *discovery = (struct cemm_discovery){
        .registry = registry,
        .config = config,
        .fd = -1,
        .timer = {.data = discovery},
        .state = {.enabled = registry->discovers, .message = discovery->message.text},
    };
}

/* If several programs share the port, the one that opened it last gets the answers. So the socket
 * is open only during a scan. */
static void close_socket(struct cemm_discovery *discovery)
{
    if (discovery->fd >= 0)
        close(discovery->fd);
    discovery->fd = discovery->registry->loop->watched = -1;
}

void cemm_discovery_clear(struct cemm_discovery *discovery)
{
    cemm_timer_stop(&discovery->timer);
    close_socket(discovery);
}

/* ---- the socket -------------------------------------------------------------- */

static int bind_port(int fd, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int open_socket(struct cemm_discovery *discovery)
{
    struct cemm_loop *loop = discovery->registry->loop;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -errno;
    int r = setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0
                ? -errno
                : bind_port(fd, CEMM_BEACON_PORT);
    discovery->state.own_port = r == 0;
    if (r == -EADDRINUSE && !discovery->port_warned)
        cemm_log(loop, CEMM_LOG_INFO,
                 "discovery: another program holds UDP port %d; devices that answer only to "
                 "that port will not be found",
                 CEMM_BEACON_PORT);
    discovery->port_warned = r == -EADDRINUSE;
    if (r == -EADDRINUSE)
        r = bind_port(fd, 0);
    if (r < 0) {
        close(fd);
        return r;
    }
    discovery->fd = fd;
    loop->watched = fd;
    loop->on_readable = on_readable;
    loop->watch_data = discovery;
    return 0;
}

/* ---- asking ------------------------------------------------------------------------ */

static void ask(struct cemm_discovery *discovery, struct in_addr broadcast)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(CEMM_BEACON_PORT), .sin_addr = broadcast};
    char text[INET_ADDRSTRLEN];

    if (sendto(discovery->fd, CEMM_BEACON_QUERY, strlen(CEMM_BEACON_QUERY), 0,
               (struct sockaddr *)&address, sizeof(address)) >= 0) {
        discovery->state.asked++;
        return;
    }
    cemm_message_set(&discovery->message, "discovery: can't send to %s: %s",
                     inet_ntop(AF_INET, &broadcast, text, sizeof(text)), strerror(errno));
}

static bool can_broadcast(const struct ifaddrs *interface)
{
    unsigned wanted = IFF_UP | IFF_BROADCAST;

    return interface->ifa_addr && interface->ifa_addr->sa_family == AF_INET &&
           interface->ifa_broadaddr && (interface->ifa_flags & wanted) == wanted &&
           !(interface->ifa_flags & IFF_LOOPBACK);
}

static void ask_interfaces(struct cemm_discovery *discovery)
{
    struct ifaddrs *interfaces;

    if (getifaddrs(&interfaces) < 0) {
        cemm_message_set(&discovery->message, "discovery: the interfaces can't be listed: %s",
                         strerror(errno));
        return;
    }
    for (const struct ifaddrs *i = interfaces; i; i = i->ifa_next)
        if (can_broadcast(i))
            ask(discovery, ((const struct sockaddr_in *)(const void *)i->ifa_broadaddr)->sin_addr);
    freeifaddrs(interfaces);
}

static void ask_all(struct cemm_discovery *discovery)
{
    const struct cemm_strings *configured = &discovery->config->broadcasts;

    discovery->state.asked = 0;
    for (size_t i = 0; i < configured->count; i++) {
        struct in_addr address;
        if (inet_pton(AF_INET, configured->items[i], &address) == 1)
            ask(discovery, address);
    }
    if (configured->count == 0)
        ask_interfaces(discovery);
    if (discovery->state.asked == 0 && !discovery->message.text[0])
        cemm_message_set(&discovery->message, "discovery: no network interface can broadcast");
}

/* ---- a scan -------------------------------------------------------------------------- */

/* Whether a source may be used for another address: no device was confirmed at its present address,
 * and its only request, if any, is the one that checks a claim. */
static bool reusable(const struct cemm_source *source)
{
    return source->discovered && !source->own.device && source->open == source->list.pending;
}

/* Forgets the unconfirmed addresses from which no claim came in the last FORGET_SCANS scans. */
static void forget_claims(const struct cemm_discovery *discovery)
{
    const struct cemm_source *source;

    TAILQ_FOREACH (source, &discovery->registry->sources, link) {
        struct cemm_discovered_source *discovered = source->discovered;
        if (!reusable(source) || source->list.pending ||
            discovery->scan - discovered->claim_scan < FORGET_SCANS)
            continue;
        discovered->address[0] = '\0';
        discovered->refused = true; /* so that nothing is requested from it */
    }
}

static void call_later(struct cemm_discovery *discovery, void (*fire)(void *data), int64_t ms)
{
    struct cemm_loop *loop = discovery->registry->loop;

    cemm_timer_stop(&discovery->timer);
    discovery->timer.fire = fire;
    cemm_timer_set(&loop->timers, &discovery->timer, loop->now + ms);
}

static void end_scan(void *data)
{
    struct cemm_discovery *discovery = data;

    close_socket(discovery);
    forget_claims(discovery);
    discovery->scanning = false;
    discovery->state.searched = discovery->registry->loop->wall;
    /* Scans are repeated, because devices appear, disappear and move. */
    if (discovery->registry->discovers)
        call_later(discovery, start_scan, discovery->config->discovery_interval_ms);
    discovery->registry->scanned(discovery->registry);
}

static void repeat_query(void *data)
{
    ask_all(data);
    call_later(data, end_scan, WINDOW_MS - REPEAT_MS);
}

static void start_scan(void *data)
{
    struct cemm_discovery *discovery = data;
    int r = open_socket(discovery);

    discovery->scanning = true;
    discovery->scan++;
    discovery->state.junk = 0;
    discovery->message.text[0] = '\0';
    if (r < 0)
        cemm_message_set(&discovery->message, "discovery: can't open a socket: %s", strerror(-r));
    else
        ask_all(discovery);
    /* If no query was sent, the scan ends immediately, but by the timer, not inside this call. */
    if (r == 0 && discovery->state.asked > 0)
        call_later(discovery, repeat_query, REPEAT_MS);
    else
        call_later(discovery, end_scan, 0);
}

void cemm_discovery_scan(struct cemm_discovery *discovery, int64_t max_age)
{
    const struct cemm_registry *registry = discovery->registry;

    /* If scans run periodically, the last one is recent enough, unless `max_age` is 0. */
    if (registry->discovers && max_age > 0 && max_age < discovery->config->discovery_interval_ms)
        max_age = discovery->config->discovery_interval_ms;
    if (!discovery->scanning &&
        (max_age <= 0 || !cemm_loop_recent(registry->loop, discovery->state.searched, max_age)))
        start_scan(discovery);
}

/* ---- answers ---------------------------------------------------------------------------- */

static void set_address(struct cemm_source *source, const char *address)
{
    struct cemm_discovered_source *discovered = source->discovered;

    *discovered = (struct cemm_discovered_source){
        .config = {.kind = CEMM_LOCAL,
                   .address = discovered->address,
                   .url = discovered->url,
                   .timeout_ms = CEMM_DISCOVERY_TIMEOUT_MS,
                   .max_connections = 1},
    };
    (void)snprintf(discovered->address, sizeof(discovered->address), "%s", address);
    (void)snprintf(discovered->url, sizeof(discovered->url), "http://%s/open-api/v1/", address);
}

static struct cemm_source *source_new(struct cemm_registry *registry)
{
    struct cemm_discovered_source *discovered = calloc(1, sizeof(*discovered));
    struct cemm_source *source =
        discovered ? cemm_registry_add(registry, &discovered->config, CEMM_DISCOVERY) : NULL;

    if (source)
        source->discovered = discovered;
    else
        free(discovered);
    return source;
}

static bool forgotten(const struct cemm_source *source)
{
    return !source->discovered->address[0];
}

/* Whether `source` is reused before `other`: forgotten sources come first, then those that are not
 * being asked, then those with the oldest claims. */
static bool reused_before(const struct cemm_source *source, const struct cemm_source *other)
{
    if (forgotten(source) != forgotten(other))
        return forgotten(source);
    if (source->list.pending != other->list.pending)
        return other->list.pending;
    return source->discovered->order < other->discovered->order;
}

/* Returns a source for a new address: a forgotten one, else a new one, else another reusable one.
 * NULL: no source is reusable, or there is no memory. */
static struct cemm_source *make_source(struct cemm_registry *registry, const char *address)
{
    struct cemm_source *source, *best = NULL;
    size_t count = 0;

    TAILQ_FOREACH (source, &registry->sources, link) {
        count += source->discovered != NULL;
        if (reusable(source) && (!best || reused_before(source, best)))
            best = source;
    }
    if (count < CEMM_DISCOVERED_MAX && !(best && forgotten(best))) {
        best = source_new(registry);
    } else if (best) {
        cemm_requests_abort(best);
        cemm_source_reset(best);
    }
    if (best)
        set_address(best, address);
    return best;
}

static struct cemm_source *source_at(const struct cemm_registry *registry, const char *address)
{
    struct cemm_source *source;

    TAILQ_FOREACH (source, &registry->sources, link)
        if (source->discovered && strcmp(source->config->address, address) == 0)
            break;
    return source;
}

/* Whether the device has answered at its known address in this scan, and so has not moved. */
static bool has_not_moved(const struct cemm_discovery *discovery, const struct cemm_beacon *beacon)
{
    const struct cemm_device *device = cemm_registry_find(discovery->registry, &beacon->uid);
    const struct cemm_route *route;

    if (!device)
        return false;
    TAILQ_FOREACH (route, &device->routes, link)
        if (route->source->discovered && route->failure.health.pause == 0 &&
            route->source->discovered->scan == discovery->scan)
            return true;
    return false;
}

static bool same_uid(const struct cemm_uid *left, const struct cemm_uid *right)
{
    return strcmp(left->text, right->text) == 0;
}

/* Records a claim. True: the root must be requested. That is so for the first claim in a scan, and
 * for a later claim that differs from the previous claim and names the device of the last root. */
static bool record_claim(struct cemm_discovery *discovery,
                         struct cemm_discovered_source *discovered,
                         const struct cemm_beacon *beacon)
{
    if (discovered->claim_scan != discovery->scan) {
        discovered->order = discovery->order++;
        discovered->later = (struct cemm_beacon){.uid = {""}};
    } else if (same_uid(&discovered->claim.uid, &beacon->uid)) {
        return false; /* a repeat */
    } else if (!same_uid(&discovered->root, &beacon->uid)) {
        discovered->later = *beacon; /* the last root did not name it, but the next one may */
        return false;
    }
    discovered->claim_scan = discovery->scan;
    discovered->claim = *beacon;
    return true;
}

/* Handles a packet from the device that was confirmed at the source's address. */
static void handle_known(struct cemm_discovery *discovery, struct cemm_source *source,
                         const struct cemm_beacon *beacon)
{
    struct cemm_discovered_source *discovered = source->discovered;

    if (discovered->scan == discovery->scan)
        return; /* a repeat */
    discovered->beacon = *beacon;
    discovered->scan = discovery->scan;
    /* While the device answers HTTP requests, there is nothing to confirm. */
    discovery->registry->ask_root(source, source->own.failure.health.pause == 0 ? INT64_MAX : 0);
}

static void handle_claim(struct cemm_discovery *discovery, const struct cemm_beacon *beacon,
                         const char *address)
{
    struct cemm_registry *registry = discovery->registry;
    struct cemm_source *source = source_at(registry, address);

    if (source && source->own.device && same_uid(&source->own.device->uid, &beacon->uid)) {
        handle_known(discovery, source, beacon);
        return;
    }
    if (!source && has_not_moved(discovery, beacon))
        return;
    if (!source)
        source = make_source(registry, address);
    if (!source)
        return; /* there is no room now; the device will also answer the next scan */
    if (record_claim(discovery, source->discovered, beacon))
        discovery->registry->ask_root(source, 0);
}

/* ---- what the roots say ------------------------------------------------------------------ */

/* `uid` was confirmed at `address`. The source `other` loses its device if it has `uid` at another
 * address (the device moved), or another device at `address` (that device was replaced). */
static void give_way(struct cemm_source *other, const struct cemm_uid *uid, const char *address)
{
    const struct cemm_uid *other_uid = &other->own.device->uid;
    const char *other_address = other->config->address;
    bool same_address = strcmp(other_address, address) == 0;

    if (same_uid(other_uid, uid) == same_address)
        return;
    if (same_address)
        cemm_log_remark(other->loop, CEMM_LOG_INFO,
                        "discovery: %s is no longer at %s, where %s is now", other_uid->text,
                        address, uid->text);
    else
        cemm_log_remark(other->loop, CEMM_LOG_INFO, "discovery: %s has moved from %s to %s",
                        uid->text, other_address, address);
    cemm_route_detach(&other->own);
}

bool cemm_discovery_confirm(struct cemm_discovery *discovery, struct cemm_source *source,
                            const struct cemm_uid *uid)
{
    struct cemm_registry *registry = discovery->registry;
    struct cemm_discovered_source *discovered = source->discovered;
    bool claimed = same_uid(&discovered->claim.uid, uid);
    bool known = source->own.device && same_uid(&source->own.device->uid, uid);
    struct cemm_source *other;

    discovered->root = *uid;
    if (!claimed && discovered->claim.uid.text[0] && !discovered->logged) {
        discovered->logged = true;
        cemm_log_remark(
            source->loop, CEMM_LOG_WARNING,
            "discovery: the device at %s reports the MAC %s, but its discovery packet claimed %s; "
            "ignored",
            discovered->address, uid->text, discovered->claim.uid.text);
    }
    if (same_uid(&discovered->later.uid, uid)) {
        discovered->claim = discovered->later;
        claimed = true;
    }
    discovered->refused = !claimed && !known;
    if (!discovered->refused && !cemm_registry_make_room(registry, uid)) {
        discovered->refused = true;
        cemm_log_remark(source->loop, CEMM_LOG_WARNING,
                        "discovery: %s at %s is left out: %d devices have already been found",
                        uid->text, discovered->address, CEMM_DISCOVERED_MAX);
    }
    if (discovered->refused) {
        cemm_route_detach(&source->own);
        return false;
    }
    if (claimed) {
        discovered->beacon = discovered->claim;
        discovered->scan = discovered->claim_scan;
    }
    TAILQ_FOREACH (other, &registry->sources, link)
        if (other->discovered && other->own.device)
            give_way(other, uid, discovered->address);
    return true;
}

void cemm_discovery_failed(const struct cemm_source *source, const char *message)
{
    if (!source->own.device && !source->discovered->logged)
        cemm_log_remark(source->loop, CEMM_LOG_WARNING, "%s", message);
    source->discovered->logged = true;
}

/* Reads one packet; false if there is none. */
static bool read_packet(struct cemm_discovery *discovery)
{
    char bytes[CEMM_DATAGRAM_MAX + 1];
    struct sockaddr_in from;
    socklen_t from_length = sizeof(from);
    char address[INET_ADDRSTRLEN];
    struct cemm_beacon beacon;

    ssize_t length = recvfrom(discovery->fd, bytes, sizeof(bytes), MSG_TRUNC,
                              (struct sockaddr *)&from, &from_length);
    if (length < 0)
        return false;
    if (length > CEMM_DATAGRAM_MAX || from.sin_family != AF_INET) {
        discovery->state.junk++;
        return true;
    }
    int r = cemm_beacon_read(bytes, (size_t)length, &beacon, NULL);
    if (r == 1 && inet_ntop(AF_INET, &from.sin_addr, address, sizeof(address)))
        handle_claim(discovery, &beacon, address);
    else
        discovery->state.junk += r < 0;
    return true;
}

static void on_readable(void *data)
{
    struct cemm_discovery *discovery = data;

    for (int i = 0; i < PACKETS_AT_ONCE && read_packet(discovery); i++)
        ;
}
