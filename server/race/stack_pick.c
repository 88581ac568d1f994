#include "server/race/stack_pick.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/sys/sock.h"

/* Two ports of a stack that are there from its first to its last moment. */
static const uint16_t stack_ports[] = {8030, 9090};

static bool is_free(int number)
{
        for (size_t i = 0; i < ARRAY_COUNT(stack_ports); i++) {
                char host[32];
                int fd = -1;
                struct err_note note;

                (void)snprintf(host, sizeof(host), "127.77.%d.1", number);
                if (sock_listen_tcp(host, stack_ports[i], 1, &fd, &note)) return false;
                (void)close(fd);
        }
        return true;
}

int stack_pick(int after, int max, stack_taken_fn *is_taken, const void *ctx)
{
        for (int k = 1; k <= max; k++) {
                int number = (after + k - 1) % max + 1;

                if (!(is_taken && is_taken(ctx, number)) && is_free(number)) return number;
        }
        return 0;
}
