/* door: the one public port. Accepts, reads the head of each request within bounds, hands a WebSocket to its owner and relays
 * everything else to the HTTP server on a private loopback port, one request a connection.
 * Owner:  one thread inside owns every connection; all functions here may be called from any thread.
 * Memory: door_free closes what is open; a descriptor given to `upgrade` belongs to the taker.
 * Units:  bytes, ms.            Limits: options and the enum below; a full house sends the oldest silent connection away.
 * Fails:  at birth with a note (address in use, ...). What a client does wrong is answered as application/problem+json. */
#ifndef SERVER_DOOR_DOOR_H
#define SERVER_DOOR_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "server/guard/head.h"

enum {
        DOOR_BODIES_BYTES_MAX = 32 * 1024 * 1024, /* of all bodies that are being received */
        DOOR_DOWN_BYTES_MAX = 512 * 1024,        /* of one answer, waiting for the client */
        DOOR_DOWN_BYTES_SHORT = 64 * 1024,       /* the same while all answers together exceed DOOR_TOTAL_BYTES_MAX */
        DOOR_TOTAL_BYTES_MAX = 32 * 1024 * 1024,
        DOOR_SOCKET_BYTES = 256 * 1024,          /* kernel buffers: a slow client's backlog is counted here, not hidden there */
        DOOR_CONNECT_MS = 2000,
        DOOR_LINGER_MS = 2000,
        DOOR_LINGER_BYTES_MAX = 1024 * 1024
};

struct door;

/* A request for "/ws" or a path below it, on the door's thread, must not block. ERR_OK: fd is the taker's. Otherwise it is answered with
 * the note: ERR_DENIED 403, ERR_NOT_FOUND 404, ERR_UNSUPPORTED 426, ERR_INVAL 400, anything else 503. */
typedef enum err door_upgrade_fn(void *ctx, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                                 struct err_note *reterr);

struct door_opts {
        const char *address;     /* numeric */
        uint16_t port;           /* 0: any free one, see door_port */
        uint16_t backend_port;   /* of the HTTP server, on 127.0.0.1 */
        const char *key;         /* sent as GUARD_DOOR_FIELD; NULL: none */
        size_t connections_max;  /* 0: 2,000 */
        size_t relays_max;       /* requests under way at once, fewer than the HTTP server's backlog; 0: 128 */
        uint64_t body_bytes_max; /* 0: 256 KiB */
        int64_t head_ms;         /* 0: 10,000: from accept to a whole head */
        int64_t body_ms;         /* 0: 30,000: from the head to the whole body */
        int64_t idle_ms;         /* 0: 60,000: without any progress of a relay */
        door_upgrade_fn *upgrade; /* NULL: they are relayed as everything else */
        void *ctx;
};

struct door_stats {
        uint64_t connections, relays;                              /* now */
        uint64_t accepted, relayed, upgraded, answered, evicted, timed_out; /* since the start */
};

MUST_USE enum err door_new(const struct door_opts *opts, struct door **ret, struct err_note *reterr);
uint16_t door_port(const struct door *door);
void door_stats_get(struct door *door, struct door_stats *ret);
void door_free(struct door *door);
AUTO_DEFINE(struct door, door_free)

#endif
