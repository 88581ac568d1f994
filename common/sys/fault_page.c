#include "common/sys/fault_page.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct fault_page *page; /* NULL none */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *leak;
static size_t leak_bytes;

static void map_page(void)
{
        const char *path = getenv(FAULT_PAGE_VARIABLE);
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *at;

        if (fd < 0) return;
        at = mmap(NULL, FAULT_PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
        if (at != MAP_FAILED) page = at;
}

int64_t fault_page_skew_ms(void)
{
        (void)pthread_once(&once, map_page);
        return page ? atomic_load_explicit(&page->skew_ms, memory_order_relaxed) : 0;
}

void fault_page_follow(void)
{
        int64_t wanted;
        size_t size;
        void *at;

        (void)pthread_once(&once, map_page);
        if (!page) return;
        wanted = atomic_load_explicit(&page->leak_bytes, memory_order_relaxed);
        if (wanted < 0 || wanted > FAULT_PAGE_LEAK_BYTES_MAX) return;
        size = (size_t)wanted / FAULT_PAGE_BYTES * FAULT_PAGE_BYTES;
        (void)pthread_mutex_lock(&lock);
        if (size != leak_bytes) {
                at = MAP_FAILED;
                if (leak && size) at = mremap(leak, leak_bytes, size, MREMAP_MAYMOVE);
                else if (size) at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                else (void)munmap(leak, leak_bytes);
                if (size == 0) {
                        leak = NULL;
                        leak_bytes = 0;
                } else if (at != MAP_FAILED) { /* refused: the process is at its limit, and stays as it is */
                        if (size > leak_bytes) memset((char *)at + leak_bytes, 1, size - leak_bytes); /* resident */
                        leak = at;
                        leak_bytes = size;
                }
        }
        (void)pthread_mutex_unlock(&lock);
}
