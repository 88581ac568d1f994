/* wsclient: the smallest WebSocket client for tests and benches: blocking reads with a deadline, frames as they come.
 * Owner: one thread. Memory: struct wsclient of the caller, its message lends until the next read. Limits: WSCLIENT_BYTES a message. */
#ifndef TESTS_SUPPORT_WSCLIENT_H
#define TESTS_SUPPORT_WSCLIENT_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/clock.h"

enum { WSCLIENT_BYTES = 1 << 20, WSCLIENT_TEXT = 1, WSCLIENT_CLOSE = 8, WSCLIENT_PING = 9 };

#define WSCLIENT_KEY "dGhlIHNhbXBsZSBub25jZQ=="            /* of RFC 6455, 1.3 */
#define WSCLIENT_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* of RFC 6455, 1.3 */

struct wsclient {
        int fd;
        size_t used, taken; /* bytes in `in`, and of them those already handed out */
        int opcode;
        size_t size_bytes;
        char *text; /* NUL-terminated, in the place of the byte that is kept */
        char *kept_at, kept;
        char in[WSCLIENT_BYTES + 16];
};

static inline bool wsclient_fill(struct wsclient *c, int64_t deadline_ms)
{
        struct pollfd p = { .fd = c->fd, .events = POLLIN };
        ssize_t n;

        if (c->taken) {
                memmove(c->in, c->in + c->taken, c->used - c->taken);
                c->used -= c->taken;
                c->taken = 0;
        }
        for (;;) {
                int64_t left = deadline_ms - clock_mono_ms();

                if (left <= 0 || poll(&p, 1, (int)left) <= 0) return false;
                n = recv(c->fd, c->in + c->used, WSCLIENT_BYTES - c->used, MSG_DONTWAIT);
                if (n > 0) break;
                if (n == 0 || (errno != EAGAIN && errno != EINTR)) return false;
        }
        c->used += (size_t)n;
        return true;
}

/* Reads the answer to the handshake; true if it is 101 with the right key. */
static inline bool wsclient_greet(struct wsclient *c, int64_t timeout_ms)
{
        int64_t deadline_ms = clock_mono_ms() + timeout_ms;
        char *end;

        while (!(end = memmem(c->in, c->used, "\r\n\r\n", 4)))
                if (!wsclient_fill(c, deadline_ms)) return false;
        c->taken = (size_t)(end - c->in) + 4;
        return memcmp(c->in, "HTTP/1.1 101", 12) == 0 &&
               memmem(c->in, c->taken, WSCLIENT_ACCEPT, sizeof WSCLIENT_ACCEPT - 1);
}

/* Next frame within the time; false: none, or the connection ended. The byte behind the text is put back next time. */
static inline bool wsclient_read(struct wsclient *c, int64_t timeout_ms)
{
        int64_t deadline_ms = clock_mono_ms() + timeout_ms;

        if (c->kept_at) *c->kept_at = c->kept;
        c->kept_at = NULL;
        for (;;) {
                unsigned char *f = (unsigned char *)c->in + c->taken;
                size_t have = c->used - c->taken, front = 2, n;

                if (have >= 2) {
                        n = f[1] & 0x7f;
                        if (n == 126) front = 4;
                        if (n == 127) front = 10;
                        if (have >= front) {
                                if (n == 126) n = (size_t)f[2] << 8 | f[3];
                                if (front == 10) {
                                        n = 0;
                                        for (int i = 2; i < 10; i++) n = n << 8 | f[i];
                                }
                                if (have >= front + n) {
                                        c->opcode = f[0] & 0x0f;
                                        c->text = (char *)f + front;
                                        c->size_bytes = n;
                                        c->taken += front + n;
                                        c->kept_at = c->text + n;
                                        c->kept = *c->kept_at;
                                        *c->kept_at = '\0';
                                        return true;
                                }
                        }
                }
                if (!wsclient_fill(c, deadline_ms)) return false;
        }
}

/* Reads on to the next text frame of that "type". */
static inline bool wsclient_read_type(struct wsclient *c, const char *type, int64_t timeout_ms)
{
        int64_t deadline_ms = clock_mono_ms() + timeout_ms;
        char mark[64];

        snprintf(mark, sizeof mark, "\"type\":\"%s\"", type);
        while (wsclient_read(c, deadline_ms - clock_mono_ms()))
                if (c->opcode == WSCLIENT_TEXT && strstr(c->text, mark)) return true;
        return false;
}

/* Sends one masked frame; `first` is its first byte (0x81: a whole text). */
static inline bool wsclient_send(struct wsclient *c, unsigned first, const char *bytes, size_t size_bytes)
{
        unsigned char front[14] = { (unsigned char)first }, mask[4] = { 1, 2, 3, 4 };
        char chunk[4096];
        size_t n = 2;

        if (size_bytes < 126) {
                front[1] = (unsigned char)(0x80 | size_bytes);
        } else if (size_bytes < 65536) {
                front[1] = 0x80 | 126;
                front[2] = (unsigned char)(size_bytes >> 8);
                front[3] = (unsigned char)size_bytes;
                n = 4;
        } else {
                front[1] = 0x80 | 127;
                for (int i = 0; i < 8; i++) front[2 + i] = (unsigned char)((uint64_t)size_bytes >> (56 - 8 * i));
                n = 10;
        }
        memcpy(front + n, mask, 4);
        if (send(c->fd, front, n + 4, MSG_NOSIGNAL) < 0) return false;
        for (size_t at = 0; at < size_bytes;) {
                size_t part = size_bytes - at < sizeof chunk ? size_bytes - at : sizeof chunk;

                for (size_t i = 0; i < part; i++) chunk[i] = (char)(bytes[at + i] ^ mask[(at + i) % 4]);
                if (send(c->fd, chunk, part, MSG_NOSIGNAL) < 0) return false;
                at += part;
        }
        return true;
}

static inline bool wsclient_say(struct wsclient *c, const char *text)
{
        return wsclient_send(c, 0x81, text, strlen(text));
}

/* Status of a close frame just read, 0 if it is none. */
static inline int wsclient_close_code(const struct wsclient *c)
{
        if (c->opcode != WSCLIENT_CLOSE || c->size_bytes < 2) return 0;
        return (unsigned char)c->text[0] << 8 | (unsigned char)c->text[1];
}

#endif
