/* firedrill play: one scenario on a stack of its own, without a person; a line of JSON for each event, or text on a
 * terminal. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/text/json.h"
#include "server/app/commands.h"
#include "server/app/driver.h"
#include "server/app/options.h"
#include "server/app/record.h"
#include "server/app/rig.h"
#include "server/engine/run_json.h"
#include "server/pilot/pilot.h"
#include "server/race/stack_pick.h"

struct play {
        struct rig *rig;
        struct driver driver;
        struct pilot pilot;
        struct record record;
        bool is_text, is_over, was_injecting, was_running, is_started;
        int64_t began_ms, injecting_ms, page_ms, ended_ms; /* 0: did not happen */
        int64_t give_up_ms;                                /* after the page; 0: never */
        struct loop_timer *give_up;
};

/* A line of text for a person; what has no short form is left out. */
static void play_print_text(const char *type, const struct json *j)
{
        const char *text = json_get_str(j, "text", "");

        if (str_eq(type, "run")) {
                printf("run %s: %s%s%s\n", json_get_str(j, "id", ""), json_get_str(j, "state", ""),
                       json_get_str(j, "outcome", NULL) ? ", " : "", json_get_str(j, "outcome", ""));
        } else if (str_eq(type, "criterion")) {
                const struct json *ok = json_get(j, "ok");

                printf("  %-7s %-16s held %3.0f of %.0f s  %s\n",
                       json_is(ok, JSON_NULL) ? "no data"
                       : json_true(ok)        ? "met"
                                              : "not met",
                       json_get_str(j, "id", ""), json_get_num(j, "held_ms", 0) / 1000,
                       json_get_num(j, "hold_ms", 0) / 1000, json_get_str(j, "reason", ""));
        } else if (str_eq(type, "feed")) {
                printf("  [%s] %s: %s\n", json_get_str(j, "kind", ""), json_get_str(j, "from", ""), text);
        } else if (str_eq(type, "action") || str_eq(type, "fault")) {
                printf("  %s %s %s: %s %s\n", type, json_get_str(j, "kind", ""), json_get_str(j, "on", ""),
                       json_get_str(j, "state", ""), json_get_str(j, "detail", ""));
        } else if (str_eq(type, "guard") && !json_get_bool(j, "ok", true)) {
                printf("  guard %s: %s\n", json_get_str(j, "id", ""), json_get_str(j, "reason", ""));
        } else if (str_eq(type, "notice")) {
                printf("  %s\n", text);
        }
}

static void play_gave_up(void *ctx)
{
        struct play *p = ctx;
        struct run_event end = {.kind = RUN_EV_END, .by = "abandoned"};
        struct err_note note;

        p->give_up = NULL;
        if (conductor_event(rig_conductor(p->rig), &end, &note)) return; /* it has ended meanwhile */
}

/* When what happened: the measure of how sharply a fault bites and how quickly a repair works. */
static void play_note_state(struct play *p)
{
        enum run_state state = run_state(conductor_run(rig_conductor(p->rig)));

        if (state == RUN_INJECTING && !p->was_injecting) {
                p->was_injecting = true;
                p->injecting_ms = clock_mono_ms();
        }
        if (state == RUN_RUNNING && !p->was_running) {
                p->was_running = true;
                p->page_ms = clock_mono_ms();
                if (p->give_up_ms && loop_timer_add(rig_loop(p->rig), p->give_up_ms, 0, play_gave_up, p, &p->give_up))
                        p->give_up = NULL; /* then the time limit ends it */
        }
        if (state == RUN_ENDED && !p->ended_ms) p->ended_ms = clock_mono_ms();
}

