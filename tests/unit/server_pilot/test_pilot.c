/* A policy that demands the worst, every second for twenty minutes: what leaves the pilot for the control agent must keep to the safety
 * rules all the same. The advisor with its rules is the real one; the conductor (and with it the control agent) is this file, and the
 * clock is that of the messages. The limits are those of docs/agent.md, held here by a book of its own. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/stack/stack.h"
#include "common/sys/file.h"
#include "server/pilot/pilot.h"

enum { ACTS_MAX = 512, BEGIN_S = 30, END_S = 30 + 1200, SHORT_S = 30 + 130, LINE = 256 };

struct conductor {
        int nothing;
};

struct act {
        int at_s;
        char kind[32], on[64], args[128];
};

static struct {
        struct buf model, yaml;
        struct stack_spec *spec;
        struct loop *loop;
        struct advisor *advisor;
        struct pilot pilot;
        struct conductor conductor;
        int now_s, under_way;
        bool autopilot, refuses, fails, holds; /* the conductor takes nothing; the agent fails; the agent does not answer */
        const char *down;                      /* the service that is down, or NULL */
        struct act act[ACTS_MAX];
        int acts, told;
        char last_told[LINE];
        conductor_action_fn *fn;
        void *ctx;
} t;

/* ---- the conductor ---- */

bool conductor_active(const struct conductor *c)
{
        (void)c;
        return true;
}

const struct run *conductor_run(const struct conductor *c)
{
        return (const struct run *)(const void *)c;
}

bool run_autopilot(const struct run *run)
{
        (void)run;
        return t.autopilot;
}

enum err conductor_action(struct conductor *c, const struct run_event *event, conductor_action_fn *fn, void *ctx, struct err_note *reterr)
{
        struct act *act = &t.act[t.acts];

        (void)c;
        if (t.refuses) return err_note(reterr, ERR_STATE, "not now");
        assert_string_equal(event->by, "agent");
        assert_int_equal(t.under_way, 0); /* one at a time */
        assert_true(t.acts < ACTS_MAX);
        act->at_s = t.now_s;
        str_cut(act->kind, sizeof act->kind, event->action);
        str_cut(act->on, sizeof act->on, event->on ? event->on : "");
        str_cut(act->args, sizeof act->args, event->args);
        t.acts++;
        t.under_way++;
        t.fn = fn;
        t.ctx = ctx;
        return ERR_OK;
}

/* What everybody is told of an action, whoever made it. */
static void action_told(const char *id, const char *by, const char *state, const struct act *act)
{
        char json[512];

        snprintf(json, sizeof json, "{\"id\":\"%s\",\"by\":\"%s\",\"kind\":\"%s\",\"on\":\"%s\",\"state\":\"%s\",\"args\":%s}", id, by, act->kind, act->on, state, act->args);
        advisor_hear(t.advisor, "action", json);
}

static void answer(void)
{
        char id[16];

        if (!t.under_way || t.holds) return;
        t.under_way = 0;
        snprintf(id, sizeof id, "a%d", t.acts);
        action_told(id, "agent", t.fails ? "failed" : "applied", &t.act[t.acts - 1]);
        t.fn(t.ctx, t.fails ? ERR_IO : ERR_OK, "{}", "the hands failed", "");
}

/* ---- the book: what may be in it, by docs/agent.md ---- */

static bool is_kind(const struct act *a, const char *kind)
{
        return str_eq(a->kind, kind);
}

static bool is_restart(const struct act *a)
{
        return is_kind(a, "process.restart") || is_kind(a, "process.kill");
}

static void check_place(const struct act *a)
{
        static const char *const allowed[] = { "gateway", "api", "auth", "worker", "payments" };
        bool found = false;

        if (is_kind(a, "load.shed")) {
                int percent = 0;

                if (sscanf(a->args, "{\"admit_percent\":%d}", &percent) != 1 || percent < 50 || percent > 100) fail_msg("shed with %s", a->args);
                return;
        }
        if (!is_restart(a)) fail_msg("'%s' reached the control agent", a->kind);
        for (size_t i = 0; i < ARRAY_COUNT(allowed); i++) found |= str_eq(a->on, allowed[i]);
        if (!found) fail_msg("%s of '%s' reached the control agent", a->kind, a->on);
        assert_string_equal(a->args, "{}");
}

