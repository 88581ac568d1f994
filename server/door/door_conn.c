#include "server/door/door_conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "server/door/door_text.h"

enum { DOOR_CHUNK_BYTES = 64 * 1024 };

static loop_fd_fn door_conn_on_client, door_conn_on_backend;

static void door_conn_unlink(struct door_conn *conn)
{
        struct door_list *list = &conn->door->lists[conn->state];

        if (conn->previous) conn->previous->next = conn->next;
        else list->first = conn->next;
        if (conn->next) conn->next->previous = conn->previous;
        else list->last = conn->previous;
        conn->next = conn->previous = NULL;
}

static void door_conn_link(struct door_conn *conn, enum door_state state)
{
        const struct door *door = conn->door;
        const int64_t patience_ms[DOOR_STATE_COUNT] = { [DOOR_HEAD] = door->opts.head_ms,
                                                        [DOOR_BODY] = door->opts.body_ms,
                                                        [DOOR_CONNECT] = DOOR_CONNECT_MS,
                                                        [DOOR_RELAY] = door->opts.idle_ms,
                                                        [DOOR_LINGER] = DOOR_LINGER_MS };
        struct door_list *list = &conn->door->lists[state];

        conn->state = state;
        conn->deadline_ms = clock_mono_ms() + patience_ms[state];
        conn->previous = list->last;
        if (list->last) list->last->next = conn;
        else list->first = conn;
        list->last = conn;
}

static bool door_is_relaying(enum door_state state)
{
        return state == DOOR_CONNECT || state == DOOR_RELAY;
}

void door_conn_enter(struct door_conn *conn, enum door_state state)
{
        int change = door_is_relaying(state) - door_is_relaying(conn->state);

        if (change) atomic_fetch_add(&conn->door->relays, (uint64_t)(int64_t)change);
        door_conn_unlink(conn);
        door_conn_link(conn, state);
}

static void door_side_close(struct door_side *side)
{
        loop_fd_remove(side->handle);
        if (side->fd >= 0) close(side->fd);
        *side = (struct door_side){ .fd = -1 };
}

static void door_side_want(struct door_side *side, uint32_t events)
{
        if (!side->handle || side->events == events) return;
        side->events = events;
        loop_fd_events(side->handle, events);
}

void door_conn_close(struct door_conn *conn)
{
        struct door *door = conn->door;

        if (door_is_relaying(conn->state)) atomic_fetch_sub(&door->relays, 1);
        door_conn_unlink(conn);
        door->buffered_bytes -= conn->down.size_bytes - conn->down_at;
        door->body_bytes -= conn->body_bytes;
        door_side_close(&conn->client);
        door_side_close(&conn->backend);
        buf_done(&conn->up);
        buf_done(&conn->down);
        mem_free(conn);
        atomic_fetch_sub(&door->connections, 1);
        if (door->is_deaf) { /* there is room again */
                door->is_deaf = false;
                loop_fd_events(door->listener.handle, EPOLLIN);
        }
}

void door_conn_open(struct door *door, int fd, const char *peer)
{
        struct door_conn *conn = mem_zalloc(1, sizeof *conn);

        if (!conn) {
                close(fd);
                return;
        }
        conn->door = door;
        conn->client = (struct door_side){ .fd = fd, .events = EPOLLIN };
        conn->backend.fd = -1;
        str_cut(conn->peer, sizeof conn->peer, peer);
        buf_init(&conn->up, HEAD_BYTES_MAX + DOOR_CHUNK_BYTES + door->opts.body_bytes_max);
        buf_init(&conn->down, DOOR_DOWN_BYTES_MAX + 16 * DOOR_CHUNK_BYTES);
        atomic_fetch_add(&door->connections, 1);
        door_conn_link(conn, DOOR_HEAD);
        if (loop_fd_add(door->loop, fd, EPOLLIN, door_conn_on_client, conn, &conn->client.handle)) {
                door_conn_close(conn);
                return;
        }
        door_sweep_soon(door);
}

/* ---- towards the client ---- */

/* What was received for the client: sent at once when nothing waits before it, else kept. False: the client is gone. */
static bool door_conn_put(struct door_conn *conn, const char *bytes, size_t size_bytes)
{
        size_t sent = 0;

        conn->down_bytes += size_bytes;
        if (conn->down.size_bytes == conn->down_at) {
                ssize_t n = send(conn->client.fd, bytes, size_bytes, MSG_NOSIGNAL);

                if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
                if (n > 0) sent = (size_t)n;
        }
        if (sent == size_bytes) return true;
        if (conn->down_at) {
                buf_consume(&conn->down, conn->down_at);
                conn->down_at = 0;
        }
        buf_append(&conn->down, bytes + sent, size_bytes - sent);
        if (buf_status(&conn->down)) return false;
        conn->door->buffered_bytes += size_bytes - sent;
        return true;
}

