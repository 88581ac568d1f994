/* firedrill serve: one port, one stack, the API and the control panel. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/entropy.h"
#include "common/sys/file.h"
#include "common/sys/limit.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "server/api/api.h"
#include "server/app/commands.h"
#include "server/app/rig.h"
#include "server/app/serve_args.h"
#include "server/app/shell_env.h"
#include "server/app/verify_job.h"
#include "server/door/door.h"
#include "server/guard/token.h"
#include "server/http/front.h"
#include "server/pilot/pilot.h"
#include "server/push/push.h"
#include "server/race/race.h"
#include "server/terminal/terminal.h"

enum { SERVE_KEY_BYTES = 16, SERVE_GHOSTS_END_MS = 30000, SERVE_TURN_MS = 200 };

struct serve {
        const struct serve_args *args;
        struct site *site;
        struct rig *rig;
        struct verify_job *verify;
        struct guard *guard;
        struct api *api;
        struct race *race;
        struct pilot pilot; /* acts while the run's autopilot is on */
        struct push *push;
        struct terminal *terminal; /* NULL: not asked for */
        struct front *front;
        struct door *door;
        char key[2 * SERVE_KEY_BYTES + 1];
        atomic_bool front_closed;
};

/* The shells of a run end with it. */
static void serve_run_seen(struct serve *s, const char *json)
{
        AUTO(json_free) struct json *j = NULL;
        const char *state;

        if (!s->terminal || json_parse(json, strlen(json), &j, NULL)) return;
        state = json_get_str(j, "state", "");
        if (str_eq(state, "ended") || str_eq(state, "debriefed")) terminal_close_all(s->terminal, "the incident is over");
}

/* What the server tells: browsers, and, for what a person at the terminal must know, the log. */
static void serve_tell(void *ctx, const char *type, const char *json)
{
        static const struct {
                const char *name;
                enum push_type type;
        } types[] = {
#define X(name, text, is_stream, is_on) {text, PUSH_##name},
                PUSH_TYPE_LIST(X)
#undef X
        };
        struct serve *s = ctx;
        AUTO(json_free) struct json *j = NULL;

        if (str_eq(type, "notice") && !json_parse(json, strlen(json), &j, NULL))
                log_text(str_eq(json_get_str(j, "level", ""), "error") ? LOG_ERROR : LOG_INFO, "server.notice", "%s",
                         json_get_str(j, "text", ""));
        if (s->race) race_hear(s->race, type, json);
        if (str_eq(type, "process") && s->api && !json_parse(json, strlen(json), &j, NULL)) api_process_seen(s->api, j);
        if (str_eq(type, "run")) serve_run_seen(s, json);
        for (size_t i = 0; s->push && i < ARRAY_COUNT(types); i++)
                if (str_eq(types[i].name, type) && push_publish(s->push, types[i].type, json))
                        return; /* push makes a loss good by itself */
}

static void serve_say(void *ctx, const char *text)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out = {0};

        buf_init(&out, 4096);
        json_set_str(j, "level", "warning");
        json_set_str(j, "text", text);
        if (!json_print(j, &out)) serve_tell(ctx, "notice", out.data);
}

static void serve_compare(void *ctx, const char *json)
{
        serve_tell(ctx, "comparison", json);
}

static void serve_advice(void *ctx, const char *recommendation)
{
        struct serve *s = ctx;
        const struct run *run = conductor_run(rig_conductor(s->rig));

        if (s->race) race_decided(s->race, recommendation);
        if (run && run_autopilot(run) && s->pilot.advisor) pilot_see(&s->pilot);
}

static void serve_recording_bad(void *ctx, const char *text)
{
        (void)ctx;
        log_text(LOG_ERROR, "server.recording", "%s", text);
}

static void serve_pilot_failed(void *ctx, const char *kind, const char *on, const char *why)
{
        struct serve *s = ctx;
        char text[512];

        (void)snprintf(text, sizeof(text), "the agent could not do %s%s%s: %.300s", kind[0] ? kind : "what it decided", on[0] ? " on " : "", on, why);
        serve_say(s, text);
}

