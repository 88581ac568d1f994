#include "learn/tools/tape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "learn/reco/live.h"

enum { TAPE_FILE_BYTES_MAX = 64 << 20, TAPE_GROUP_MS = 4000, TAPE_QUIET_MS = 14000, TAPE_COST_MS = 15000, TAPE_SAMPLES_MIN = 4 };

static const char *const names[TAPE_SERVICES] = {
#define X(name, text) text,
        TAPE_SERVICE_LIST(X)
#undef X
};

/* Bit j: calls service j. */
static const uint8_t calls[TAPE_SERVICES] = { [TAPE_GATEWAY] = 1 << TAPE_API | 1 << TAPE_AUTH, [TAPE_WORKER] = 1 << TAPE_PAYMENTS };

const char *tape_service_name(int service)
{
        return names[service];
}

void tape_free(struct tape *t)
{
        mem_free(t);
}

struct reading {
        struct tape *tape;
        struct live_service live[TAPE_SERVICES];
        struct live_load load;
        bool healthy, running;
};

static void read_run(struct reading *r, const struct json *run)
{
        const char *state = json_get_str(run, "state", "");

        r->healthy = str_eq(state, "baseline");
        r->running = r->healthy || str_eq(state, "injecting") || str_eq(state, "running");
}

static void read_series(struct reading *r, const struct json *message)
{
        struct tape *t = r->tape;
        const struct json *v = json_get(message, "v");

        if (!r->running || t->seconds == TAPE_SECONDS_MAX) return;
        live_load_read(&r->load, v, r->healthy);
        t->at_ms[t->seconds] = json_get_int(message, "t", 0);
        t->offered[t->seconds] = r->load.offered;
        t->good[t->seconds] = json_get_num(v, "fd:goodput_rps", NAN);
        t->healthy[t->seconds] = r->healthy;
        for (int s = 0; s < TAPE_SERVICES; s++) {
                struct reco_live live;

                live_read(&r->live[s], v, r->healthy);
                live_state(&r->live[s], &r->load, &live);
                reco_obs_from_live(&live, t->obs[t->seconds][s]);
        }
        t->seconds++;
}

static void read_fault(struct tape *t, const struct json *f)
{
        const char *state = json_get_str(f, "state", "");
        const struct json *arg = json_first(json_get(f, "args"));
        int64_t id = json_get_int(f, "id", 0);
        struct tape_fault *mine = NULL;

        if (!str_eq(json_get_str(f, "purpose", ""), "fault")) return;
        for (size_t i = 0; i < t->faults; i++)
                if (t->fault[i].id == id) mine = &t->fault[i];
        if (!mine && str_eq(state, "applied") && t->faults < TAPE_FAULTS_MAX) {
                mine = &t->fault[t->faults++];
                *mine = (struct tape_fault){ .id = id, .due_ms = json_get_int(f, "due_ms", 0), .from_ms = json_get_int(f, "applied_ms", 0), .to_ms = INT64_MAX };
                str_cut(mine->kind, sizeof mine->kind, json_get_str(f, "kind", ""));
                str_cut(mine->on, sizeof mine->on, json_get_str(f, "on", ""));
                if (arg) str_cut(mine->arg, sizeof mine->arg, json_key(arg));
        }
        /* Undoing begins before it is over. */
        if (mine && str_eq(state, "undone")) mine->to_ms = json_get_int(f, "over_ms", 0);
}

static enum err read_line(struct reading *r, const char *line, size_t bytes, struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        const char *type;
        enum err e = json_parse(line, bytes, &j, reterr);

        if (e) return e;
        type = json_get_str(j, "type", "");
        if (str_eq(type, "run")) read_run(r, json_get(j, "data"));
        if (str_eq(type, "series")) read_series(r, json_get(j, "data"));
        if (str_eq(type, "fault")) read_fault(r->tape, json_get(j, "data"));
        return ERR_OK;
}

enum err tape_read(const char *path, struct tape **ret, struct err_note *reterr)
{
        AUTO(tape_free) struct tape *t = mem_zalloc(1, sizeof *t);
        AUTO(mem_free) struct reading *r = mem_zalloc(1, sizeof *r);
        AUTO_BUF text;
        size_t number = 0;
        enum err e;