static bool door_conn_flush(struct door_conn *conn)
{
        while (conn->down_at < conn->down.size_bytes) {
                ssize_t n = send(conn->client.fd, conn->down.data + conn->down_at, conn->down.size_bytes - conn->down_at,
                                 MSG_NOSIGNAL);

                if (n < 0) return errno == EAGAIN || errno == EINTR;
                conn->down_at += (size_t)n;
                conn->door->buffered_bytes -= (size_t)n;
        }
        buf_clear(&conn->down);
        conn->down_at = 0;
        return true;
}

/* Everything is said: our half is shut, the client's half is read out so that no reset destroys the answer. */
static void door_conn_linger(struct door_conn *conn)
{
        door_side_close(&conn->backend);
        if (conn->state != DOOR_LINGER) door_conn_enter(conn, DOOR_LINGER);
        if (conn->down.size_bytes > conn->down_at) {
                door_side_want(&conn->client, EPOLLOUT);
                return;
        }
        if (!conn->is_shut) shutdown(conn->client.fd, SHUT_WR);
        conn->is_shut = true;
        door_side_want(&conn->client, EPOLLIN);
}

void door_conn_answer(struct door_conn *conn, int status, const char *detail)
{
        AUTO_BUF text;

        buf_init(&text, 8192);
        door_text_answer(&text, status, detail);
        atomic_fetch_add(&conn->door->answered, 1);
        if (buf_status(&text) || !door_conn_put(conn, text.data, text.size_bytes)) door_conn_close(conn);
        else door_conn_linger(conn);
}

static void door_conn_drain(struct door_conn *conn)
{
        char chunk[16 * 1024];
        ssize_t n = recv(conn->client.fd, chunk, sizeof chunk, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n > 0) conn->linger_bytes += (size_t)n;
        if (n <= 0 || conn->linger_bytes > DOOR_LINGER_BYTES_MAX) door_conn_close(conn);
}

/* ---- the relay ---- */

static void door_conn_watch(struct door_conn *conn)
{
        size_t up = conn->up.size_bytes - conn->up_at, down = conn->down.size_bytes - conn->down_at;
        size_t down_max = conn->door->buffered_bytes > DOOR_TOTAL_BYTES_MAX ? DOOR_DOWN_BYTES_SHORT : DOOR_DOWN_BYTES_MAX;

        door_side_want(&conn->client, down ? EPOLLOUT : 0);
        door_side_want(&conn->backend, (up || conn->state == DOOR_CONNECT ? EPOLLOUT : 0) |
                                               (conn->state == DOOR_RELAY && down < down_max ? EPOLLIN : 0));
}

/* Sends what waits for the HTTP server. False: it is gone. */
static bool door_conn_pump_up(struct door_conn *conn)
{
        while (conn->up_at < conn->up.size_bytes) {
                ssize_t n = send(conn->backend.fd, conn->up.data + conn->up_at, conn->up.size_bytes - conn->up_at, MSG_NOSIGNAL);

                if (n < 0) return errno == EAGAIN || errno == EINTR;
                conn->up_at += (size_t)n;
        }
        buf_clear(&conn->up);
        conn->up_at = 0;
        return true;
}

static void door_conn_read_answer(struct door_conn *conn)
{
        char chunk[DOOR_CHUNK_BYTES];
        ssize_t n = recv(conn->backend.fd, chunk, sizeof chunk, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
                door_side_close(&conn->backend);
                if (!conn->down_bytes) {
                        door_conn_answer(conn, 502, "the server closed the connection without an answer");
                } else if (conn->down.size_bytes == conn->down_at) {
                        door_conn_linger(conn);
                } else {
                        door_conn_watch(conn);
                }
                return;
        }
        if (!door_conn_put(conn, chunk, (size_t)n)) {
                door_conn_close(conn);
                return;
        }
        door_conn_enter(conn, DOOR_RELAY);
        door_conn_watch(conn);
}

