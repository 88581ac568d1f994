#include "sut/logproc/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"

struct tail_file {
        struct tail_place place;
        int fd; /* -1: not open */
};

struct tail {
        char folder[FILE_PATH_BYTES];
        struct tail_file files[TAIL_FILES_MAX];
        size_t file_count;
        char *bytes; /* TAIL_TURN_BYTES + 1 */
};

enum err tail_new(const char *folder, struct tail **ret)
{
        AUTO(tail_free) struct tail *t = mem_zalloc(1, sizeof *t);

        if (!t) return ERR_NOMEM;
        t->bytes = mem_alloc(TAIL_TURN_BYTES + 1);
        if (!t->bytes || str_copy(t->folder, sizeof t->folder, folder)) return ERR_NOMEM;
        *ret = take(&t);
        return ERR_OK;
}

void tail_free(struct tail *t)
{
        if (!t) return;
        for (size_t i = 0; i < t->file_count; i++)
                if (t->files[i].fd >= 0) close(t->files[i].fd);
        mem_free(t->bytes);
        mem_free(t);
}

static struct tail_file *tail_find(struct tail *t, const char *name)
{
        for (size_t i = 0; i < t->file_count; i++)
                if (str_eq(t->files[i].place.name, name)) return &t->files[i];
        if (t->file_count == TAIL_FILES_MAX) return NULL;
        struct tail_file *f = &t->files[t->file_count];

        *f = (struct tail_file){.fd = -1};
        if (str_copy(f->place.name, sizeof f->place.name, name)) return NULL;
        t->file_count++;
        return f;
}

void tail_resume(struct tail *t, const struct tail_place *place)
{
        struct tail_file *f = tail_find(t, place->name);

        if (f) f->place = *place;
}

static void tail_visit(void *ctx, const char *name)
{
        char stem[TAIL_NAME_BYTES];
        size_t size_bytes = strlen(name);

        if (!str_ends(name, ".log") || size_bytes >= sizeof stem) return;
        memcpy(stem, name, size_bytes - 4);
        stem[size_bytes - 4] = '\0';
        (void)tail_find(ctx, stem); /* beyond TAIL_FILES_MAX: not followed */
}

/* Opens what stands under the name now. A place with another inode is of an earlier file. */
static bool file_open(struct tail *t, struct tail_file *f)
{
        char path[FILE_PATH_BYTES];
        struct stat st;

        if (path_format(path, "%s/%s.log", t->folder, f->place.name)) return false;
        f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (f->fd < 0) return false;
        if (fstat(f->fd, &st) || !S_ISREG(st.st_mode)) {
                close(f->fd);
                f->fd = -1;
                return false;
        }
        if (st.st_ino != f->place.inode || st.st_size < f->place.offset) f->place.offset = 0;
        f->place.inode = st.st_ino;
        return true;
}

/* After a rotation the name leads to another file: the old one, which is still open, was read to its end before. */
static bool file_is_replaced(const struct tail *t, const struct tail_file *f)
{
        char path[FILE_PATH_BYTES];
        struct stat st;

        if (path_format(path, "%s/%s.log", t->folder, f->place.name) || stat(path, &st)) return false;
        return st.st_ino != f->place.inode || st.st_size < f->place.offset;
}

/* One piece of a file; returns the bytes taken. A line without an end waits for its rest, unless it fills the whole piece. */
static size_t file_read_piece(struct tail *t, struct tail_file *f, tail_line_fn *fn, void *ctx, bool *ret_is_full)
{
        ssize_t got = pread(f->fd, t->bytes, TAIL_TURN_BYTES, f->place.offset);
        size_t taken = 0;

        *ret_is_full = false;
        if (got <= 0) return 0;
        t->bytes[got] = '\0';
        for (char *end; (end = memchr(t->bytes + taken, '\n', (size_t)got - taken)); taken = (size_t)(end - t->bytes) + 1) {
                *end = '\0';
                *ret_is_full = !fn(ctx, f->place.name, t->bytes + taken, (size_t)(end - t->bytes) - taken);
                if (*ret_is_full) break;
        }
        if (taken == 0 && got == TAIL_TURN_BYTES && !*ret_is_full && fn(ctx, f->place.name, t->bytes, (size_t)got)) taken = (size_t)got;
        f->place.offset += (int64_t)taken;
        return taken;
}

static bool file_turn(struct tail *t, struct tail_file *f, tail_line_fn *fn, void *ctx)
{
        bool is_full = false;
        size_t taken;

        if (f->fd < 0 && !file_open(t, f)) return false;
        taken = file_read_piece(t, f, fn, ctx, &is_full);
        if (is_full || taken > TAIL_TURN_BYTES / 2) return true;
        if (taken == 0 && file_is_replaced(t, f)) {
                close(f->fd);
                f->fd = -1;
                f->place.inode = 0;
                f->place.offset = 0;
                return true;
        }
        return false;
}

bool tail_turn(struct tail *t, tail_line_fn *fn, void *ctx)
{
        bool is_more = false;

        /* A folder that is not there yet has no files; it is looked at again at the next turn. */
        if (dir_each(t->folder, TAIL_FILES_MAX * 4, tail_visit, t, NULL)) return false;
        for (size_t i = 0; i < t->file_count; i++)
                if (file_turn(t, &t->files[i], fn, ctx)) is_more = true;
        return is_more;
}

bool tail_place_at(const struct tail *t, size_t index, struct tail_place *ret)
{
        if (index >= t->file_count) return false;
        *ret = t->files[index].place;
        return true;
}