        buf_init(&text, TAPE_FILE_BYTES_MAX);
        if (!t || !r) return err_note(reterr, ERR_NOMEM, "no memory for a recording");
        r->tape = t;
        r->load.admission = 1;
        for (int s = 0; s < TAPE_SERVICES; s++) live_forget(&r->live[s], names[s]);
        e = file_read(path, &text, reterr);
        for (const char *line = text.data, *stop; !e && line && *line; line = *stop ? stop + 1 : stop) {
                stop = strchr(line, '\n');
                if (!stop) stop = strchr(line, '\0');
                number++;
                e = read_line(r, line, (size_t)(stop - line), reterr);
                if (e) err_note_prefix(reterr, "%s:%zu", path, number);
        }
        if (!e) *ret = take(&t);
        return e;
}

static int service_find(const char *name)
{
        for (int s = 0; s < TAPE_SERVICES; s++)
                if (str_eq(name, names[s])) return s;
        return -1;
}

/* What kind of failure a fault is for the place it is injected. What waits for something it calls is on the receiving end of a cascade. */
static int mode_at(const struct tape_fault *f, int *ret_service)
{
        char from[32];
        const char *arrow = strstr(f->on, "->");

        str_cut(from, sizeof from, f->on);
        if (arrow) from[arrow - f->on] = '\0';
        *ret_service = service_find(from);
        if (str_eq(f->kind, "memory.leak")) return MODE_ESCALATING;
        if (str_eq(f->kind, "load.burst")) return *ret_service = TAPE_API, MODE_LOAD;
        if (str_eq(f->arg, "algorithm") || str_eq(f->arg, "hash_rounds")) return MODE_LOAD;
        if (str_eq(f->kind, "cache.flush")) return *ret_service = TAPE_API, MODE_SENSITIVE;
        if (str_eq(f->kind, "process.slow") || str_eq(f->arg, "error_percent")) return MODE_TRANSIENT;
        if (str_eq(f->kind, "process.pause") || str_eq(f->kind, "db.lock")) return *ret_service = TAPE_API, MODE_CASCADING;
        return MODE_CASCADING; /* net.* on what it calls, or a slower callee by configuration */
}

/* Which mode tells more about what to do, when two faults meet in one place. */
static int rank(int mode)
{
        static const int ranks[MODE_COUNT] = { [MODE_CASCADING] = 1, [MODE_TRANSIENT] = 2, [MODE_LOAD] = 3, [MODE_SENSITIVE] = 4, [MODE_ESCALATING] = 5 };

        return ranks[mode];
}

static void label_group(const struct tape *t, size_t first, size_t last, uint8_t ret_mode[TAPE_SERVICES])
{
        memset(ret_mode, MODE_NONE, TAPE_SERVICES);
        for (size_t i = first; i < last; i++) {
                int s, mode = mode_at(&t->fault[i], &s);

                if (s >= 0 && rank(mode) > rank(ret_mode[s])) ret_mode[s] = (uint8_t)mode;
        }
        for (int s = 0; s < TAPE_SERVICES; s++)
                for (int c = 0; c < TAPE_SERVICES; c++)
                        if (ret_mode[s] == MODE_NONE && (calls[s] >> c & 1) && ret_mode[c]) ret_mode[s] = MODE_CASCADING;
}

static bool is_act(const struct tape_fault *f)
{
        return str_eq(f->kind, "process.restart") || str_eq(f->kind, "process.kill") || str_eq(f->arg, "admission_percent");
}

/* The severity of a fault is what it did to the service while it lasted, not what one second of it shows. */
static enum err label_service(const struct tape *t, const struct sim_kernel *k, int s, int mode, int64_t from, int64_t to, struct fit_data *d)
{
        double bad = 0;
        size_t n = 0;
        enum err e = ERR_OK;
        int sev;