static void play_tell(void *ctx, const char *type, const char *json)
{
        struct play *p = ctx;
        AUTO(json_free) struct json *j = NULL;
        struct err_note note = {0};

        if (record_message(&p->record, type, json, &note))
                fprintf(stderr, "firedrill play: the recording broke off: %s\n", note.text);
        if (str_eq(type, "series") || str_eq(type, "user") || str_eq(type, "process")) return;
        if (!p->is_text) {
                printf("{\"t\":%lld,\"type\":\"%s\",\"data\":%s}\n", (long long)clock_wall_ms(), type, json);
        } else if (!json_parse(json, strlen(json), &j, NULL)) {
                play_print_text(type, j);
        }
        (void)fflush(stdout);
        if (!p->is_started) return;
        if (str_eq(type, "run")) play_note_state(p);
        driver_see(&p->driver);
}

static void play_idle(void *ctx, int64_t run_id)
{
        struct play *p = ctx;

        (void)run_id;
        p->is_over = p->is_started;
}

static void play_advice(void *ctx, const char *recommendation)
{
        struct play *p = ctx;

        (void)recommendation;
        if (p->is_started) pilot_see(&p->pilot);
}

static void play_step_failed(void *ctx, const char *kind, const char *on, const char *why)
{
        fprintf(stderr, "firedrill play: %s on %s was not done: %s\n", kind, on, why);
        (void)ctx;
}

/* Failing before anybody could play is the environment's fault, or the scenario's, but not a verdict on the driver. */
static int play_status(const struct play *p, const struct run *run)
{
        switch (run_outcome(run)) {
        case RUN_OUTCOME_RESOLVED:
                return SITE_EXIT_OK;
        case RUN_OUTCOME_TIME_UP:
        case RUN_OUTCOME_ABANDONED:
                return SITE_EXIT_NEGATIVE;
        default:
                return p->was_running ? SITE_EXIT_NEGATIVE : SITE_EXIT_ENVIRONMENT;
        }
}

/* The criteria that were not held at the end, each with its reason. */
static struct json *play_unmet(const struct run *run)
{
        struct json *list = json_array();

        for (size_t i = 0; run && i < run_criterion_count(run); i++) {
                AUTO(json_free) struct json *criterion = NULL;
                struct json *row;
                AUTO_BUF text;

                buf_init(&text, 1 << 16);
                run_criterion_json(run, i, &text);
                if (buf_status(&text) || json_parse(text.data, text.size_bytes, &criterion, NULL) ||
                    json_get_bool(criterion, "held", false))
                        continue;
                row = json_object();
                json_set_str(row, "id", json_get_str(criterion, "id", ""));
                json_set_str(row, "reason", json_get_str(criterion, "reason", ""));
                json_push(list, row);
        }
        return list;
}

static int play_verdict(struct play *p, bool fast)
{
        const struct run *run = conductor_run(rig_conductor(p->rig));
        int status = run ? play_status(p, run) : SITE_EXIT_ENVIRONMENT;
        const char *outcome = run ? run_outcome_text(run_outcome(run)) : "failed";
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out = {0};

        if (p->is_text) {
                printf("%s%s after %.1f s: %s\n", outcome,
                       fast ? " (fast: holds, hints and time limit are shortened)" : "",
                       (double)(clock_mono_ms() - p->began_ms) / 1000, run ? run_reason(run) : "the run is gone");
                return status;
        }
        buf_init(&out, 1 << 16);
        json_set_str(j, "type", "outcome");
        json_set_str(j, "outcome", outcome);
        json_set_str(j, "reason", run ? run_reason(run) : "the run is gone");
        json_set_bool(j, "healthy", p->was_injecting || p->was_running); /* the baseline held */
        json_set_bool(j, "bites", p->was_running);                       /* the symptom showed */
        json_set_num(j, "refused", (double)p->driver.failed_count);
        json_set_bool(j, "fast", fast);
        json_set(j, "unmet", play_unmet(run));
        if (p->page_ms && p->injecting_ms) json_set_num(j, "bite_ms", (double)(p->page_ms - p->injecting_ms));
        if (p->page_ms && p->ended_ms) json_set_num(j, "played_ms", (double)(p->ended_ms - p->page_ms));
        json_set_num(j, "took_ms", (double)(clock_mono_ms() - p->began_ms));
        json_set_num(j, "exit_status", status);
        if (!json_print(j, &out)) printf("%s\n", out.data);
        return status;
}

