/* The thread that owns the connections, and the socket library's callbacks, which all run on it. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/terminal/terminal_impl.h"

enum { TERMINAL_FRAME_BYTES_MAX = 16 * 1024, TERMINAL_SOCKET_BYTES = 64 * 1024, TERMINAL_GOODBYE_US = 300 * 1000 };

static void terminal_conn_free(struct terminal *t, struct terminal_conn *conn)
{
        shell_free(conn->shell);
        buf_done(&conn->text);
        mem_free(conn);
        atomic_fetch_sub(&t->shells, 1);
}

/* From a shell's own thread. */
static void terminal_news(void *ctx)
{
        terminal_thread_wake(ctx);
}

static void terminal_conn_end(struct terminal_conn *conn, const char *reason)
{
        if (conn->reason) return;
        conn->reason = reason;
        lws_callback_on_writable(conn->wsi);
}

static void terminal_welcome(struct terminal *t, struct terminal_newcomer *n)
{
        struct terminal_conn *conn = mem_zalloc(1, sizeof(*conn));
        int room = TERMINAL_SOCKET_BYTES, yes = 1;
        struct lws *wsi;

        if (!conn) {
                (void)close(n->fd);
                atomic_fetch_sub(&t->shells, 1);
                return;
        }
        buf_init(&conn->text, TERMINAL_TEXT_BYTES_MAX);
        (void)setsockopt(n->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        (void)setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        t->arriving = conn;
        wsi = lws_adopt_socket_readbuf(t->context, n->fd, n->bytes, n->size_bytes);
        if (t->arriving && wsi) lws_set_opaque_user_data(wsi, take(&t->arriving));
        if (t->arriving) terminal_conn_free(t, take(&t->arriving)); /* the library closed the socket and never told */
}

/* Everything that other threads have left. */
static void terminal_look_up(struct terminal *t)
{
        const char *reason = atomic_exchange(&t->close_reason, NULL);
        struct terminal_newcomer *list, *n;

        for (struct terminal_conn *conn = t->conns; conn; conn = conn->next) {
                if (reason) terminal_conn_end(conn, reason);
                lws_callback_on_writable(conn->wsi);
        }
        pthread_mutex_lock(&t->lock);
        list = take(&t->newcomers);
        pthread_mutex_unlock(&t->lock);
        for (n = list; n; n = n->next) terminal_welcome(t, n);
        terminal_newcomers_free(list, false);
}

static int terminal_established(struct terminal *t, struct lws *wsi)
{
        struct terminal_conn *conn = lws_get_opaque_user_data(wsi);
        struct shell_options options = {.env = (const char *const *)t->env, .on_news = terminal_news, .ctx = t};

        if (!conn) conn = take(&t->arriving);
        CHECK(conn);
        lws_set_opaque_user_data(wsi, conn);
        conn->wsi = wsi;
        conn->next = t->conns;
        t->conns = conn;
        if (shell_start(&options, &conn->shell, &conn->note)) terminal_conn_end(conn, conn->note.text);
        return 0;
}

static void terminal_gone(struct terminal *t, struct lws *wsi)
{
        struct terminal_conn *conn = lws_get_opaque_user_data(wsi);

        if (!conn) return;
        lws_set_opaque_user_data(wsi, NULL);
        for (struct terminal_conn **at = &t->conns; *at; at = &(*at)->next) {
                if (*at != conn) continue;
                *at = conn->next;
                break;
        }
        terminal_conn_free(t, conn);
}

/* The last words, once. */
static int terminal_tell_end(struct terminal_conn *conn)
{
        unsigned char frame[LWS_PRE + 2 * ERR_NOTE_BYTES];
        AUTO_BUF text;

        buf_init(&text, 2 * ERR_NOTE_BYTES - 1);
        buf_str(&text, "{\"type\":\"end\",\"reason\":");
        json_quote(&text, conn->reason);
        buf_char(&text, '}');
        conn->told = true;
        if (buf_status(&text)) return -1;
        memcpy(frame + LWS_PRE, text.data, text.size_bytes);
        return lws_write(conn->wsi, frame + LWS_PRE, text.size_bytes, LWS_WRITE_TEXT) < 0 ? -1 : 0;
}

static int terminal_write(struct terminal_conn *conn)
{
        unsigned char frame[LWS_PRE + TERMINAL_FRAME_BYTES_MAX];
        bool ended = false;
        size_t n;

        if (conn->told) {
                lws_close_reason(conn->wsi, conn->rude ? LWS_CLOSE_STATUS_POLICY_VIOLATION : LWS_CLOSE_STATUS_NORMAL, NULL, 0);
                return -1;
        }
        if (conn->reason) {
                shell_free(take(&conn->shell));
                if (terminal_tell_end(conn)) return -1;
                lws_callback_on_writable(conn->wsi);
                return 0;
        }
        n = shell_read(conn->shell, frame + LWS_PRE, TERMINAL_FRAME_BYTES_MAX, &ended);
        if (n && lws_write(conn->wsi, frame + LWS_PRE, n, LWS_WRITE_BINARY) < 0) return -1;
        if (ended) terminal_conn_end(conn, "the shell has ended");
        else if (n) lws_callback_on_writable(conn->wsi);
        return 0;
}

static enum err terminal_obey(const struct terminal_conn *conn, struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        double columns, rows;
        enum err e = json_parse(conn->text.data, conn->text.size_bytes, &j, reterr);

        if (e) return e;
        columns = json_get_num(j, "columns", 0);
        rows = json_get_num(j, "rows", 0);
        if (!str_eq(json_get_str(j, "type", ""), "size") || !(columns >= 1 && columns <= SHELL_SIDE_MAX) ||
            !(rows >= 1 && rows <= SHELL_SIDE_MAX))
                return err_note(reterr, ERR_INVAL, "a text message is {\"type\":\"size\",\"columns\":1..%d,\"rows\":1..%d}", SHELL_SIDE_MAX,
                                SHELL_SIDE_MAX);
        shell_resize(conn->shell, (unsigned)columns, (unsigned)rows);
        return ERR_OK;
}

static int terminal_received(struct terminal_conn *conn, const char *bytes, size_t size_bytes)
{
        enum err e;

        if (conn->reason || !conn->shell) return 0;
        if (lws_frame_is_binary(conn->wsi)) {
                e = shell_write(conn->shell, bytes, size_bytes);
                if (e) (void)err_note(&conn->note, e, "the shell does not read what is typed, and more than it may wait has been sent");
        } else {
                buf_append(&conn->text, bytes, size_bytes);
                e = buf_status(&conn->text);
                if (e) (void)err_note(&conn->note, e, "a text message has at most %d bytes", TERMINAL_TEXT_BYTES_MAX);
                if (!e && (!lws_is_final_fragment(conn->wsi) || lws_remaining_packet_payload(conn->wsi))) return 0;
                if (!e) e = terminal_obey(conn, &conn->note);
                buf_clear(&conn->text);
        }
        if (!e) return 0;
        conn->rude = true;
        terminal_conn_end(conn, conn->note.text);
        return 0;
}

static int terminal_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size_bytes)
{
        struct terminal *t = lws_context_user(lws_get_context(wsi));

        (void)user;
        switch (reason) {
        case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
                if (!atomic_load(&t->is_stopping)) terminal_look_up(t);
                return 0;
        case LWS_CALLBACK_ESTABLISHED: return terminal_established(t, wsi);
        case LWS_CALLBACK_SERVER_WRITEABLE: return terminal_write(lws_get_opaque_user_data(wsi));
        case LWS_CALLBACK_RECEIVE: return terminal_received(lws_get_opaque_user_data(wsi), in, size_bytes);
        case LWS_CALLBACK_WSI_DESTROY: terminal_gone(t, wsi); return 0;
        case LWS_CALLBACK_HTTP: return -1; /* not an upgrade: cannot be, it was checked */
        default: return 0;
        }
}

