#include "server/http/front.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

/* No inline script or style, nothing from elsewhere, no frame around us. */
static const char front_policy[] = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

struct front {
        struct front_opts opts;
        struct http_server *server;
        char policy[sizeof(front_policy) + FRONT_ORIGIN_BYTES + sizeof("; frame-src ")];
};

struct front_field {
        const char *name, *value;
};

/* On every answer, beside the policy: no frame around us, nothing said to other sites. */
static const struct front_field front_fields[] = {
        { "X-Content-Type-Options", "nosniff" },
        { "X-Frame-Options", "DENY" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
};

/* The page that a right ?token= gets: the cookie comes with it, and the way on begins on our own page. (A redirect would still count as
 * coming from the page that held the link, and a Strict cookie would not be sent.) */
static const char front_welcome[] = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url=/\">"
                                    "<title>Firedrill</title><p><a href=\"/\">Open the control panel</a></p></html>\n";

static const char front_locked[] = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Firedrill</title>"
                                   "<h1>This server asks for its token</h1>"
                                   "<p>Open the address with <code>?token=...</code> that it printed when it started.</p></html>\n";

static struct head_text front_text(const char *text)
{
        return (struct head_text){ text, text ? strlen(text) : 0 };
}

static bool front_is_read(const struct http_exchange *x)
{
        return str_eq(http_method(x), "GET") || str_eq(http_method(x), "HEAD");
}

/* Compares in a time that does not depend on where the texts differ. */
static bool front_is_door(const struct front *front, const char *key)
{
        size_t n;
        volatile unsigned char difference;

        if (!front->opts.door_key) return true;
        if (!key) return false;
        n = strlen(front->opts.door_key);
        difference = strlen(key) != n;
        for (size_t i = 0; i < n && key[i]; i++) difference |= (unsigned char)key[i] ^ (unsigned char)front->opts.door_key[i];
        return difference == 0;
}

/* "/?token=..." with the right token: sets the cookie. True if the request is answered. */
static bool front_let_in(const struct front *front, struct http_exchange *x)
{
        const char *token = http_param(x, "token");
        char cookie[GUARD_TOKEN_BYTES_MAX + 64];

        if (!token || !guard_has_token(front->opts.guard) || !front_is_read(x) || !str_eq(http_path(x), "/")) return false;
        http_set_header(x, "Cache-Control", "no-store");
        if (!guard_token_is(front->opts.guard, front_text(token))) {
                http_reply_text(x, 401, "text/html; charset=utf-8", front_locked);
                return true;
        }
        snprintf(cookie, sizeof cookie, GUARD_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict", token);
        http_set_header(x, "Set-Cookie", cookie);
        http_reply_text(x, 200, "text/html; charset=utf-8", front_welcome);
        return true;
}

/* True if the request may go on; otherwise it is answered. */
static bool front_admit(const struct front *front, struct http_exchange *x)
{
        const struct guard *guard = front->opts.guard;
        struct head_text host = front_text(http_header(x, "Host"));
        struct err_note note = { 0 };
        enum err e;

        if (!front_is_door(front, http_header(x, GUARD_DOOR_FIELD))) {
                http_problem(x, 403, "DENIED", "this port is private; use the server's public port");
                return false;
        }
        e = guard_check_host(guard, host, &note);
        if (!e && !front_is_read(x)) e = guard_check_origin(guard, front_text(http_header(x, "Origin")), host, &note);
        if (e) {
                http_problem(x, 403, "DENIED", "%s", note.text);
                return false;
        }
        if (front_let_in(front, x)) return false;
        /* Health is for whoever watches the process (a container's check) and tells nothing else. */
        if (str_eq(http_path(x), "/api/v1/health") && front_is_read(x)) return true;
        if (!guard_check_token(guard, front_text(http_header(x, "Cookie")), front_text(http_header(x, "Authorization")), &note)) return true;
        http_set_header(x, "Cache-Control", "no-store");
        if (str_eq(http_path(x), "/") && front_is_read(x)) {
                http_reply_text(x, 401, "text/html; charset=utf-8", front_locked);
        } else {
                http_set_header(x, "WWW-Authenticate", "Bearer");
                http_problem(x, 401, "DENIED", "%s", note.text);
        }
        return false;
}

static void front_handle(void *ctx, struct http_exchange *x)
{
        const struct front *front = ctx;

        for (size_t i = 0; i < ARRAY_COUNT(front_fields); i++) http_set_header(x, front_fields[i].name, front_fields[i].value);
        http_set_header(x, "Content-Security-Policy", front->policy);
        if (!front_admit(front, x)) return;
        if (!str_starts(http_path(x), "/api/")) {
                ui_handle(front->opts.ui, x);
                return;
        }
        http_set_header(x, "Cache-Control", "no-store");
        front->opts.api(front->opts.ctx, x);
}

enum err front_origin(const char *url, char *dst, struct err_note *reterr)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
        size_t scheme = str_starts(url, "http://") ? strlen("http://") : str_starts(url, "https://") ? strlen("https://") : 0;
        size_t host = strspn(url + scheme, letters);

        if (!scheme || !host || scheme + host >= FRONT_ORIGIN_BYTES || (url[scheme + host] && url[scheme + host] != '/') ||
            strpbrk(url, " \t\r\n\"'<>;,?#"))
                return err_note(reterr, ERR_INVAL, "'%.200s' is no address, expected for example http://localhost:3000", url);
        (void)snprintf(dst, FRONT_ORIGIN_BYTES, "%.*s", (int)(scheme + host), url);
        return ERR_OK;
}

enum err front_new(const struct front_opts *opts, struct front **ret, struct err_note *reterr)
{
        AUTO(front_free) struct front *front = mem_zalloc(1, sizeof *front);
        enum err e;

        CHECK(opts->guard && opts->ui && opts->api);
        if (!front) return err_note(reterr, ERR_NOMEM, "no memory for the HTTP server");
        front->opts = *opts;
        (void)snprintf(front->policy, sizeof front->policy, "%s%s%s", front_policy, opts->frame_origin ? "; frame-src " : "",
                       opts->frame_origin ? opts->frame_origin : "");
        if (!front->opts.threads) front->opts.threads = FRONT_THREADS_DEFAULT;
        if (!front->opts.queue) front->opts.queue = FRONT_QUEUE_DEFAULT;
        e = http_server_new(&(struct http_server_options){ .address = "127.0.0.1:0",
                                                           .threads = front->opts.threads,
                                                           .queue = front->opts.queue,
                                                           .request_timeout_ms = FRONT_REQUEST_MS,
                                                           .handler = front_handle,
                                                           .ctx = front },
                            &front->server, reterr);
        if (e) return e;
        *ret = take(&front);
        return ERR_OK;
}

uint16_t front_port(const struct front *front)
{
        return http_server_port(front->server);
}

size_t front_capacity(const struct front *front)
{
        return front->opts.threads + front->opts.queue;
}

void front_free(struct front *front)
{
        if (!front) return;
        http_server_free(front->server);
        mem_free(front);
}