static void door_conn_on_backend(void *ctx, uint32_t events)
{
        struct door_conn *conn = ctx;

        if (conn->state == DOOR_CONNECT) {
                if (sock_error(conn->backend.fd)) {
                        door_conn_answer(conn, 502, "the HTTP part of the server does not answer; look at its log");
                        return;
                }
                door_conn_enter(conn, DOOR_RELAY);
                atomic_fetch_add(&conn->door->relayed, 1);
        }
        if (events & EPOLLOUT && !door_conn_pump_up(conn)) { /* it wants no more, but may have answered */
                buf_clear(&conn->up);
                conn->up_at = 0;
        }
        /* An error or hang-up is reported whether wanted or not: read, so that it ends. */
        if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) door_conn_read_answer(conn);
        else door_conn_watch(conn);
}

static bool door_knows_method(struct head_text method)
{
        static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

        for (size_t i = 0; i < ARRAY_COUNT(known); i++)
                if (head_text_is(method, known[i])) return true;
        return false;
}

/* The request is whole: on to the HTTP server. */
static void door_conn_connect(struct door_conn *conn)
{
        struct door *door = conn->door;
        int room = DOOR_SOCKET_BYTES;

        if (atomic_load(&door->relays) >= door->opts.relays_max) {
                door_conn_answer(conn, 503, "too many requests are under way; try again in a second");
                return;
        }
        if (sock_connect_tcp("127.0.0.1", door->opts.backend_port, &conn->backend.fd, NULL) ||
            loop_fd_add(door->loop, conn->backend.fd, EPOLLOUT, door_conn_on_backend, conn, &conn->backend.handle)) {
                door_conn_answer(conn, 503, "the server is short of memory or descriptors; try again in a second");
                return;
        }
        (void)setsockopt(conn->backend.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        conn->backend.events = EPOLLOUT;
        door_conn_enter(conn, DOOR_CONNECT);
        door_conn_watch(conn);
}

static void door_conn_read_body(struct door_conn *conn)
{
        char chunk[16 * 1024];
        ssize_t n = recv(conn->client.fd, chunk, MIN(conn->body_left, sizeof chunk), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n > 0) buf_append(&conn->up, chunk, (size_t)n);
        if (n <= 0 || buf_status(&conn->up)) { /* the body will never be whole */
                door_conn_close(conn);
                return;
        }
        conn->body_left -= (uint64_t)n;
        if (!conn->body_left) door_conn_connect(conn);
}

/* Why a request with a readable head is not taken; 0: it is. */
static int door_conn_objection(struct door_conn *conn, const struct head *head, const char **ret_why)
{
        struct head_text expectation = head_find(head, "Expect");

        if (!door_knows_method(head->method)) {
                *ret_why = "this method is not known here; use GET, HEAD, POST, PUT, PATCH or DELETE";
                return 501;
        }
        if (head->content_length > conn->door->opts.body_bytes_max) {
                *ret_why = "the body of the request is too large";
                return 413;
        }
        if (expectation.at && !head_text_is_like(expectation, "100-continue")) {
                *ret_why = "only 'Expect: 100-continue' is understood";
                return 417;
        }
        if (conn->door->body_bytes + head->content_length > DOOR_BODIES_BYTES_MAX) {
                *ret_why = "too many bodies are being received; try again in a second";
                return 503;
        }
        return 0;
}

static void door_conn_relay(struct door_conn *conn, const struct head *head)
{
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        size_t extra_bytes = (size_t)MIN((uint64_t)(conn->up.size_bytes - head->size_bytes), head->content_length);
        bool expects = head_find(head, "Expect").at != NULL;
        const char *why = "";
        int status = door_conn_objection(conn, head, &why);
        AUTO_BUF text;

        buf_init(&text, conn->up.max_bytes);
        if (status) {
                door_conn_answer(conn, status, why);
                return;
        }
        door_text_head(&text, head, conn->peer, conn->door->key);
        buf_append(&text, conn->up.data + head->size_bytes, extra_bytes);
        if (buf_status(&text)) {
                door_conn_answer(conn, 503, "the server is short of memory; try again in a second");
                return;
        }
        conn->body_bytes = head->content_length;
        conn->body_left = head->content_length - extra_bytes;
        conn->door->body_bytes += conn->body_bytes;
        buf_done(&conn->up); /* head points into it: no more use of head from here */
        conn->up = text;
        buf_init(&text, 0);
        if (!conn->body_left) {
                door_conn_connect(conn);
                return;
        }
        door_conn_enter(conn, DOOR_BODY);
        if (expects && send(conn->client.fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL) < 0) door_conn_close(conn);
}

/* ---- the head ---- */

static void door_conn_upgrade(struct door_conn *conn, const struct head *head)
{
        struct door *door = conn->door;
        struct err_note note = { 0 };
        enum err e;

        loop_fd_remove(take(&conn->client.handle)); /* before the taker's thread may touch it */
        e = door->opts.upgrade(door->opts.ctx, conn->client.fd, head, conn->up.data + head->size_bytes,
                               conn->up.size_bytes - head->size_bytes, &note);
        if (!e) {
                conn->client.fd = -1;
                atomic_fetch_add(&door->upgraded, 1);
                door_conn_close(conn);
                return;
        }
        if (loop_fd_add(door->loop, conn->client.fd, EPOLLIN, door_conn_on_client, conn, &conn->client.handle)) {
                door_conn_close(conn);
                return;
        }
        conn->client.events = EPOLLIN;
        door_conn_answer(conn,
                         e == ERR_DENIED ? 403 : e == ERR_NOT_FOUND ? 404 : e == ERR_UNSUPPORTED ? 426 : e == ERR_INVAL ? 400 : 503,
                         note.text);
}

/* "/ws" and what is below it. */
static bool door_path_is_socket(struct head_text path)
{
        return head_text_is(path, "/ws") || (path.size_bytes > 4 && memcmp(path.at, "/ws/", 4) == 0);
}

static void door_conn_read_head(struct door_conn *conn)
{
        char chunk[HEAD_BYTES_MAX];
        size_t before = conn->up.size_bytes, end;
        ssize_t n = recv(conn->client.fd, chunk, sizeof chunk, 0);
        struct err_note note = { 0 };
        struct head head;
        int status = 400;

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) { /* left without asking; or a part of a head, which cannot be answered sensibly */
                door_conn_close(conn);
                return;
        }
        buf_append(&conn->up, chunk, (size_t)n);
        if (buf_status(&conn->up)) {
                door_conn_close(conn);
                return;
        }
        end = head_end(conn->up.data, conn->up.size_bytes, before);
        if (!head_may_begin(conn->up.data, conn->up.size_bytes)) {
                door_conn_answer(conn, 400, "this is not an HTTP request; this port speaks plain HTTP");
        } else if (!end && conn->up.size_bytes > HEAD_BYTES_MAX) {
                door_conn_answer(conn, 431, "the head of the request is longer than 16 KiB");
        } else if (end && head_parse(conn->up.data, end, &head, &status, &note)) {
                door_conn_answer(conn, status, note.text);
        } else if (end && conn->door->opts.upgrade && door_path_is_socket(head.path)) {
                door_conn_upgrade(conn, &head);
        } else if (end) {
                door_conn_relay(conn, &head);
        }
}