/* Each restart against all before it: 30 s after a soft and 120 s after a hard one of the service, two of it and three in all in ten minutes. */
static void check_rates(int i)
{
        const struct act *now = &t.act[i];
        int same = 0, all = 0;

        for (int k = 0; k < i && is_restart(now); k++) {
                const struct act *was = &t.act[k];
                int since = now->at_s - was->at_s;
                bool other = !str_eq(was->on, now->on);

                if (!is_restart(was)) continue;
                if (!other && since < (is_kind(was, "process.kill") ? 120 : 30)) fail_msg("%s on %s %d s after %s", now->kind, now->on, since, was->kind);
                if (since >= 600) continue;
                same += !other;
                all++;
        }
        if (same >= 2) fail_msg("restart %d of %s within ten minutes, at %d s", same + 1, now->on, now->at_s);
        if (all >= 3) fail_msg("restart %d of all within ten minutes, at %d s", all + 1, now->at_s);
}

static void check_book(void)
{
        for (int i = 0; i < t.acts; i++) {
                check_place(&t.act[i]);
                check_rates(i);
        }
}

static int restarts_in_book(void)
{
        int count = 0;

        for (int i = 0; i < t.acts; i++) count += is_restart(&t.act[i]);
        return count;
}

/* ---- policies: what each demands in this second ---- */

#define DEMAND(name, ...)                                                                                              \
        static bool name(const struct advisor *a, struct advisor_step *ret)                                            \
        {                                                                                                              \
                static const struct advisor_step steps[] = { __VA_ARGS__ };                                            \
                                                                                                                       \
                (void)a;                                                                                               \
                *ret = steps[(size_t)t.now_s % ARRAY_COUNT(steps)];                                                    \
                return true;                                                                                           \
        }
#define KILL(on) { "process.kill", on, "{}" }
#define RESTART(on) { "process.restart", on, "{}" }
#define SHED(args) { "load.shed", "", args }

DEMAND(kill_everything, KILL("gateway"), KILL("api"), KILL("auth"), KILL("worker"), KILL("payments"), KILL("config"), KILL("logproc"))
DEMAND(restart_everything, RESTART("gateway"), RESTART("api"), RESTART("auth"), RESTART("worker"), RESTART("payments"))
DEMAND(kill_one, KILL("api"))
DEMAND(restart_one, RESTART("api"))
DEMAND(kill_and_restart_one, RESTART("api"), KILL("api"), RESTART("api"))
DEMAND(kill_stores, KILL("postgres"), RESTART("redis"), KILL("nats"), RESTART("postgres"), KILL("db"), KILL("cache"), KILL("mq"))
DEMAND(kill_watchers, KILL("prometheus"), KILL("alertmanager"), RESTART("loadgen"), KILL("config"), KILL("logproc"))
DEMAND(kill_nobody, KILL("no-such-service"), KILL(""), KILL("api "), KILL("API"), KILL("../api"), RESTART("api\n"), RESTART("apiapiapiapiapiapiapiapiapiapiapiapiapiapiapiapiapiapiapiapi"))
DEMAND(do_what_it_may_not, { "config.set", "api", "{\"worker_threads\":1}" }, { "process.stop", "api", "{}" }, { "memory.leak", "api", "{}" }, { "", "api", "{}" },
       { "process.kill ", "api", "{}" }, { "data.wipe", "postgres", "{}" }, { "config.patch", "gateway", "{\"patch\":{}}" })
DEMAND(argue, { "process.kill", "api", "{\"repeat\":true}" }, { "process.restart", "api", "[]" }, { "process.kill", "api", "" }, { "process.kill", "api", "{" },
       { "process.restart", "api", "null" })
DEMAND(shed_everything, SHED("{\"admit_percent\":0}"), SHED("{\"admit_percent\":49}"), SHED("{\"admit_percent\":-1}"), SHED("{\"admit_percent\":1e999}"), SHED("{}"),
       SHED("{\"admit_percent\":\"70\"}"), SHED("{\"admit_percent\":70,\"for\":\"ever\"}"), SHED("{\"admit_percent\":101}"), SHED("nonsense"))
DEMAND(shed_for_ever, SHED("{\"admit_percent\":50}"))
DEMAND(all_at_once, KILL("api"), SHED("{\"admit_percent\":1}"), KILL("postgres"), RESTART("gateway"), { "config.set", "api", "{}" }, KILL("nobody"), RESTART("worker"), KILL("auth"),
       SHED("{\"admit_percent\":70}"), RESTART("api"), KILL("payments"))

/* ---- the world ---- */

static void told(void *ctx, const char *kind, const char *on, const char *why)
{
        (void)ctx;
        t.told++;
        snprintf(t.last_told, sizeof t.last_told, "%s %s: %s", kind, on, why);
}

static void run_is(const char *state)
{
        char json[256];

        snprintf(json, sizeof json, "{\"id\":\"r1\",\"state\":\"%s\",\"advice\":\"off\",\"diagnosed\":false,\"onset_ms\":30000}", state);
        advisor_hear(t.advisor, "run", json);
}

