/* The thread and its socket library. Hand-over from other threads is one locked inbox; the thread is woken once a batch. */
#include "server/push/push.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
/* OpenSSL's headers, which come along, have a type of the name of one of our errors. */
#define ERR_STATE push_openssl_err_state
#include <libwebsockets.h>
#undef ERR_STATE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/entropy.h"
#include "common/text/json.h"
#include "server/push/push_conn.h"
#include "server/push/push_guest.h"

enum {
        PUSH_BEAT_MS = 1000,
        PUSH_ASK_AGAIN_MS = 2000,
        PUSH_STUCK_MS = 30 * 1000,       /* took nothing for so long although something waits: gone */
        PUSH_WRITE_BYTES_MAX = 64 * 1024, /* a turn, so that one browser cannot hold the thread */
        PUSH_SOCKET_BYTES = 64 * 1024
};

static_assert(PUSH_MSG_FRONT_BYTES >= LWS_PRE, "the frame head is written in front of the text");

struct push_inbox {
        pthread_mutex_t lock;
        struct push_msg *first, *last;
        size_t count, size_bytes;
        struct push_guest *guests; /* adopted, newest first */
        uint64_t seq;              /* of the last message numbered */
        bool is_lossy;             /* something did not fit: everybody resyncs */
        bool is_woken;             /* the thread has been told that there is something */
};

struct push {
        struct push_opts opts;
        struct lws_context *context;
        pthread_t thread;
        struct push_inbox inbox;
        struct push_stream stream;
        struct push_conn *conns;
        struct push_conn *arriving; /* while its socket is being adopted */
        int64_t asked_ms, beat_ms;  /* asked_ms 0: no snapshot is awaited */
        lws_sorted_usec_list_t tick;
        _Atomic uint64_t connections, adopted, refused, published, lost, delivered, resyncs, snapshots;
        _Atomic bool is_stopping;
};

static void push_wake(struct push *push)
{
        lws_cancel_service(push->context);
}

/* Called with the lock held. */
static bool push_inbox_must_wake(struct push_inbox *inbox)
{
        bool must = !inbox->is_woken;

        inbox->is_woken = true;
        return must;
}

static enum err push_submit(struct push *push, struct push_msg *msg, bool is_snapshot)
{
        struct push_inbox *inbox = &push->inbox;
        bool fits, wake;

        pthread_mutex_lock(&inbox->lock);
        fits = msg && inbox->count < PUSH_INBOX_MESSAGES_MAX &&
               inbox->size_bytes + msg->size_bytes <= PUSH_INBOX_BYTES_MAX;
        if (!is_snapshot) inbox->seq++; /* a lost message leaves its number behind, so that resume cannot skip it unseen */
        if (fits) {
                push_msg_number(msg, inbox->seq);
                if (inbox->last) inbox->last->next = msg;
                else inbox->first = msg;
                inbox->last = msg;
                inbox->count++;
                inbox->size_bytes += msg->size_bytes;
        } else if (!is_snapshot) {
                inbox->is_lossy = true;
        }
        wake = push_inbox_must_wake(inbox);
        pthread_mutex_unlock(&inbox->lock);
        if (wake) push_wake(push);
        if (fits) return ERR_OK;
        if (!is_snapshot) atomic_fetch_add(&push->lost, 1);
        if (!msg) return ERR_NOMEM;
        push_msg_unref(msg);
        return ERR_LIMIT;
}

enum err push_publish(struct push *push, enum push_type type, const char *data_json)
{
        struct push_msg *msg = NULL;
        bool fits = strlen(data_json) <= PUSH_DATA_BYTES_MAX;
        enum err e;

        CHECK(type != PUSH_SNAPSHOT && type != PUSH_BEAT);
        if (fits) msg = push_msg_new(type, clock_wall_ms(), NULL, data_json);
        e = push_submit(push, msg, false);
        if (!e) atomic_fetch_add(&push->published, 1);
        return fits ? e : ERR_LIMIT;
}