struct play_args {
        const char *file, *driver, *home, *seed, *record;
        bool fast, json;
        int stack;
        int64_t give_up_ms;
};

static int play_run(const struct play_args *a, const struct site *site, const struct buf *source,
                    const struct scenario_recipe *recipe)
{
        struct play p = {
                .is_text = !a->json && isatty(STDOUT_FILENO), .began_ms = clock_mono_ms(), .give_up_ms = a->give_up_ms};
        struct rig_options options = {.site = site,
                                      .home = a->home,
                                      .stack = a->stack,
                                      .is_brief = true,
                                      .driver = a->driver,
                                      .tell = play_tell,
                                      .on_idle = play_idle,
                                      .ctx = &p};
        enum advisor_policy policy = advisor_policy_parse(a->driver);
        struct conductor_play play = {
                .source = source->data, .source_bytes = source->size_bytes, .driver = a->driver, .fast = a->fast};
        AUTO(rig_free) struct rig *rig = NULL;
        char id[CONDUCTOR_RUN_ID_BYTES];
        struct err_note note = {0};
        int status = SITE_EXIT_ENVIRONMENT;
        enum err e;

        if (a->seed && str_parse_u64(a->seed, (uint64_t)1 << 53, &play.seed)) {
                fprintf(stderr, "firedrill play: --seed is '%s', expected a number\n", a->seed);
                return SITE_EXIT_USE;
        }
        if (policy < ADVISOR_POLICY_COUNT) {
                options.policy = policy;
                options.on_advice = play_advice;
                options.shows_all_advice = true;
        }
        e = record_init(&p.record, a->record, &note);
        if (!e) e = rig_new(&options, &rig, &note);
        if (!e) e = rig_start(rig, &note);
        if (!e && options.on_advice && !rig_advisor(rig))
                e = err_note(&note, ERR_UNSUPPORTED, "there is no model for the driver '%s'", a->driver);
        p.rig = rig;
        if (!e) {
                pilot_init(&p.pilot, rig_loop(rig), rig_conductor(rig), rig_advisor(rig));
                p.pilot.failed = play_step_failed;
                driver_init(&p.driver, rig_loop(rig), rig_conductor(rig), recipe);
                p.driver.diagnoses = str_starts(a->driver, "solution");
                p.driver.failed = play_step_failed;
                p.is_started = true;
                e = conductor_start(rig_conductor(rig), &play, id, &note);
        }
        if (!e) e = rig_wait(rig, &p.is_over, 0);
        if (!e) {
                status = play_verdict(&p, a->fast);
        } else if (rig && rig_interrupted(rig)) {
                fprintf(stderr, "firedrill play: interrupted; undoing what was changed\n");
                status = SITE_EXIT_NEGATIVE;
        } else {
                fprintf(stderr, "firedrill play: %s\n", note.text);
        }
        loop_timer_remove(take(&p.give_up));
        driver_done(&p.driver);
        pilot_done(&p.pilot);
        if (!rig || !rig_stop(rig, &note)) return status;
        fprintf(stderr, "firedrill play: %s\n", note.text);
        return SITE_EXIT_ENVIRONMENT;
}

