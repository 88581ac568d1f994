/* stack_files: the directory of a stack: made, wiped (by renaming, so that it takes no time) and described. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "control-agent/supervise/stack_inside.h"

static const char *const folders[] = {"config", "data", "logs", "s"};

enum err stack_files_make(struct stack_run *r, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        enum err e = dir_make(r->place.dir, 0755, reterr);

        for (size_t i = 0; i < ARRAY_COUNT(folders) && !e; i++) {
                e = path_join(path, r->place.dir, folders[i]);
                if (e) return err_note(reterr, e, "the path '%s' is too long", r->place.dir);
                e = dir_make(path, 0755, reterr);
        }
        return e;
}

static unsigned trash_number; /* with the time: never used twice */

static enum err move_away(struct stack_run *r, const char *name, const char *to, struct err_note *reterr)
{
        char from[FILE_PATH_BYTES], trash[FILE_PATH_BYTES];

        if (path_join(from, r->place.dir, name) ||
            (to ? path_join(trash, r->place.dir, to)
                : path_format(trash, "%s/trash-%" PRId64 "-%u", r->place.dir, clock_mono_us(), ++trash_number)))
                return err_note(reterr, ERR_LIMIT, "the path '%s' is too long", r->place.dir);
        if (rename(from, trash) < 0 && errno != ENOENT)
                return err_note(reterr, ERR_IO, "cannot move '%s' away: %s", from, strerror(errno));
        return ERR_OK;
}

/* Data go, logs stay aside for one generation, for whoever looks for a cause. */
static enum err wipe_service(struct stack_run *r, const char *name, struct err_note *reterr)
{
        static const char *const endings[] = {".log", ".log.1"};
        char from[FILE_PATH_BYTES], to[FILE_PATH_BYTES];
        enum err e = path_format(from, "data/%s", name);

        if (!e) e = move_away(r, from, NULL, reterr);
        for (size_t i = 0; i < ARRAY_COUNT(endings) && !e; i++) {
                e = path_format(from, "logs/%s%s", name, endings[i]);
                if (!e) e = path_format(to, "logs.old/%s%s", name, endings[i]);
                if (!e) e = move_away(r, from, to, reterr);
        }
        return e;
}

enum err stack_files_wipe(struct stack_run *r, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        enum err e = move_away(r, "config", NULL, reterr);

        if (!e) e = move_away(r, "logs.old", NULL, reterr);
        if (!e) e = place_path(&r->place, "logs.old", NULL, path);
        if (!e) e = dir_make(path, 0755, reterr);
        for (size_t i = 0; i < r->services_count && !e; i++)
                if (!r->services[i].kept) e = wipe_service(r, r->services[i].spec->name, reterr);
        return e;
}

void stack_files_status(struct stack_run *r)
{
        char path[FILE_PATH_BYTES];
        struct json *status = stack_run_status(r);
        AUTO_BUF b;

        buf_init(&b, 1 << 18);
        /* The file is a convenience for people and scripts: if it cannot be written, the socket still tells. */
        if (!json_print(status, &b) && !path_join(path, r->place.dir, "status.json") && file_is_dir(r->place.dir))
                (void)!file_write_atomic(path, b.data, b.size_bytes, 0644, false, NULL);
        json_free(status);
}