enum err push_snapshot(struct push *push, const char *data_json)
{
        char epoch[PUSH_EPOCH_BYTES + 16];

        if (strlen(data_json) > PUSH_SNAPSHOT_BYTES_MAX) return ERR_LIMIT;
        snprintf(epoch, sizeof epoch, "\"epoch\":\"%s\"", push->stream.epoch);
        return push_submit(push, push_msg_new(PUSH_SNAPSHOT, clock_wall_ms(), epoch, data_json), true);
}

enum err push_adopt(struct push *push, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                    struct err_note *reterr)
{
        struct push_guest *guest = NULL;
        size_t taken;
        bool wake;
        enum err e = push_guest_new(push->opts.guard, fd, head, extra, extra_bytes, &guest, reterr);

        if (!e) {
                taken = atomic_fetch_add(&push->connections, 1);
                if (taken >= push->opts.connections_max) {
                        atomic_fetch_sub(&push->connections, 1);
                        push_guest_free(guest);
                        e = err_note(reterr, ERR_LIMIT, "%zu browsers are connected, no more are taken",
                                     push->opts.connections_max);
                }
        }
        if (e) {
                atomic_fetch_add(&push->refused, 1);
                return e;
        }
        pthread_mutex_lock(&push->inbox.lock);
        guest->next = push->inbox.guests;
        push->inbox.guests = guest;
        wake = push_inbox_must_wake(&push->inbox);
        pthread_mutex_unlock(&push->inbox.lock);
        if (wake) push_wake(push);
        return ERR_OK;
}

/* ---- on the push thread ---- */

static void push_want_write(struct push_conn *conn)
{
        if (push_conn_peek(conn) || conn->state == PUSH_CONN_CLOSING) lws_callback_on_writable(conn->wsi);
}

static void push_ask(struct push *push)
{
        push->asked_ms = clock_mono_ms();
        push->opts.snapshot_wanted(push->opts.ctx);
}

static void push_welcome(struct push *push, struct push_guest *guest)
{
        struct push_conn *conn = push_conn_new(clock_mono_ms());
        int room = PUSH_SOCKET_BYTES, yes = 1, patience_ms = PUSH_STUCK_MS;
        int fd = guest->fd;

        if (!conn) {
                close(fd);
                atomic_fetch_sub(&push->connections, 1);
                push_guest_free(guest);
                return;
        }
        /* A slow browser's backlog belongs into its bounded queue, not into megabytes of kernel memory. */
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
        if (guest->has_resume) (void)push_conn_resume(conn, &push->stream, guest->epoch, guest->seq);
        push->arriving = conn;
        struct lws *wsi = lws_adopt_socket_readbuf(push->context, fd, guest->bytes, guest->size_bytes);
        if (push->arriving && wsi) lws_set_opaque_user_data(wsi, take(&push->arriving));
        if (push->arriving) { /* the library closed the socket and never told */
                push_conn_free(take(&push->arriving));
                atomic_fetch_sub(&push->connections, 1);
        }
        push_guest_free(guest);
}

static void push_deliver(struct push *push, struct push_msg *msg)
{
        for (struct push_conn *conn = push->conns; conn; conn = conn->next) {
                if (msg->type == PUSH_SNAPSHOT) (void)push_conn_snapshot(conn, msg);
                else if (push_conn_offer(conn, msg)) atomic_fetch_add(&push->resyncs, 1);
        }
        if (msg->type == PUSH_SNAPSHOT) {
                push->asked_ms = 0;
                atomic_fetch_add(&push->snapshots, 1);
                return;
        }
        push->stream.last_seq = msg->seq;
        push_ring_add(&push->stream.ring, msg);
}

static void push_resync_all(struct push *push)
{
        push_ring_done(&push->stream.ring);
        for (struct push_conn *conn = push->conns; conn; conn = conn->next) push_conn_resync(conn);
}

