/* The thread that owns the connections, and the socket library's callbacks, which all run on it. */
#include "server/push/push_impl.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/text/json.h"

enum {
        PUSH_BEAT_MS = 1000,
        PUSH_ASK_AGAIN_MS = 2000,
        PUSH_GOODBYE_MS = 300,
        PUSH_STUCK_MS = 30 * 1000,       /* took nothing for so long although something waits: gone */
        PUSH_WRITE_BYTES_MAX = 64 * 1024, /* a turn, so that one browser cannot hold the thread */
        PUSH_SOCKET_BYTES = 64 * 1024
};

static_assert(PUSH_MSG_FRONT_BYTES >= LWS_PRE, "the frame head is written in front of the text");

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

/* Only so that the library looks up in time. */
static void push_nothing(lws_sorted_usec_list_t *sul)
{
        (void)sul;
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

        if (atomic_load(&push->is_stopping)) {
                lws_close_reason(conn->wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
                return -1;
        }
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

/* Tells every browser that the server goes, and waits a moment for those who answer. */
static void push_say_goodbye(struct push *push)
{
        int64_t until_ms = clock_mono_ms() + PUSH_GOODBYE_MS;

        for (struct push_conn *conn = push->conns; conn; conn = conn->next) lws_callback_on_writable(conn->wsi);
        lws_sul_schedule(push->context, 0, &push->tick, push_nothing, PUSH_GOODBYE_MS * LWS_US_PER_MS);
        while (push->conns && clock_mono_ms() < until_ms && lws_service(push->context, 0) >= 0) {}
}

static void *push_thread_run(void *ctx)
{
        struct push *push = ctx;

        lws_sul_schedule(push->context, 0, &push->tick, push_tick, PUSH_BEAT_MS * LWS_US_PER_MS);
        while (!atomic_load(&push->is_stopping) && lws_service(push->context, 0) >= 0) {}
        push_say_goodbye(push);
        lws_sul_cancel(&push->tick);
        return NULL;
}

enum err push_thread_start(struct push *push, struct err_note *reterr)
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
        failed = pthread_create(&push->thread, NULL, push_thread_run, push);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!failed) return ERR_OK;
        lws_context_destroy(push->context);
        return err_note(reterr, ERR_LIMIT, "cannot start the push thread: %s", strerror(failed));
}

void push_thread_wake(struct push *push)
{
        lws_cancel_service(push->context);
}

void push_thread_stop(struct push *push)
{
        atomic_store(&push->is_stopping, true);
        push_thread_wake(push);
        pthread_join(push->thread, NULL);
        /* Here and not at the thread's end: it might be gone before the wake-up has touched it. */
        lws_context_destroy(push->context); /* WSI_DESTROY frees every connection */
}