/* The agent at the wheel, and the others on stacks of their own. */
static enum err serve_agent_make(struct serve *s, struct err_note *reterr)
{
        char share[FILE_PATH_BYTES], shipped[FILE_PATH_BYTES];
        struct race_options race = {.loop = rig_loop(s->rig),
                                    .store = rig_store(s->rig),
                                    .home = rig_home(s->rig),
                                    .stack = s->args->stack_number,
                                    .stack_max = STACK_NUMBER_MAX,
                                    .mode = s->args->race_mode,
                                    .model = rig_advisor(s->rig) ? advisor_model(rig_advisor(s->rig)) : NULL,
                                    .tell = serve_compare,
                                    .say = serve_recording_bad,
                                    .ctx = s};
        enum err e = path_share(share, reterr);

        if (e) return e;
        if (path_join(shipped, share, "models/recordings")) return err_note(reterr, ERR_LIMIT, "the path of the product files is too long");
        race.shipped = shipped;
        pilot_init(&s->pilot, rig_loop(s->rig), rig_conductor(s->rig), rig_advisor(s->rig));
        s->pilot.autopilot_only = true;
        s->pilot.failed = serve_pilot_failed;
        s->pilot.ctx = s;
        return race_new(&race, &s->race, reterr);
}

static void serve_control(void *ctx, bool up)
{
        struct serve *s = ctx;

        if (s->api) api_control_seen(s->api, up);
}

static void serve_snapshot(void *ctx)
{
        struct serve *s = ctx;
        AUTO_BUF out = {0};

        if (!s->push || !s->api) return;
        buf_init(&out, PUSH_SNAPSHOT_BYTES_MAX);
        api_snapshot(s->api, &out);
        if (buf_status(&out) || push_snapshot(s->push, out.data)) return; /* push asks again after two seconds */
}

static void serve_snapshot_wanted(void *ctx)
{
        struct serve *s = ctx;

        if (loop_post(rig_loop(s->rig), serve_snapshot, s)) return; /* a full loop: push asks again */
}

static void serve_api(void *ctx, struct http_exchange *x)
{
        struct serve *s = ctx;

        api_handle(s->api, x);
}

/* A WebSocket, on the door's thread. */
static enum err serve_upgrade(void *ctx, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                              struct err_note *reterr)
{
        struct serve *s = ctx;

        if (head_text_is(head->path, TERMINAL_PATH) && !s->terminal)
                return err_note(reterr, ERR_NOT_FOUND, "the terminal is off: start the server with --terminal");
        if (head_text_is(head->path, TERMINAL_PATH)) return terminal_adopt(s->terminal, fd, head, extra, extra_bytes, reterr);
        if (!head_text_is(head->path, "/ws"))
                return err_note(reterr, ERR_NOT_FOUND, "there is no WebSocket at this path, only at /ws");
        return push_adopt(s->push, fd, head, extra, extra_bytes, reterr);
}

static enum err serve_guard_make(struct serve *s, struct err_note *reterr)
{
        struct guard_opts options = {.listen_address = s->args->listen,
                                     .allow_hosts = s->args->hosts,
                                     .allow_host_count = s->args->host_count,
                                     .token = s->args->token[0] ? s->args->token : NULL};

        return guard_new(&options, &s->guard, reterr);
}

/* Found out before anything is started: a busy port is the most common mistake. */
static enum err serve_port_check(const struct serve *s, struct err_note *reterr)
{
        int fd = -1;
        enum err e =
                s->args->port_number ? sock_listen_tcp(s->args->listen, s->args->port_number, 1, &fd, reterr) : ERR_OK;

        if (fd >= 0) (void)close(fd);
        return e;
}

static void serve_verify_tell(void *ctx, const char *json)
{
        struct serve *s = ctx;

        if (s->push && push_publish(s->push, PUSH_VERIFY, json)) return; /* push makes a loss good by itself */
}

static enum err serve_verify_start(void *ctx, const char *scenario, const char *file, bool fast, struct err_note *reterr)
{
        return verify_job_start(ctx, scenario, file, fast, reterr);
}

static void serve_verify_stop(void *ctx)
{
        verify_job_stop(ctx);
}

static struct json *serve_verify_get(void *ctx)
{
        return verify_job_json(ctx);
}

/* Proofs run on the next stack. */
static enum err serve_verify_make(struct serve *s, struct err_note *reterr)
{
        struct verify_job_options o = {
                .loop = rig_loop(s->rig), .stack = s->args->stack_number % STACK_NUMBER_MAX + 1, .tell = serve_verify_tell, .ctx = s};

