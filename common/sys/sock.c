#include "common/sys/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/str.h"

static enum err unix_address(const char *path, struct sockaddr_un *a, struct err_note *reterr)
{
        *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (str_copy(a->sun_path, sizeof a->sun_path, path))
                return err_note(reterr, ERR_LIMIT, "socket path '%s' is longer than %d bytes: choose a shorter home folder", path,
                                SOCK_UNIX_PATH_BYTES_MAX);
        return ERR_OK;
}

enum err sock_connect_unix(const char *path, int *ret_fd, struct err_note *reterr)
{
        struct sockaddr_un a;
        enum err e = unix_address(path, &a, reterr);
        int fd;

        if (e) return e;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) return err_note(reterr, ERR_IO, "cannot make a socket: %s", strerror(errno));
        if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
                *ret_fd = fd;
                return ERR_OK;
        }
        e = errno == ENOENT || errno == ECONNREFUSED ? ERR_UNAVAILABLE : errno == EACCES ? ERR_DENIED : ERR_IO;
        (void)err_note(reterr, e, "nobody answers on '%s': %s", path, strerror(errno));
        close(fd);
        return e;
}

enum err sock_listen_unix(const char *path, mode_t mode, int *ret_fd, struct err_note *reterr)
{
        struct sockaddr_un a;
        enum err e = unix_address(path, &a, reterr);
        mode_t old;
        int fd, bound;

        if (e) return e;
        e = sock_connect_unix(path, &fd, NULL);
        if (!e) {
                close(fd);
                return err_note(reterr, ERR_EXISTS, "somebody already serves '%s'", path);
        }
        unlink(path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) return err_note(reterr, ERR_IO, "cannot make a socket: %s", strerror(errno));
        old = umask(0777 & ~mode);
        bound = bind(fd, (struct sockaddr *)&a, sizeof a);
        umask(old);
        if (bound == 0 && listen(fd, 64) == 0) {
                *ret_fd = fd;
                return ERR_OK;
        }
        e = err_note(reterr, ERR_IO, "cannot listen on '%s': %s", path, strerror(errno));
        close(fd);
        return e;
}

static enum err tcp_address(const char *host, uint16_t port, struct sockaddr_in *a, struct err_note *reterr)
{
        *a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
        if (str_eq(host, "localhost")) host = "127.0.0.1";
        if (inet_pton(AF_INET, host, &a->sin_addr) != 1)
                return err_note(reterr, ERR_INVAL, "'%s' is not an IPv4 address", host);
        return ERR_OK;
}

enum err sock_listen_tcp(const char *host, uint16_t port, int backlog, int *ret_fd, struct err_note *reterr)
{
        struct sockaddr_in a;
        enum err e = tcp_address(host, port, &a, reterr);
        int fd, one = 1;

        if (e) return e;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) return err_note(reterr, ERR_IO, "cannot make a socket: %s", strerror(errno));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, backlog) == 0) {
                *ret_fd = fd;
                return ERR_OK;
        }
        e = errno == EADDRINUSE ? ERR_EXISTS : errno == EACCES ? ERR_DENIED : ERR_IO;
        if (e == ERR_EXISTS)
                (void)err_note(reterr, e, "address %s:%u is already in use", host, port);
        else
                (void)err_note(reterr, e, "cannot listen on %s:%u: %s", host, port, strerror(errno));
        close(fd);
        return e;
}

enum err sock_connect_tcp(const char *host, uint16_t port, int *ret_fd, struct err_note *reterr)
{
        struct sockaddr_in a;
        enum err e = tcp_address(host, port, &a, reterr);
        int fd, one = 1;

        if (e) return e;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) return err_note(reterr, ERR_IO, "cannot make a socket: %s", strerror(errno));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS) {
                *ret_fd = fd;
                return ERR_OK;
        }
        e = err_note(reterr, ERR_UNAVAILABLE, "cannot connect to %s:%u: %s", host, port, strerror(errno));
        close(fd);
        return e;
}

int sock_error(int fd)
{
        int value = 0;
        socklen_t size = sizeof value;

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size) < 0 ? errno : value;
}

uint16_t sock_port(int fd)
{
        struct sockaddr_in a;
        socklen_t size = sizeof a;

        if (getsockname(fd, (struct sockaddr *)&a, &size) < 0 || a.sin_family != AF_INET) return 0;
        return ntohs(a.sin_port);
}

void sock_peer_text(int fd, char dst[static SOCK_ADDRESS_BYTES])
{
        struct sockaddr_in a;
        socklen_t size = sizeof a;
        char host[INET_ADDRSTRLEN];

        dst[0] = '\0';
        if (getpeername(fd, (struct sockaddr *)&a, &size) < 0 || a.sin_family != AF_INET) return;
        if (inet_ntop(AF_INET, &a.sin_addr, host, sizeof host))
                snprintf(dst, SOCK_ADDRESS_BYTES, "%s:%u", host, ntohs(a.sin_port));
}

enum err sock_peer_uid(int fd, uid_t *ret_uid, pid_t *ret_pid)
{
        struct ucred cred;
        socklen_t size = sizeof cred;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) return ERR_IO;
        *ret_uid = cred.uid;
        if (ret_pid) *ret_pid = cred.pid;
        return ERR_OK;
}

enum err sock_split(const char *address, char host[static SOCK_ADDRESS_BYTES], uint16_t *ret_port)
{
        const char *colon = strrchr(address, ':');
        uint64_t port;

        if (!colon || colon == address || (size_t)(colon - address) >= SOCK_ADDRESS_BYTES) return ERR_PARSE;
        if (str_parse_u64(colon + 1, 65535, &port) || port == 0) return ERR_PARSE;
        memcpy(host, address, (size_t)(colon - address));
        host[colon - address] = '\0';
        *ret_port = (uint16_t)port;
        return ERR_OK;
}

bool sock_is_loopback(const char *host)
{
        struct in_addr a;

        if (str_eq(host, "localhost") || str_eq(host, "::1") || str_eq(host, "[::1]")) return true;
        return inet_pton(AF_INET, host, &a) == 1 && (ntohl(a.s_addr) >> 24) == 127;
}
