#include "server/guard/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

struct guard {
        char *hosts[GUARD_HOSTS_MAX]; /* names as they stand in a Host field, IPv6 without brackets */
        size_t host_count;
        size_t own_count; /* of these, the first ones are ours (address, localhost); the others were allowed by option */
        bool is_any;      /* listens on every address: a numeric Host is fine, it cannot be rebound */
        char *token;
};

/* "localhost", "127.0.0.1" and "[::1]" always reach us, whatever the address. */
static const char *const guard_own_names[] = { "localhost", "127.0.0.1", "::1" };

bool guard_address_is_loopback(const char *numeric_address)
{
        struct in_addr four;
        struct in6_addr six;

        if (inet_pton(AF_INET, numeric_address, &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
        return inet_pton(AF_INET6, numeric_address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool guard_is_numeric(const char *host)
{
        struct in_addr four;
        struct in6_addr six;

        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1;
}

bool guard_is_token(const char *text)
{
        size_t n = strlen(text);

        if (n < GUARD_TOKEN_BYTES_MIN || n > GUARD_TOKEN_BYTES_MAX) return false;
        return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

static enum err guard_add(struct guard *g, const char *host, struct err_note *reterr)
{
        if (g->host_count == GUARD_HOSTS_MAX)
                return err_note(reterr, ERR_LIMIT, "more than %d allowed hosts", GUARD_HOSTS_MAX);
        if (!*host || strlen(host) > GUARD_HOST_BYTES_MAX || strpbrk(host, "/@ \t[]"))
                return err_note(reterr, ERR_INVAL, "'%s' is not a host name (as in app.example.org or .example.org)",
                                host);
        if (strchr(host, ':') && !guard_is_numeric(host))
                return err_note(reterr, ERR_INVAL, "'%s': give the host without scheme and port", host);
        g->hosts[g->host_count] = mem_strdup(host);
        if (!g->hosts[g->host_count]) return err_note(reterr, ERR_NOMEM, "no memory for allowed hosts");
        g->host_count++;
        return ERR_OK;
}

static enum err guard_set_token(struct guard *g, const char *token, struct err_note *reterr)
{
        if (!guard_is_token(token))
                return err_note(reterr, ERR_INVAL,
                                "the token must have %d to %d characters out of letters, digits, '-' and '_'",
                                GUARD_TOKEN_BYTES_MIN, GUARD_TOKEN_BYTES_MAX);
        g->token = mem_strdup(token);
        return g->token ? ERR_OK : err_note(reterr, ERR_NOMEM, "no memory for the token");
}

enum err guard_new(const struct guard_opts *opts, struct guard **ret, struct err_note *reterr)
{
        AUTO(guard_free) struct guard *g = NULL;
        enum err e;

        if (!guard_is_numeric(opts->listen_address))
                return err_note(reterr, ERR_INVAL, "'%s' is not a numeric address (as in 127.0.0.1 or ::1)",
                                opts->listen_address);
        if (!opts->token && !guard_address_is_loopback(opts->listen_address))
                return err_note(reterr, ERR_INVAL, "listening on %s, which others can reach, needs a token",
                                opts->listen_address);
        g = mem_zalloc(1, sizeof *g);
        if (!g) return err_note(reterr, ERR_NOMEM, "no memory for the guard");
        g->is_any = str_eq(opts->listen_address, "0.0.0.0") || str_eq(opts->listen_address, "::");
        for (size_t i = 0; i < ARRAY_COUNT(guard_own_names); i++) {
                e = guard_add(g, guard_own_names[i], reterr);
                if (e) return e;
        }
        if (!g->is_any) {
                e = guard_add(g, opts->listen_address, reterr);
                if (e) return e;
        }
        g->own_count = g->host_count;
        for (size_t i = 0; i < opts->allow_host_count; i++) {
                e = guard_add(g, opts->allow_hosts[i], reterr);
                if (e) return e;
        }
        if (opts->token) {
                e = guard_set_token(g, opts->token, reterr);
                if (e) return e;
        }
        *ret = take(&g);
        return ERR_OK;
}

void guard_free(struct guard *g)
{
        if (!g) return;
        for (size_t i = 0; i < g->host_count; i++) mem_free(g->hosts[i]);
        if (g->token) explicit_bzero(g->token, strlen(g->token));
        mem_free(g->token);
        mem_free(g);
}

bool guard_has_token(const struct guard *g)
{
        return g->token != NULL;
}

/* "name[:port]" or "[v6][:port]" -> name; false if it is neither. */
static bool guard_split(struct head_text authority, char host[GUARD_HOST_BYTES_MAX + 1])
{
        const char *at = authority.at, *end = at + authority.size_bytes, *stop;

        if (authority.size_bytes && *at == '[') {
                at++;
                stop = memchr(at, ']', (size_t)(end - at));
                if (!stop || (stop + 1 < end && stop[1] != ':')) return false;
        } else {
                stop = memchr(at, ':', authority.size_bytes);
                if (!stop) stop = end;
        }
        if (stop == at || stop - at > GUARD_HOST_BYTES_MAX || memchr(at, '\0', (size_t)(stop - at))) return false;
        memcpy(host, at, (size_t)(stop - at));
        host[stop - at] = '\0';
        if (*(stop < end ? stop : "") == ']') stop++;
        if (stop < end && *stop == ':') stop++;
        for (; stop < end; stop++)
                if (*stop < '0' || *stop > '9') return false;
        return true;
}

static bool guard_name_matches(const char *allowed, const char *host)
{
        size_t n = strlen(allowed), m = strlen(host);

        if (allowed[0] != '.') return strcasecmp(allowed, host) == 0;
        return m > n && strcasecmp(host + m - n, allowed) == 0;
}

static bool guard_knows(const struct guard *g, const char *host, size_t from)
{
        for (size_t i = from; i < g->host_count; i++)
                if (guard_name_matches(g->hosts[i], host)) return true;
        return false;
}

enum err guard_check_host(const struct guard *g, struct head_text host, struct err_note *reterr)
{
        char name[GUARD_HOST_BYTES_MAX + 1];

        if (!host.at || !guard_split(host, name))
                return err_note(reterr, ERR_DENIED, "the Host field of the request is not a host name");
        if (guard_knows(g, name, 0) || (g->is_any && guard_is_numeric(name))) return ERR_OK;
        return err_note(reterr, ERR_DENIED,
                        "this server does not answer as '%.100s'; open it by its address, or start it with "
                        "--allow-host %.100s",
                        name, name);
}

enum err guard_check_origin(const struct guard *g, struct head_text origin, struct head_text host,
                            struct err_note *reterr)
{
        char name[GUARD_HOST_BYTES_MAX + 1];
        struct head_text authority = origin;
        size_t scheme_bytes;

        if (!origin.at) return ERR_OK;
        scheme_bytes = origin.size_bytes > 8 && strncasecmp(origin.at, "https://", 8) == 0   ? 8
                       : origin.size_bytes > 7 && strncasecmp(origin.at, "http://", 7) == 0 ? 7
                                                                                             : 0;
        if (scheme_bytes) {
                authority.at += scheme_bytes;
                authority.size_bytes -= scheme_bytes;
                if (host.at && host.size_bytes == authority.size_bytes &&
                    strncasecmp(host.at, authority.at, host.size_bytes) == 0)
                        return ERR_OK;
                /* A forwarding proxy may rewrite the Host; then the name must have been allowed by option. Our own names
                 * are not enough here: another program's page on localhost:3000 is a foreign page. */
                if (guard_split(authority, name) && guard_knows(g, name, g->own_count)) return ERR_OK;
        }
        return err_note(reterr, ERR_DENIED,
                        "a page from '%.*s' may not use this server; open the control panel by the server's own address",
                        (int)MIN(origin.size_bytes, (size_t)100), origin.at);
}

bool guard_token_is(const struct guard *g, struct head_text token)
{
        size_t n = strlen(g->token);
        volatile unsigned char difference = token.size_bytes != n;

        for (size_t i = 0; i < n; i++)
                difference |= (unsigned char)g->token[i] ^ (unsigned char)(i < token.size_bytes ? token.at[i] : 0);
        return difference == 0;
}

/* One "name=value" of a Cookie field at a time. */
static bool guard_cookie_ok(const struct guard *g, struct head_text cookie)
{
        const char *at = cookie.at, *end = at + cookie.size_bytes;
        const size_t name_bytes = strlen(GUARD_COOKIE);

        while (at < end) {
                const char *stop = memchr(at, ';', (size_t)(end - at));
                size_t n;

                if (!stop) stop = end;
                while (at < stop && *at == ' ') at++;
                n = (size_t)(stop - at);
                if (n > name_bytes && memcmp(at, GUARD_COOKIE, name_bytes) == 0 && at[name_bytes] == '=' &&
                    guard_token_is(g, (struct head_text){ at + name_bytes + 1, n - name_bytes - 1 }))
                        return true;
                at = stop + 1;
        }
        return false;
}

enum err guard_check_token(const struct guard *g, struct head_text cookie, struct head_text authorization,
                           struct err_note *reterr)
{
        if (!g->token) return ERR_OK;
        if (cookie.at && guard_cookie_ok(g, cookie)) return ERR_OK;
        if (authorization.at && authorization.size_bytes > 7 && strncasecmp(authorization.at, "Bearer ", 7) == 0 &&
            guard_token_is(g, (struct head_text){ authorization.at + 7, authorization.size_bytes - 7 }))
                return ERR_OK;
        return err_note(reterr, ERR_DENIED,
                        "this server asks for its token: open the address with ?token=... that it printed when it started");
}