static const struct lws_protocols terminal_protocols[] = {
        {.name = "firedrill-terminal", .callback = terminal_event, .rx_buffer_size = 4096},
        {0},
};
static const lws_retry_bo_t terminal_idle_policy = {.secs_since_valid_ping = 20, .secs_since_valid_hangup = 50};

/* Only so that the library looks up in time. */
static void terminal_nothing(lws_sorted_usec_list_t *sul)
{
        (void)sul;
}

static void terminal_say_goodbye(struct terminal *t)
{
        lws_sorted_usec_list_t tick = {0};
        lws_usec_t until = lws_now_usecs() + TERMINAL_GOODBYE_US;

        for (struct terminal_conn *conn = t->conns; conn; conn = conn->next) terminal_conn_end(conn, "the server is stopping");
        lws_sul_schedule(t->context, 0, &tick, terminal_nothing, TERMINAL_GOODBYE_US);
        while (t->conns && lws_now_usecs() < until && lws_service(t->context, 0) >= 0) continue;
        lws_sul_cancel(&tick);
}

static void *terminal_run(void *ctx)
{
        struct terminal *t = ctx;

        while (!atomic_load(&t->is_stopping) && lws_service(t->context, 0) >= 0) continue;
        terminal_say_goodbye(t);
        return NULL;
}

enum err terminal_thread_start(struct terminal *t, struct err_note *reterr)
{
        struct lws_context_creation_info info = {
                .port = CONTEXT_PORT_NO_LISTEN_SERVER,
                .protocols = terminal_protocols,
                .user = t,
                .gid = (gid_t)-1,
                .uid = (uid_t)-1,
                .max_http_header_data = 2048,
                .timeout_secs = 10,
                .fd_limit_per_thread = TERMINAL_SHELLS_MAX + 64,
                .retry_and_idle_policy = &terminal_idle_policy,
        };
        sigset_t all, before;
        int failed;

        lws_set_log_level(0, NULL);
        t->context = lws_create_context(&info);
        if (!t->context) return err_note(reterr, ERR_NOMEM, "the WebSocket library cannot start (%s)", strerror(errno));
        (void)sigfillset(&all); /* signals belong to the program's loop */
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        failed = pthread_create(&t->thread, NULL, terminal_run, t);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!failed) return ERR_OK;
        lws_context_destroy(t->context);
        return err_note(reterr, ERR_LIMIT, "cannot start the terminal's thread: %s", strerror(failed));
}

void terminal_thread_wake(struct terminal *t)
{
        lws_cancel_service(t->context);
}

void terminal_thread_stop(struct terminal *t)
{
        atomic_store(&t->is_stopping, true);
        terminal_thread_wake(t);
        (void)pthread_join(t->thread, NULL);
        lws_context_destroy(t->context); /* WSI_DESTROY ends every shell that is left */
}