        return verify_job_new(&o, &s->verify, reterr);
}

static enum err serve_api_make(struct serve *s, struct err_note *reterr)
{
        char share[FILE_PATH_BYTES], shipped[FILE_PATH_BYTES], own[FILE_PATH_BYTES], packs[FILE_PATH_BYTES];
        struct api_options o = {.loop = rig_loop(s->rig),
                                .store = rig_store(s->rig),
                                .control = rig_control(s->rig),
                                .conductor = rig_conductor(s->rig),
                                .race = s->race,
                                .agent = rig_advisor(s->rig) ? advisor_model(rig_advisor(s->rig)) : NULL,
                                .spec = site_spec(s->site),
                                .world = site_world(s->site),
                                .stack = s->args->stack_number,
                                .terminal = s->args->terminal,
                                .home = rig_home(s->rig),
                                .grafana = s->args->grafana_url,
                                .say = serve_say,
                                .ctx = s};
        enum err e = path_share(share, reterr);

        if (!e) e = serve_verify_make(s, reterr);
        if (e) return e;
        o.verify = (struct api_verify){
                .start = serve_verify_start, .stop = serve_verify_stop, .get = serve_verify_get, .ctx = s->verify};
        if (path_join(shipped, share, "scenarios") || path_join(own, rig_home(s->rig), "scenarios") ||
            path_join(packs, rig_home(s->rig), "packs"))
                return err_note(reterr, ERR_LIMIT, "the path of --home is too long");
        o.packs[o.pack_count++] = (struct api_pack){.dir = shipped};
        o.packs[o.pack_count++] = (struct api_pack){.name = "user", .dir = own, .writable = true};
        o.packs[o.pack_count++] = (struct api_pack){.dir = packs, .writable = true, .is_root = true};
        for (size_t i = 0; i < s->args->pack_count && o.pack_count < API_PACKS_MAX; i++)
                o.packs[o.pack_count++] = (struct api_pack){.dir = s->args->packs[i], .is_root = true};
        for (size_t i = 0; i < s->args->scenario_count && o.pack_count < API_PACKS_MAX; i++) {
                const char *slash = strrchr(s->args->scenarios[i], '/');

                o.packs[o.pack_count++] = (struct api_pack){
                        .name = slash && slash[1] ? slash + 1 : s->args->scenarios[i], .dir = s->args->scenarios[i]};
        }
        return api_new(&o, &s->api, reterr);
}

static enum err serve_terminal_make(struct serve *s, struct err_note *reterr)
{
        struct shell_env env;
        enum err e;

        if (!s->args->terminal) return ERR_OK;
        e = shell_env_make(&env, site_spec(s->site), s->args->stack_number, reterr);
        return e ? e : terminal_new(&(struct terminal_opts){.guard = s->guard, .env = env.list}, &s->terminal, reterr);
}

static enum err serve_doors_make(struct serve *s, struct err_note *reterr)
{
        struct push_opts push = {.guard = s->guard, .snapshot_wanted = serve_snapshot_wanted, .ctx = s};
        struct front_opts front = {
                .guard = s->guard, .door_key = s->key, .ui = &ui_embedded, .api = serve_api, .ctx = s,
                .frame_origin = s->args->grafana_url ? s->args->grafana_origin : NULL};
        struct door_opts door = {.address = s->args->listen, .port = s->args->port_number, .key = s->key, .ctx = s};
        enum err e = push_new(&push, &s->push, reterr);

        entropy_hex(s->key, SERVE_KEY_BYTES);
        if (!e) e = serve_terminal_make(s, reterr);
        if (!e) e = front_new(&front, &s->front, reterr);
        if (e) return e;
        door.backend_port = front_port(s->front);
        door.relays_max = front_capacity(s->front);
        door.upgrade = serve_upgrade;
        return door_new(&door, &s->door, reterr);
}

static enum err serve_start(struct serve *s, struct err_note *reterr)
{
        struct rig_options rig = {.home = s->args->home,
                                  .stack = s->args->stack_number,
                                  .no_control = s->args->no_control,
                                  .tell = serve_tell,
                                  .on_control = serve_control,
                                  .on_advice = serve_advice,
                                  .ctx = s};
        enum err e = serve_guard_make(s, reterr);