        for (size_t i = 0; i < t->seconds; i++) {
                if (t->at_ms[i] < from || t->at_ms[i] > to || t->obs[i][s][OBS_UP] < 0.5f) continue;
                bad += (double)t->obs[i][s][OBS_ERROR];
                n++;
        }
        sev = n ? fit_severity(k, bad / (double)n) : 0;
        if (n < TAPE_SAMPLES_MIN || sev == 0) return ERR_OK; /* it did not reach this service */
        for (size_t i = 0; i < t->seconds && !e; i++)
                if (t->at_ms[i] >= from && t->at_ms[i] <= to && t->obs[i][s][OBS_UP] > 0.5f) e = fit_sample_add(d, mode, sev, (int)t->obs[i][s][OBS_LOAD], t->obs[i][s]);
        return e;
}

static enum err label_faults(const struct tape *t, const struct sim_kernel *k, struct fit_data *d)
{
        enum err e = ERR_OK;

        for (size_t first = 0, last; first < t->faults && !e; first = last) {
                uint8_t mode[TAPE_SERVICES];
                int64_t to = t->fault[first].to_ms;

                for (last = first + 1; last < t->faults && t->fault[last].due_ms - t->fault[first].due_ms < TAPE_GROUP_MS; last++)
                        to = MIN(to, t->fault[last].to_ms);
                if (is_act(&t->fault[first])) continue;
                label_group(t, first, last, mode);
                for (int s = 0; s < TAPE_SERVICES && !e; s++)
                        if (mode[s]) e = label_service(t, k, s, mode[s], t->fault[first].from_ms + TAPE_SETTLE_MS, to, d);
        }
        return e;
}

enum err tape_label(const struct tape *t, const struct sim_kernel *k, struct fit_data *d)
{
        enum err e = label_faults(t, k, d);

        for (size_t i = 0; i < t->seconds && !e; i++) {
                bool quiet = true;

                for (size_t f = 0; f < t->faults; f++) quiet = quiet && (t->at_ms[i] < t->fault[f].due_ms || (!is_act(&t->fault[f]) && t->at_ms[i] > t->fault[f].to_ms + TAPE_QUIET_MS) ||
                                                                     (is_act(&t->fault[f]) && t->at_ms[i] > t->fault[f].from_ms + TAPE_QUIET_MS && t->fault[f].to_ms == INT64_MAX));
                for (int s = 0; s < TAPE_SERVICES && quiet && !e; s++)
                        if (t->obs[i][s][OBS_UP] > 0.5f) e = fit_sample_add(d, MODE_NONE, 0, (int)t->obs[i][s][OBS_LOAD], t->obs[i][s]);
        }
        return e;
}

/* Requests that came and were not answered well, in [from, to): the sum of one-second samples of ten-second rates counts each once. */
static double lost_between(const struct tape *t, int64_t from, int64_t to)
{
        double lost = 0;

        for (size_t i = 1; i < t->seconds; i++)
                if (t->at_ms[i] >= from && t->at_ms[i] < to && !isnan(t->offered[i]) && !isnan(t->good[i]))
                        lost += (t->offered[i] - t->good[i]) * (double)(t->at_ms[i] - t->at_ms[i - 1]) / 1000;
        return lost;
}

enum err tape_cost(const struct tape *t, struct fit_data *d)
{
        double rate = 0, n = 0;
        enum err e = ERR_OK;

        for (size_t i = 0; i < t->seconds; i++)
                if (t->healthy[i] && !isnan(t->offered[i])) rate += t->offered[i], n += 1;
        if (n == 0) return ERR_OK;
        rate /= n;
        for (size_t i = 0; i < t->faults && !e; i++) {
                const struct tape_fault *f = &t->fault[i];
                double lost;

                if (!is_act(f)) continue;
                if (str_eq(f->arg, "admission_percent")) { /* the share that is lost while it lasts */
                        lost = lost_between(t, f->from_ms + TAPE_SETTLE_MS, f->to_ms) / (rate * (double)(f->to_ms - f->from_ms - TAPE_SETTLE_MS) / 1000);
                        e = fit_cost_add(d, f->on, ACT_REDUCE, lost);
                } else {
                        lost = lost_between(t, f->due_ms, f->due_ms + TAPE_COST_MS) / (rate * TAPE_STEP_MS / 1000.0);
                        e = fit_cost_add(d, f->on, str_eq(f->kind, "process.kill") ? ACT_HARD : ACT_SOFT, lost);
                }
        }
        return e;
}