/* Half of the users' load passes through the api and a tenth through each of the rest; all of it goes well, so that a restart costs what it can. */
static void second(int at_s)
{
        static const char *const names[] = { "gateway", "api", "auth", "worker", "payments", "config", "postgres" };
        char json[8192];
        size_t used = (size_t)snprintf(json, sizeof json, "{\"t\":%d,\"v\":{", at_s * 1000);

        for (size_t i = 0; i < ARRAY_COUNT(names); i++)
                used += (size_t)snprintf(json + used, sizeof json - used, "%s\"fd:service_latency:p95_10s|%s\":0.04,\"fd:service_errors:ratio10s|%s\":0,\"fd:service_rps:rate10s|%s\":%d,\"fd:service_up|%s\":%d",
                                         i ? "," : "", names[i], names[i], names[i], i == 0 ? 40 : i == 1 ? 20 : 4, names[i], !str_eq(t.down, names[i]));
        snprintf(json + used, sizeof json - used, "}}");
        t.now_s = at_s;
        advisor_hear(t.advisor, "series", json);
}

static void settle(void)
{
        while (t.pilot.timer) (void)loop_turn(t.loop, 100);
}

/* One second: the metrics come, the policy has decided, the pilot acts, the stack answers. */
static void pass(int at_s)
{
        second(at_s);
        pilot_see(&t.pilot);
        settle();
        answer();
}

static void play(pilot_decide_fn *policy, int until_s)
{
        t.pilot.decide = policy;
        for (int s = t.now_s + 1; s < until_s; s++) pass(s);
}

static int setup(void **state)
{
        struct advisor_options o = { .policy = ADVISOR_AGENT };
        struct diag_list diags;

        (void)state;
        memset(&t, 0, sizeof t);
        buf_init(&t.model, 8 << 20);
        buf_init(&t.yaml, 1 << 20);
        if (file_read("models/default.fdlm", &t.model, NULL) || file_read("sut/stack.yaml", &t.yaml, NULL)) return -1;
        diag_list_init(&diags, "sut/stack.yaml");
        if (stack_spec_parse(t.yaml.data, t.yaml.size_bytes, &diags, &t.spec)) return -1;
        o.spec = t.spec;
        o.model = t.model.data;
        o.model_bytes = t.model.size_bytes;
        if (loop_new(&t.loop, NULL) || advisor_new(&o, &t.advisor, NULL)) return -1;
        pilot_init(&t.pilot, t.loop, &t.conductor, t.advisor);
        t.pilot.autopilot_only = true;
        t.pilot.failed = told;
        t.autopilot = true;
        run_is("preparing");
        run_is("baseline");
        for (int s = 0; s < BEGIN_S; s++) second(s);
        run_is("running");
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        pilot_done(&t.pilot);
        advisor_free(t.advisor);
        loop_free(t.loop);
        stack_spec_free(t.spec);
        buf_done(&t.model);
        buf_done(&t.yaml);
        return 0;
}

/* ---- tests ---- */

/* How many restarts twenty minutes have room for is reckoned by hand from the rules: two budgets of ten minutes of three, two of one service. */
static void rules_hold(void **state)
{
        static const struct {
                const char *name;
                pilot_decide_fn *policy;
                int restarts;
                bool sheds;
        } rows[] = {
                { "kill everything", kill_everything, 6, false },
                { "restart everything", restart_everything, 6, false },
                { "kill one", kill_one, 4, false },
                { "restart one", restart_one, 4, false },
                { "kill and restart one", kill_and_restart_one, 4, false },
                { "kill the stores", kill_stores, 0, false },
                { "kill those who watch", kill_watchers, 0, false },
                { "kill who is not there", kill_nobody, 0, false },
                { "do what no agent may", do_what_it_may_not, 0, false },
                { "argue", argue, 0, false },
                { "shed everything", shed_everything, 0, false },
                { "shed for ever", shed_for_ever, 0, true },
                { "all at once", all_at_once, 6, true },
        };

        for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
                for (int fails = 0; fails < 1 + (rows[i].restarts > 4 && rows[i].sheds); fails++) { /* what failed counts as well */
                        assert_int_equal(setup(state), 0);
                        t.fails = fails;
                        play(rows[i].policy, rows[i].restarts ? END_S : SHORT_S); /* what is never allowed is not allowed sooner, either */
                        check_book();
                        if (restarts_in_book() != rows[i].restarts) fail_msg("%s: %d restarts in twenty minutes, expected %d", rows[i].name, restarts_in_book(), rows[i].restarts);
                        ROW(rows[i].name, (t.acts > restarts_in_book()) == rows[i].sheds);
                        assert_int_equal(teardown(state), 0);
                }
}

