#include "common/sys/entropy.h"

#include <errno.h>
#include <sys/random.h>

#include "common/base/check.h"

void entropy_bytes(void *dst, size_t size_bytes)
{
        char *p = dst;

        while (size_bytes) {
                ssize_t n = getrandom(p, size_bytes, 0);

                if (n < 0 && errno == EINTR) continue;
                CHECK(n > 0);
                p += n;
                size_bytes -= (size_t)n;
        }
}

uint64_t entropy_u64(void)
{
        uint64_t value;

        entropy_bytes(&value, sizeof value);
        return value;
}

void entropy_hex(char *dst, size_t bytes)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < bytes; i++) {
                unsigned char c;

                entropy_bytes(&c, 1);
                dst[2 * i] = digits[c >> 4];
                dst[2 * i + 1] = digits[c & 15];
        }
        dst[2 * bytes] = '\0';
}