static void door_conn_on_client(void *ctx, uint32_t events)
{
        struct door_conn *conn = ctx;

        if (events & (EPOLLERR | EPOLLHUP)) { /* both halves are shut: nothing can be delivered any more */
                door_conn_close(conn);
                return;
        }
        switch (conn->state) {
        case DOOR_HEAD:
                door_conn_read_head(conn);
                return;
        case DOOR_BODY:
                door_conn_read_body(conn);
                return;
        case DOOR_CONNECT:
        case DOOR_RELAY:
                if (!(events & EPOLLOUT)) return;
                if (!door_conn_flush(conn)) {
                        door_conn_close(conn);
                        return;
                }
                door_conn_enter(conn, conn->state);
                if (conn->backend.fd < 0 && conn->down.size_bytes == 0) door_conn_linger(conn);
                else door_conn_watch(conn);
                return;
        case DOOR_LINGER:
                if (events & EPOLLOUT) {
                        if (door_conn_flush(conn)) door_conn_linger(conn);
                        else door_conn_close(conn);
                } else {
                        door_conn_drain(conn);
                }
                return;
        case DOOR_STATE_COUNT:
                break;
        }
        CHECK(!"a state of the table");
}

void door_conn_expire(struct door_conn *conn)
{
        atomic_fetch_add(&conn->door->timed_out, conn->state != DOOR_LINGER);
        if (conn->state == DOOR_HEAD && conn->up.size_bytes)
                door_conn_answer(conn, 408, "the head of the request did not arrive in time");
        else if (conn->state == DOOR_BODY)
                door_conn_answer(conn, 408, "the body of the request did not arrive in time");
        else if (conn->state == DOOR_CONNECT)
                door_conn_answer(conn, 503, "the server is too busy to take the request; try again in a second");
        else
                door_conn_close(conn);
}
