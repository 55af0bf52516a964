/* How an HTTP request passes through the simulator. See request.c. */
#pragma once

#include "answer.h"
#include "route.h"
#include "world.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/queue.h>

/* What an event of the loop's epoll is about. */
enum watch_kind {
    WATCH_SIGNALS,
    WATCH_LISTENER,
    WATCH_REQUEST,
    WATCH_BEACON,
};

struct watch {
    enum watch_kind kind;
};

enum phase {
    PHASE_NEW,     /* only its headers have been seen */
    PHASE_READY,   /* can start */
    PHASE_QUEUED,  /* its device is busy with another request */
    PHASE_WAITING, /* a fault delays it */
    PHASE_ANSWER,  /* must be answered now */
    PHASE_GONE,    /* the connection is closed, or must be closed */
};

struct request {
    struct watch watch;
    TAILQ_ENTRY(request) entry; /* in listener->queued, or in pool->waiting */
    struct listener *listener;
    struct MHD_Connection *connection;
    enum phase phase;
    bool suspended;
    bool logged;
    bool answered;    /* has its answer; the connection is closed at `until_ms` */
    int64_t until_ms; /* until when it waits, or FAULT_FOREVER */
    char *uri;        /* as received */
    char *path;       /* `uri` without the query */
    const char *method;
    struct target target;
    char *drip; /* the bytes that are sent one by one, or NULL */
    size_t drip_length, drip_sent;
};

TAILQ_HEAD(request_list, request);

/* A listening socket: the cloud, or one device on the LAN. */
struct listener {
    struct watch watch;
    struct pool *pool;
    struct MHD_Daemon *daemon;
    struct device *device; /* NULL: the cloud */
    struct in_addr address;
    int port;
    int epoll_fd;
    bool again;           /* has more to do, even without an event */
    struct request *busy; /* LAN: the request that the device handles */
    struct request_list queued;
    unsigned overlaps;    /* number of requests that found the device busy */
    unsigned connections; /* number of open connections */
};

/* What all requests share. */
struct pool {
    struct world *world;
    int epoll_fd;
    int log_fd; /* -1: no log */
    struct request_list waiting;
};

/* The callbacks of libmicrohttpd; cls is the listener. */
void *request_begin(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **context);
void request_connection(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code);
void request_end(void *cls, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode code);

/* Continues a request whose waiting time has ended. */
void request_due(struct request *request);

/* Lets a suspended request continue in this phase. */
void request_resume(struct request *request, enum phase phase);
