/* door_conn: one client at the door.
 *
 *   HEAD -- whole head --> BODY -- whole body --> CONNECT -- connected --> RELAY -- answered --> LINGER --> closed
 *    |  \__ "/ws": given away, gone               |                                              ^
 *    +-- bad head, too slow, no room: answer -----+----------------------------------------------+
 *
 * HEAD and BODY have a deadline from their first moment, CONNECT a short one, RELAY one that moves with progress, LINGER (the answer is
 * out; what the client still sends is thrown away so that no reset overtakes the answer) a short one. The HTTP server is asked when the
 * request is whole, so a client that drips its body holds up none of its threads.
 * Owner:  the door's thread.   Memory: buffers come with the first byte; door_conn_close frees all.
 * Units:  bytes, ms.           Limits: those of door.h.            Fails: closes the connection. */
#ifndef SERVER_DOOR_DOOR_CONN_H
#define SERVER_DOOR_DOOR_CONN_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/base/buf.h"
#include "common/sys/loop.h"
#include "server/door/door.h"

enum door_state { DOOR_HEAD, DOOR_BODY, DOOR_CONNECT, DOOR_RELAY, DOOR_LINGER, DOOR_STATE_COUNT };

struct door_side {
        int fd; /* -1: none */
        struct loop_fd *handle;
        uint32_t events;
};

struct door_conn {
        struct door *door;
        struct door_conn *next, *previous; /* in door->lists[state], the nearest deadline first */
        enum door_state state;
        int64_t deadline_ms;
        struct door_side client, backend;
        struct buf up, down;     /* towards the HTTP server; towards the client */
        size_t up_at, down_at;   /* sent so far */
        uint64_t body_left;      /* bytes of the body the client still owes */
        uint64_t body_bytes;     /* of the body, counted in door->body_bytes */
        uint64_t down_bytes;     /* of the answer, all in all */
        size_t linger_bytes;
        bool is_shut;
        char peer[INET6_ADDRSTRLEN];
};

struct door_list {
        struct door_conn *first, *last;
};

struct door {
        struct door_opts opts;
        char *key;
        struct loop *loop;
        pthread_t thread;
        struct door_side listener;
        uint16_t port;
        struct door_list lists[DOOR_STATE_COUNT];
        bool is_sweeping, is_deaf; /* deaf: no descriptors left, accepts again at the next sweep */
        size_t buffered_bytes;     /* waiting for clients, over all connections */
        uint64_t body_bytes;       /* announced by clients, over all connections */
        _Atomic uint64_t connections, relays, accepted, relayed, upgraded, answered, evicted, timed_out;
};

/* Takes fd; closes it if there is no memory. */
void door_conn_open(struct door *door, int fd, const char *peer);
void door_conn_close(struct door_conn *conn);
/* Answers instead of relaying, then lingers. */
void door_conn_answer(struct door_conn *conn, int status, const char *detail);
/* The deadline of its state has passed. */
void door_conn_expire(struct door_conn *conn);
/* Moves to (or stays in) a state with a new deadline. */
void door_conn_enter(struct door_conn *conn, enum door_state state);
/* Arms the sweep of deadlines if it is not. */
void door_sweep_soon(struct door *door);

#endif