static void push_ask_if_wanted(struct push *push, int64_t now_ms)
{
        if (push->asked_ms && now_ms - push->asked_ms < PUSH_ASK_AGAIN_MS) return;
        for (struct push_conn *conn = push->conns; conn; conn = conn->next) {
                if (conn->state != PUSH_CONN_WAITING) continue;
                push_ask(push);
                return;
        }
}

/* Everything that other threads have left. */
static void push_take_inbox(struct push *push)
{
        struct push_inbox *inbox = &push->inbox;
        struct push_msg *msg;
        struct push_guest *guest;
        uint64_t seq;
        bool is_lossy;

        pthread_mutex_lock(&inbox->lock);
        msg = take(&inbox->first);
        inbox->last = NULL;
        inbox->count = inbox->size_bytes = 0;
        guest = take(&inbox->guests);
        is_lossy = take(&inbox->is_lossy);
        seq = inbox->seq;
        inbox->is_woken = false;
        pthread_mutex_unlock(&inbox->lock);
        while (msg) {
                struct push_msg *next = take(&msg->next);

                push_deliver(push, msg);
                push_msg_unref(msg);
                msg = next;
        }
        if (is_lossy) { /* after the batch: its snapshots are older than the loss */
                push->stream.last_seq = seq;
                push_resync_all(push);
        }
        while (guest) {
                struct push_guest *next = guest->next;

                push_welcome(push, guest);
                guest = next;
        }
        for (struct push_conn *conn = push->conns; conn; conn = conn->next) push_want_write(conn);
        push_ask_if_wanted(push, clock_mono_ms());
}

static void push_tick_conn(struct push_conn *conn, struct push_msg *beat, int64_t now_ms)
{
        conn->input_count = 0;
        if (!push_conn_peek(conn)) {
                conn->progress_ms = now_ms;
                if (conn->state == PUSH_CONN_LIVE && beat && now_ms - conn->sent_ms >= PUSH_BEAT_MS)
                        push_conn_tell(conn, beat);
        } else if (now_ms - conn->progress_ms > PUSH_STUCK_MS) {
                lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        }
        push_want_write(conn);
}

static void push_tick(lws_sorted_usec_list_t *sul)
{
        struct push *push = lws_container_of(sul, struct push, tick);
        struct push_msg *beat = push_msg_new(PUSH_BEAT, clock_wall_ms(), NULL, "{}");
        int64_t now_ms = clock_mono_ms();

        if (beat) push_msg_number(beat, push->stream.last_seq);
        for (struct push_conn *conn = push->conns; conn; conn = conn->next) push_tick_conn(conn, beat, now_ms);
        push_msg_unref(beat);
        push_ask_if_wanted(push, now_ms);
        lws_sul_schedule(push->context, 0, &push->tick, push_tick, PUSH_BEAT_MS * LWS_US_PER_MS);
}

static int push_established(struct push *push, struct lws *wsi)
{
        struct push_conn *conn = lws_get_opaque_user_data(wsi);

        if (!conn) conn = take(&push->arriving);
        CHECK(conn);
        lws_set_opaque_user_data(wsi, conn);
        conn->wsi = wsi;
        conn->next = push->conns;
        if (conn->next) conn->next->previous = conn;
        push->conns = conn;
        atomic_fetch_add(&push->adopted, 1);
        push_want_write(conn);
        if (conn->state == PUSH_CONN_WAITING && !push->asked_ms) push_ask(push);
        return 0;
}

static void push_gone(struct push *push, struct lws *wsi)
{
        struct push_conn *conn = lws_get_opaque_user_data(wsi);

        if (!conn) return;
        lws_set_opaque_user_data(wsi, NULL);
        if (conn->wsi) { /* it was in the list */
                if (conn->next) conn->next->previous = conn->previous;
                if (conn->previous) conn->previous->next = conn->next;
                else push->conns = conn->next;
        }
        push_conn_free(conn);
        atomic_fetch_sub(&push->connections, 1);
}

