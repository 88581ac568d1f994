#include "server/race/stack_pick.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/sys/sock.h"

/* Two ports of a stack that are there from its first to its last moment. */
static const uint16_t stack_ports[] = {8030, 9090};

enum { SIGN_PORT = 8998 };

static bool listen_at(int number, uint16_t port, int *ret_fd)
{
        char host[32];
        struct err_note note;

        (void)snprintf(host, sizeof(host), "127.77.%d.1", number);
        return !sock_listen_tcp(host, port, 1, ret_fd, &note);
}

static bool is_free(int number)
{
        for (size_t i = 0; i < ARRAY_COUNT(stack_ports); i++) {
                int fd = -1;

                if (!listen_at(number, stack_ports[i], &fd)) return false;
                (void)close(fd);
        }
        return true;
}

int stack_pick(int after, int max, stack_taken_fn *is_taken, const void *ctx, int *ret_sign)
{
        for (int k = 1; k <= max; k++) {
                int number = (after + k - 1) % max + 1, sign = -1;
                bool free;

                if (is_taken && is_taken(ctx, number)) continue;
                if (!listen_at(number, SIGN_PORT, &sign)) continue;
                free = is_free(number);
                if (free && ret_sign)
                        *ret_sign = sign;
                else
                        (void)close(sign);
                if (free) return number;
        }
        return 0;
}