        if (!e) e = serve_port_check(s, reterr);
        if (!e) e = site_new(&s->site, reterr);
        rig.site = s->site;
        if (!e) e = rig_new(&rig, &s->rig, reterr);
        if (!e) e = rig_start(s->rig, reterr);
        if (!e) e = serve_agent_make(s, reterr);
        if (!e) e = serve_api_make(s, reterr);
        if (!e) e = serve_doors_make(s, reterr);
        if (!e) e = rig_stack_start(s->rig, reterr);
        if (!e) api_control_seen(s->api, true); /* the stack's state, read back now that it is up */
        return e;
}

static void serve_wake(void *ctx)
{
        (void)ctx; /* only so that the loop looks up */
}

static void *serve_front_close(void *ctx)
{
        struct serve *s = ctx;

        front_free(s->front);
        atomic_store(&s->front_closed, true);
        if (loop_post(rig_loop(s->rig), serve_wake, NULL)) return NULL; /* then it looks up at the end of its turn */
        return NULL;
}

/* Requests under way may wait for the loop, so the loop turns while they are let finish. */
static void serve_front_stop(struct serve *s)
{
        pthread_t thread;

        if (!s->front) return;
        if (pthread_create(&thread, NULL, serve_front_close, s)) {
                front_free(s->front);
        } else {
                while (!atomic_load(&s->front_closed)) (void)loop_turn(rig_loop(s->rig), 200);
                (void)pthread_join(thread, NULL);
        }
        s->front = NULL;
}

/* They were told to end before the rig was, and each takes its own stack down meanwhile. */
static enum err serve_ghosts_wait(struct serve *s, struct err_note *reterr)
{
        int64_t deadline = clock_mono_ms() + SERVE_GHOSTS_END_MS;

        while (s->race && !race_is_quiet(s->race) && clock_mono_ms() < deadline) (void)loop_turn(rig_loop(s->rig), SERVE_TURN_MS);
        if (!s->race || race_is_quiet(s->race)) return ERR_OK;
        return err_note(reterr, ERR_TIMEOUT, "a ghost run did not end in time; it ends with this process");
}

static enum err serve_stop(struct serve *s, struct err_note *reterr)
{
        enum err e = ERR_OK, quiet;

        door_free(s->door);
        serve_front_stop(s);
        verify_job_free(take(&s->verify));
        if (s->race) race_interrupt(s->race, "stopped with the server");
        if (s->rig) pilot_done(&s->pilot);
        if (s->rig) e = rig_stop(s->rig, reterr);
        quiet = serve_ghosts_wait(s, e ? NULL : reterr);
        if (!e) e = quiet;
        race_free(take(&s->race));
        terminal_free(take(&s->terminal));
        push_free(take(&s->push));
        rig_free(take(&s->rig));
        api_free(take(&s->api));
        guard_free(s->guard);
        site_free(s->site);
        return e;
}

static int serve_run(const struct serve_args *args)
{
        struct serve s = {.args = args};
        struct err_note note = {0};
        int status = SITE_EXIT_OK;
        bool never = false;

        if (serve_start(&s, &note)) {
                if (s.rig && rig_interrupted(s.rig)) {
                        fprintf(stderr, "firedrill: interrupted during the start\n");
                } else {
                        fprintf(stderr, "firedrill: %s\n", note.text);
                        status = SITE_EXIT_ENVIRONMENT;
                }
        } else {
                printf("Firedrill is ready: http://%s:%u/%s%s\n",
                       str_eq(args->listen, "0.0.0.0") ? "127.0.0.1" : args->listen, door_port(s.door),
                       args->token[0] ? "?token=" : "", args->token);
                (void)fflush(stdout);
                if (rig_wait(s.rig, &never, 0) == ERR_STATE)
                        log_text(LOG_INFO, "server.stop", "ending the run, the stack and the control agent");
        }
        if (serve_stop(&s, &note)) {
                fprintf(stderr, "firedrill: %s\n", note.text);
                status = SITE_EXIT_ENVIRONMENT;
        }
        return status;
}

int command_serve(int argc, char **argv)
{
        struct serve_args a;
        bool runs = false;
        int status = serve_args_read(&a, argc, argv, &runs);

        if (!runs) return status;
        (void)limit_files_raise(); /* each browser is one */
        return serve_run(&a);
}
