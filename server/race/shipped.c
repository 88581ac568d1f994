#include "server/race/shipped.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/race/recording.h"

/* What one file is about. */
struct head {
        char path[FILE_PATH_BYTES], source[RECORDING_SOURCE_BYTES], scenario[80], policy[LANE_NAME_BYTES], model[LANE_MODEL_BYTES], outcome[16];
        int64_t seed, recorded_ms;
        bool fast;
};

struct shipped {
        struct head *head;
        size_t count;
};

struct reading {
        struct shipped *s;
        const char *folder;
        void (*say)(void *ctx, const char *text);
        void *ctx;
};

static enum err read_file(const char *path, char source[static RECORDING_SOURCE_BYTES], struct lane **ret, struct err_note *reterr)
{
        AUTO_BUF text = {0};
        enum err e;

        buf_init(&text, RECORDING_BYTES_MAX);
        e = file_read(path, &text, reterr);
        if (e) return e;
        e = recording_read(text.data, text.size_bytes, source, ret, reterr);
        if (e) err_note_prefix(reterr, "'%.300s' is no recording", path);
        return e;
}

static void tell(const struct reading *r, const char *why)
{
        char text[ERR_NOTE_BYTES + 64];

        (void)snprintf(text, sizeof(text), "a shipped recording is left out: %s", why);
        r->say(r->ctx, text);
}

static void add_file(void *ctx, const char *name)
{
        struct reading *r = ctx;
        struct head *h = &r->s->head[r->s->count];
        AUTO(lane_free) struct lane *lane = NULL;
        struct err_note note = {0};
        enum err e;

        if (!str_ends(name, ".json")) return;
        e = path_join(h->path, r->folder, name);
        if (e) e = err_note(&note, e, "the path of '%.100s' is too long", name);
        if (!e) e = read_file(h->path, h->source, &lane, &note);
        if (e) {
                tell(r, note.text);
                return;
        }
        str_cut(h->scenario, sizeof(h->scenario), lane->scenario);
        str_cut(h->policy, sizeof(h->policy), lane->policy);
        str_cut(h->model, sizeof(h->model), lane->model);
        str_cut(h->outcome, sizeof(h->outcome), lane->outcome);
        h->seed = lane->seed;
        h->recorded_ms = lane->recorded_ms;
        h->fast = lane->fast;
        r->s->count++;
}

enum err shipped_new(const char *folder, void (*say)(void *ctx, const char *text), void *ctx, struct shipped **ret, struct err_note *reterr)
{
        AUTO(shipped_free) struct shipped *s = mem_zalloc(1, sizeof(*s));
        struct reading reading = {.s = s, .folder = folder, .say = say, .ctx = ctx};
        struct err_note note;

        if (s) s->head = mem_zalloc(SHIPPED_MAX, sizeof(*s->head));
        if (!s || !s->head) return err_note(reterr, ERR_NOMEM, "out of memory");
        if (folder && file_is_dir(folder) && dir_each(folder, SHIPPED_MAX, add_file, &reading, &note)) tell(&reading, note.text);
        *ret = take(&s);
        return ERR_OK;
}

void shipped_free(struct shipped *s)
{
        if (!s) return;
        mem_free(s->head);
        mem_free(s);
}

static bool is_wanted(const char *scenario, const char *policy, int64_t seed, bool fast, const struct lane *like, const char *wanted)
{
        return str_eq(scenario, like->scenario) && str_eq(policy, wanted) && seed == like->seed && fast == like->fast;
}

enum err shipped_find(const struct shipped *s, const struct lane *like, const char *source, const char *policy, struct lane **ret,
                      struct err_note *reterr)
{
        AUTO(lane_free) struct lane *lane = NULL;
        const struct head *best = NULL;
        char now[RECORDING_SOURCE_BYTES];
        enum err e;

        for (size_t i = 0; i < s->count; i++) {
                const struct head *h = &s->head[i];

                if (!str_eq(h->source, source) || !is_wanted(h->scenario, h->policy, h->seed, h->fast, like, policy)) continue;
                if (!best || h->recorded_ms > best->recorded_ms) best = h;
        }
        if (!best) return ERR_OK;
        e = read_file(best->path, now, &lane, reterr);
        if (e) return e;
        if (!str_eq(now, source) || !is_wanted(lane->scenario, lane->policy, lane->seed, lane->fast, like, policy))
                return err_note(reterr, ERR_STATE, "'%.300s' has changed since the server was started", best->path);
        lane->is_shipped = true;
        *ret = take(&lane);
        return ERR_OK;
}

enum err shipped_each(const struct shipped *s, const char *scenario, history_recording_fn fn, void *ctx)
{
        enum err e = ERR_OK;

        for (size_t i = 0; !e && i < s->count; i++) {
                const struct head *h = &s->head[i];

                if (scenario && !str_eq(h->scenario, scenario)) continue;
                e = fn(ctx, &(struct history_recording){.scenario = h->scenario,
                                                        .source = h->source,
                                                        .policy = h->policy,
                                                        .model = h->model,
                                                        .outcome = h->outcome,
                                                        .seed = h->seed,
                                                        .recorded_ms = h->recorded_ms,
                                                        .fast = h->fast});
        }
        return e;
}