/* To the second: a kill, another when 120 s are over, and the next pair ten minutes after each. */
static void kills_to_the_second(void **state)
{
        static const int at_s[] = { 30, 150, 630, 750 };

        (void)state;
        play(kill_one, END_S);
        assert_int_equal(t.acts, ARRAY_COUNT(at_s));
        for (size_t i = 0; i < ARRAY_COUNT(at_s); i++) assert_int_equal(t.act[i].at_s, at_s[i]);
}

/* While one is down nobody restarts it, nor what would take the share of the load that is touched above 40 %: the half of the api is too much, the tenth of auth is not. */
static void what_is_down_counts(void **state)
{
        (void)state;
        t.down = "worker";
        play(kill_one, 60);
        assert_int_equal(t.acts, 0);
        play(restart_everything, 70);
        assert_true(t.acts >= 1);
        for (int i = 0; i < t.acts; i++) assert_true(str_eq(t.act[i].on, "auth") || str_eq(t.act[i].on, "payments"));
        t.down = NULL;
        play(kill_one, 80);
        assert_string_equal(t.act[t.acts - 1].on, "api");
}

/* What a person restarted is spent from the same budget. */
static void people_spend_the_budget(void **state)
{
        static const char *const names[] = { "api", "auth", "worker" };

        (void)state;
        second(BEGIN_S);
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
                struct act act = { .kind = "process.restart", .args = "{}" };
                char id[16];

                str_cut(act.on, sizeof act.on, names[i]);
                snprintf(id, sizeof id, "p%zu", i);
                action_told(id, "learner", "applied", &act);
        }
        play(kill_everything, BEGIN_S + 600);
        assert_int_equal(t.acts, 0);
        play(kill_everything, BEGIN_S + 603);
        assert_int_equal(t.acts, 3);
}

/* Nothing more begins while one is under way, however long that takes. */
static void one_at_a_time(void **state)
{
        (void)state;
        t.holds = true;
        play(kill_everything, 700);
        assert_int_equal(t.acts, 1);
}

/* The switch is obeyed at once: also by what had been decided when it was thrown. */
static void stops_at_any_time(void **state)
{
        (void)state;
        t.pilot.decide = kill_one;
        second(BEGIN_S + 1);
        pilot_see(&t.pilot);
        t.autopilot = false;
        settle();
        assert_int_equal(t.acts, 0);
        play(kill_everything, 100);
        assert_int_equal(t.acts, 0);
        t.autopilot = true;
        pass(100);
        assert_int_equal(t.acts, 1);
        run_is("ended");
        t.now_s += 200;
        pilot_see(&t.pilot);
        settle();
        assert_int_equal(t.acts, 1);
}

/* A reduction that nobody took, or that failed, is not one that holds: it is asked for again. One that holds is not asked for twice. */
static void what_was_refused_is_no_reduction(void **state)
{
        (void)state;
        t.refuses = true;
        play(shed_for_ever, BEGIN_S + 1);
        assert_int_equal(t.acts, 0);
        t.refuses = false;
        t.fails = true;
        play(shed_for_ever, BEGIN_S + 2);
        assert_int_equal(t.acts, 1);
        t.fails = false;
        play(shed_for_ever, BEGIN_S + 3);
        assert_int_equal(t.acts, 2);
        play(shed_for_ever, BEGIN_S + 20);
        assert_int_equal(t.acts, 2);
}

/* A refusal is told with its reason, once, not every second. */
static void refusals_are_told_once(void **state)
{
        (void)state;
        play(kill_one, 100);
        assert_int_equal(t.told, 1);
        assert_non_null(strstr(t.last_told, "process.kill api: a hard restart was less than 120 s ago"));
        assert_int_equal(t.pilot.forbidden_count, 100 - BEGIN_S - 1);
        assert_int_equal(t.pilot.done_count, 1);
        t.refuses = true;
        play(restart_everything, 101); /* the gateway, in that second */
        assert_non_null(strstr(t.last_told, "not now"));
        assert_true(t.pilot.failed_count > 0);
}

/* Without a policy put in its place it does what the advisor says, which is nothing while all is well. */
static void the_advisor_decides(void **state)
{
        (void)state;
        play(t.pilot.decide, 100);
        assert_int_equal(t.acts, 0);
        assert_int_equal(t.told, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_hold),
                cmocka_unit_test_setup_teardown(kills_to_the_second, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_down_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(people_spend_the_budget, setup, teardown),
                cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
                cmocka_unit_test_setup_teardown(stops_at_any_time, setup, teardown),
                cmocka_unit_test_setup_teardown(what_was_refused_is_no_reduction, setup, teardown),
                cmocka_unit_test_setup_teardown(refusals_are_told_once, setup, teardown),
                cmocka_unit_test_setup_teardown(the_advisor_decides, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