static int push_write(struct push *push, struct push_conn *conn)
{
        size_t written = 0;
        struct push_msg *msg;

        while ((msg = push_conn_peek(conn)) && written < PUSH_WRITE_BYTES_MAX && !lws_send_pipe_choked(conn->wsi)) {
                /* All frames are text and unmasked, so each connection writes the same head in front of the shared text. */
                if (lws_write(conn->wsi, (unsigned char *)msg->text, msg->size_bytes, LWS_WRITE_TEXT) < 0) return -1;
                written += msg->size_bytes;
                push_conn_sent(conn, clock_mono_ms());
                atomic_fetch_add_explicit(&push->delivered, 1, memory_order_relaxed);
        }
        if (push_conn_peek(conn)) {
                lws_callback_on_writable(conn->wsi);
        } else if (conn->state == PUSH_CONN_CLOSING) {
                lws_close_reason(conn->wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
                return -1;
        }
        return 0;
}

/* A browser that breaks a rule is told which, then closed. */
static void push_refuse(struct push *push, struct push_conn *conn, const struct err_note *note)
{
        AUTO_BUF text;
        struct push_msg *msg = NULL;

        conn->state = PUSH_CONN_CLOSING;
        buf_init(&text, 2 * ERR_NOTE_BYTES);
        buf_str(&text, "{\"level\":\"error\",\"text\":");
        json_quote(&text, note->text);
        buf_char(&text, '}');
        if (!buf_status(&text)) msg = push_msg_new(PUSH_NOTICE, clock_wall_ms(), NULL, text.data);
        if (msg) {
                push_msg_number(msg, push->stream.last_seq);
                push_conn_tell(conn, msg);
        }
        push_msg_unref(msg);
        lws_callback_on_writable(conn->wsi);
}

static int push_received(struct push *push, struct push_conn *conn, const char *bytes, size_t size_bytes)
{
        struct err_note note = { 0 };
        enum err e;

        if (conn->state == PUSH_CONN_CLOSING) return 0;
        if (lws_frame_is_binary(conn->wsi)) {
                e = err_note(&note, ERR_PARSE, "messages are JSON text, not binary");
        } else {
                e = push_conn_receive(conn, &push->stream, bytes, size_bytes,
                                      lws_is_final_fragment(conn->wsi) && !lws_remaining_packet_payload(conn->wsi), &note);
        }
        if (e) push_refuse(push, conn, &note);
        else push_want_write(conn);
        return 0;
}

static int push_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size_bytes)
{
        struct push *push = lws_context_user(lws_get_context(wsi));

        (void)user;
        switch (reason) {
        case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
                if (!atomic_load(&push->is_stopping)) push_take_inbox(push);
                return 0;
        case LWS_CALLBACK_ESTABLISHED:
                return push_established(push, wsi);
        case LWS_CALLBACK_SERVER_WRITEABLE:
                return push_write(push, lws_get_opaque_user_data(wsi));
        case LWS_CALLBACK_RECEIVE:
                return push_received(push, lws_get_opaque_user_data(wsi), in, size_bytes);
        case LWS_CALLBACK_WSI_DESTROY:
                push_gone(push, wsi);
                return 0;
        case LWS_CALLBACK_HTTP: /* not an upgrade: cannot be, the door and push_guest have seen to it */
                return -1;
        default:
                return 0;
        }
}

static const struct lws_protocols push_protocols[] = {
        { .name = "firedrill", .callback = push_event, .rx_buffer_size = PUSH_INPUT_BYTES_MAX },
        { 0 },
};

static const lws_retry_bo_t push_idle_policy = { .secs_since_valid_ping = 20, .secs_since_valid_hangup = 50 };

