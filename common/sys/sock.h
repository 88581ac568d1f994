/* sock: stream sockets: listening, connecting, peers. All are close-on-exec and non-blocking unless said otherwise.
 * Owner: caller closes. Memory: none. Limits: SOCK_UNIX_PATH_BYTES_MAX for Unix paths. Fails: with a note that names
 * the address and the reason ("address 127.0.0.1:8080 is already in use"). */
#ifndef COMMON_SYS_SOCK_H
#define COMMON_SYS_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"

enum { SOCK_UNIX_PATH_BYTES_MAX = 107, SOCK_ADDRESS_BYTES = 64 };

/* A stale socket file (nobody answers) is replaced; a living one is ERR_EXISTS. Created with mode, atomically. */
MUST_USE enum err sock_listen_unix(const char *path, mode_t mode, int *ret_fd, struct err_note *reterr);
MUST_USE enum err sock_connect_unix(const char *path, int *ret_fd, struct err_note *reterr); /* connected on return */
MUST_USE enum err sock_listen_tcp(const char *host, uint16_t port, int backlog, int *ret_fd, struct err_note *reterr);
/* Starts a connect to an IPv4 address; writable when done (then sock_error). */
MUST_USE enum err sock_connect_tcp(const char *host, uint16_t port, int *ret_fd, struct err_note *reterr);
int sock_error(int fd);                           /* pending SO_ERROR, 0 when connected */
uint16_t sock_port(int fd);                       /* local port, 0 if unknown */
void sock_peer_text(int fd, char dst[static SOCK_ADDRESS_BYTES]); /* "127.0.0.1:4711" or "" */
MUST_USE enum err sock_peer_uid(int fd, uid_t *ret_uid, pid_t *ret_pid);
/* "127.77.1.1:8010" -> host, port. ERR_PARSE otherwise. */
MUST_USE enum err sock_split(const char *address, char host[static SOCK_ADDRESS_BYTES], uint16_t *ret_port);
bool sock_is_loopback(const char *host); /* 127.0.0.0/8, ::1, localhost */

#endif
