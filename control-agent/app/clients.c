/* clients: the control socket: who may connect, lines in, answers and events out. A request outlives its client: an
 * answer to somebody who left is dropped. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/line.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "control-agent/app/agent.h"

struct client {
        struct agent *agent;
        uint64_t number; /* never used twice */
        struct line *line;
        bool watches;
};

struct request {
        struct agent *agent;
        uint64_t client;
        struct json *id;
};

static struct client *client_find(struct agent *a, uint64_t number)
{
        for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
                if (a->clients[i] && a->clients[i]->number == number) return a->clients[i];
        return NULL;
}

static void client_free(struct client *c)
{
        struct agent *a = c->agent;

        for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
                if (a->clients[i] == c) a->clients[i] = NULL;
        line_free(c->line);
        mem_free(c);
}

/* Takes j. A line that cannot be sent ends the connection by itself. */
static void send_json(const struct client *c, struct json *j)
{
        AUTO_BUF b;

        buf_init(&b, AGENT_LINE_BYTES_MAX);
        if (c && !json_print(j, &b)) (void)!line_send(c->line, b.data, b.size_bytes);
        json_free(j);
}

static struct json *answer_new(struct request *request, bool ok)
{
        struct json *j = json_object();

        json_set(j, "id", take(&request->id));
        json_set_bool(j, "ok", ok);
        return j;
}

static void request_free(struct request *request)
{
        json_free(request->id);
        mem_free(request);
}

void request_done(struct request *request, struct json *result)
{
        struct json *j = answer_new(request, true);

        json_set(j, "result", result);
        send_json(client_find(request->agent, request->client), j);
        request_free(request);
}

void request_fail(struct request *request, enum err e, const char *detail)
{
        struct json *j = answer_new(request, false), *error = json_object();

        json_set_str(error, "code", err_name(e));
        json_set_str(error, "detail", *detail ? detail : err_text(e));
        json_set(j, "error", error);
        send_json(client_find(request->agent, request->client), j);
        request_free(request);
}

void request_progress(const struct request *request, const char *text)
{
        struct json *j = json_object();

        json_set(j, "id", json_clone(request->id));
        json_set_str(j, "progress", text);
        send_json(client_find(request->agent, request->client), j);
}

void request_watch(const struct request *request)
{
        struct client *c = client_find(request->agent, request->client);

        if (c) c->watches = true;
}

void agent_tell(struct agent *a, struct json *event)
{
        AUTO_BUF b;

        buf_init(&b, AGENT_LINE_BYTES_MAX);
        if (!json_print(event, &b))
                for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
                        if (a->clients[i] && a->clients[i]->watches)
                                (void)!line_send(a->clients[i]->line, b.data, b.size_bytes);
        json_free(event);
}

static void on_line(void *ctx, const char *text, size_t size_bytes)
{
        struct client *c = ctx;
        struct request *request = mem_zalloc(1, sizeof(*request));
        struct json *body = NULL;
        struct err_note note;
        enum err e;

        if (!request) return; /* the client's own deadline tells it */
        *request = (struct request){.agent = c->agent, .client = c->number};
        e = json_parse(text, size_bytes, &body, &note);
        if (!e && !json_is(body, JSON_OBJECT)) e = err_note(&note, ERR_PARSE, "a request must be a JSON object");
        request->id = e ? json_null() : json_clone(json_get(body, "id"));
        if (!e && !json_get(body, "id")) e = err_note(&note, ERR_INVAL, "the request has no 'id'");
        if (e)
                request_fail(request, e, note.text);
        else
                verbs_request(c->agent, request, body);
        json_free(body);
}

static void on_end(void *ctx, const char *reason)
{
        (void)reason;
        client_free(ctx);
}

static enum err client_new(struct agent *a, int fd)
{
        struct line_options options = {.line_bytes_max = AGENT_LINE_BYTES_MAX,
                                       .queue_bytes_max = AGENT_QUEUE_BYTES_MAX,
                                       .on_line = on_line,
                                       .on_end = on_end};
        struct client *c = mem_zalloc(1, sizeof(*c));
        enum err e;

        if (!c) return ERR_NOMEM;
        c->agent = a;
        c->number = ++a->clients_made;
        options.ctx = c;
        e = line_new(a->loop, fd, &options, &c->line);
        for (size_t i = 0; i < AGENT_CLIENTS_MAX && !e; i++) {
                if (a->clients[i]) continue;
                a->clients[i] = c;
                return ERR_OK;
        }
        if (!e) { /* the line owns the descriptor now */
                line_free(c->line);
                mem_free(c);
                return ERR_OK;
        }
        mem_free(c);
        return e;
}

static void on_accept(void *ctx, uint32_t events)
{
        struct agent *a = ctx;
        int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        uid_t uid;
        pid_t pid;

        (void)events;
        if (fd < 0) return;
        if (sock_peer_uid(fd, &uid, &pid) || (uid != geteuid() && uid != 0)) {
                log_event(LOG_WARN, "client.refused", "another user tried to use the control socket",
                          LOG_N("uid", uid));
                close(fd);
                return;
        }
        if (client_new(a, fd)) close(fd);
}

enum err clients_listen(struct agent *a, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        enum err e = path_join(path, a->home, "control.sock");

        if (e) return err_note(reterr, e, "the path '%s' is too long", a->home);
        e = sock_listen_unix(path, 0600, &a->listen_fd, reterr);
        if (e) {
                a->listen_fd = -1;
                return e;
        }
        return loop_fd_add(a->loop, a->listen_fd, EPOLLIN, on_accept, a, &a->listen_handle);
}

void clients_free(struct agent *a)
{
        loop_fd_remove(take(&a->listen_handle));
        for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
                if (a->clients[i]) client_free(a->clients[i]);
}