static void *push_thread(void *ctx)
{
        struct push *push = ctx;

        lws_sul_schedule(push->context, 0, &push->tick, push_tick, PUSH_BEAT_MS * LWS_US_PER_MS);
        while (!atomic_load(&push->is_stopping) && lws_service(push->context, 0) >= 0) {}
        lws_sul_cancel(&push->tick);
        for (struct push_conn *conn = push->conns; conn; conn = conn->next)
                lws_close_reason(conn->wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
        lws_context_destroy(push->context); /* WSI_DESTROY frees every connection */
        return NULL;
}

static enum err push_open(struct push *push, struct err_note *reterr)
{
        struct lws_context_creation_info info = {
                .port = CONTEXT_PORT_NO_LISTEN_SERVER,
                .protocols = push_protocols,
                .user = push,
                .gid = (gid_t)-1,
                .uid = (uid_t)-1,
                .max_http_header_data = 2048,
                .timeout_secs = 10,
                .fd_limit_per_thread = (unsigned)push->opts.connections_max + 64,
                .retry_and_idle_policy = &push_idle_policy,
        };
        sigset_t all, before;
        int failed;

        lws_set_log_level(0, NULL);
        push->context = lws_create_context(&info);
        if (!push->context) return err_note(reterr, ERR_NOMEM, "the WebSocket library cannot start (%s)", strerror(errno));
        sigfillset(&all); /* signals belong to the program's loop */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        failed = pthread_create(&push->thread, NULL, push_thread, push);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!failed) return ERR_OK;
        lws_context_destroy(push->context);
        return err_note(reterr, ERR_LIMIT, "cannot start the push thread: %s", strerror(failed));
}

enum err push_new(const struct push_opts *opts, struct push **ret, struct err_note *reterr)
{
        struct push *push;
        enum err e;

        CHECK(opts->guard && opts->snapshot_wanted && opts->connections_max <= PUSH_CONNECTIONS_MAX);
        push = mem_zalloc(1, sizeof *push);
        if (!push) return err_note(reterr, ERR_NOMEM, "no memory for the push room");
        push->opts = *opts;
        if (!push->opts.connections_max) push->opts.connections_max = 1000;
        entropy_hex(push->stream.epoch, (PUSH_EPOCH_BYTES - 1) / 2);
        pthread_mutex_init(&push->inbox.lock, NULL);
        e = fault_point() ? err_note(reterr, ERR_IO, "a test wants no push") : push_open(push, reterr);
        if (e) {
                pthread_mutex_destroy(&push->inbox.lock);
                mem_free(push);
                return e;
        }
        *ret = push;
        return ERR_OK;
}

void push_free(struct push *push)
{
        struct push_inbox *inbox;

        if (!push) return;
        inbox = &push->inbox;
        atomic_store(&push->is_stopping, true);
        push_wake(push);
        pthread_join(push->thread, NULL);
        while (inbox->first) {
                struct push_msg *msg = inbox->first;

                inbox->first = msg->next;
                push_msg_unref(msg);
        }
        while (inbox->guests) {
                struct push_guest *guest = inbox->guests;

                inbox->guests = guest->next;
                close(guest->fd);
                push_guest_free(guest);
        }
        push_ring_done(&push->stream.ring);
        pthread_mutex_destroy(&inbox->lock);
        mem_free(push);
}

void push_epoch(const struct push *push, char dst[static PUSH_EPOCH_BYTES])
{
        memcpy(dst, push->stream.epoch, PUSH_EPOCH_BYTES);
}

void push_stats_get(struct push *push, struct push_stats *ret)
{
        *ret = (struct push_stats){
                .connections = atomic_load(&push->connections),
                .adopted = atomic_load(&push->adopted),
                .refused = atomic_load(&push->refused),
                .published = atomic_load(&push->published),
                .lost = atomic_load(&push->lost),
                .delivered = atomic_load(&push->delivered),
                .resyncs = atomic_load(&push->resyncs),
                .snapshots = atomic_load(&push->snapshots),
        };
}