static int play_load(const struct play_args *a)
{
        AUTO(site_free) struct site *site = NULL;
        AUTO(scenario_free) struct scenario *scenario = NULL;
        const struct scenario_recipe *recipe = NULL;
        struct driver_room room;
        struct diag_list diags;
        struct err_note note = {0};
        AUTO_BUF source = {0};
        AUTO_BUF findings = {0};
        enum err e;

        if (site_new(&site, &note)) {
                fprintf(stderr, "firedrill play: %s\n", note.text);
                return SITE_EXIT_ENVIRONMENT;
        }
        buf_init(&source, SCENARIO_FILE_BYTES_MAX);
        buf_init(&findings, 1 << 20);
        diag_list_init(&diags, a->file);
        e = site_scenario_load(site, a->file, &source, &diags, &scenario, &note);
        if (e) diag_list_print(&diags, &findings);
        fprintf(stderr, "%s", findings.data);
        if (e && diags.count == 0) fprintf(stderr, "firedrill play: %s\n", note.text);
        diag_list_done(&diags);
        if (e == ERR_PARSE) return SITE_EXIT_NEGATIVE;
        if (e) return SITE_EXIT_USE;
        if (driver_find(a->driver, scenario, site_spec(site), &room, &recipe, &note)) {
                fprintf(stderr, "firedrill play: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        return play_run(a, site, &source, recipe);
}

int command_play(int argc, char **argv)
{
        struct play_args a = {.driver = "none"};
        const char *stack = NULL, *give_up = NULL;
        bool wants_help = false;
        int64_t number = 1;
        int status, sign = -1;
        const struct option_row rows[] = {
                {.name = "--driver",
                 .value = "WHO",
                 .help = "none (default), solution, solution:N, wrong:N, restart (everything), agent, rule, tuned or "
                         "ignore",
                 .text = &a.driver},
                {.name = "--fast", .help = "shorten holds, hints and the time limit", .flag = &a.fast},
                {.name = "--home",
                 .value = "DIR",
                 .help = "where stack and database live (default: a temporary folder)",
                 .text = &a.home},
                {.name = "--stack",
                 .value = "N",
                 .help = "number of the stack: 127.77.N.1 (default: the first that is free)",
                 .text = &stack},
                {.name = "--give-up",
                 .value = "TIME",
                 .help = "abandon the run so long after the page, such as 40s (default: the time limit)",
                 .text = &give_up},
                {.name = "--seed", .value = "N", .help = "instead of the scenario's own", .text = &a.seed},
                {.name = "--record",
                 .value = "FILE",
                 .help = "keep series, actions and faults for firedrill advise and firedrill-learn calibrate",
                 .text = &a.record},
                {.name = "--json", .help = "JSON lines, also on a terminal", .flag = &a.json},
        };
        struct option_words files = {.count = 0};
        struct err_note note;

        if (options_parse(rows, ARRAY_COUNT(rows), argc, argv, &files, &wants_help, &note)) {
                fprintf(stderr, "firedrill play: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        if (wants_help) {
                options_help(
                        "firedrill play FILE [OPTIONS]",
                        "Plays a scenario on a stack of its own and tells every event; the last line is the outcome.",
                        rows, ARRAY_COUNT(rows));
                return SITE_EXIT_OK;
        }
        if (files.count != 1) {
                fprintf(stderr, "firedrill play: expected one FILE\n");
                return SITE_EXIT_USE;
        }
        if (stack && str_parse_i64(stack, 1, STACK_NUMBER_MAX, &number)) {
                fprintf(stderr, "firedrill play: --stack is '%s', expected a number from 1 to %d\n", stack,
                        STACK_NUMBER_MAX);
                return SITE_EXIT_USE;
        }
        if (give_up && (str_parse_duration_ms(give_up, &a.give_up_ms) || a.give_up_ms <= 0)) {
                fprintf(stderr, "firedrill play: --give-up is '%s', expected a duration such as 40s\n", give_up);
                return SITE_EXIT_USE;
        }
        a.stack = stack ? (int)number : stack_pick(0, STACK_NUMBER_MAX, NULL, NULL, &sign);
        if (!a.stack) {
                fprintf(stderr, "firedrill play: no stack of 1 to %d is free on this machine\n", STACK_NUMBER_MAX);
                return SITE_EXIT_ENVIRONMENT;
        }
        a.file = files.item[0];
        status = play_load(&a);
        if (sign >= 0) (void)close(sign);
        return status;
}
