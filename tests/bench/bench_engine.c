/* The engine: processor time of one tick with 20 criteria, 9 guards (the four of every scenario among them), 10 hints and 12 signals of the
 * evidence, without and with the messages it leads to; of loading a scenario; of replaying the log of a run. Beside: the plain comparison of
 * the same 20 values. */
#include <time.h>

#include "bench.h"

#include "common/base/buf.h"
#include "common/base/check.h"
#include "server/engine/run_event.h"
#include "server/engine/run_json.h"
#include "server/engine/scenario_load.h"

enum { CRITERIA = 20, GUARDS = 5, HINTS = 10, PAGE_TICKS = 8 };

static const struct scenario_world nowhere = { 0 };
static volatile double sink;

static int64_t cpu_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void write_scenario(struct buf *out)
{
        buf_str(out, "schema: 1\nid: b\ntitle: B\nlevel: 1\ntime_limit: 4h\nobjectives: [o]\nbrief: B\ndebrief: D\nload: {profile: steady, rps: 40}\n"
                     "baseline: {settle: 2s}\ntimeline: [{at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}]\nconfirm: {within: 30s}\n"
                     "truth: {component: api, mechanism: concurrency_limit}\nsolutions: [[{config.set: {on: api, args: {worker_threads: 8}}}]]\ncriteria:\n");
        for (int i = 0; i < CRITERIA; i++)
                buf_printf(out, "  - {id: c%d, title: Criterion %d, promql: 'fd:user_success:ratio10s * %d', target: '>= 0.98', unit: ratio, hold: 45s}\n", i, i, i + 1);
        buf_str(out, "evidence:\n  symptom: ['panel:user.latency', 'panel:gateway.latency', 'panel:gateway.traffic', 'panel:gateway.errors']\n"
                     "  path: ['panel:api.queue', 'panel:api.saturation', 'panel:api.cpu', 'panel:api.memory', 'panel:api.latency', 'panel:gateway.pool_wait']\n"
                     "  cause: ['panel:db.db_query', 'panel:db.db_wait']\n");
        buf_str(out, "must_not:\n");
        for (int i = 0; i < GUARDS; i++)
                buf_printf(out, "  - {id: g%d, promql: 'fd:offered_rps * %d < 1', reason: No}\n", i, i + 1);
        buf_str(out, "hints:\n");
        for (int i = 0; i < HINTS; i++)
                buf_printf(out, "  - {after: 1m, when: c%d.unmet_for > 239m, text: Look}\n", i);
}

static struct scenario *load(const char *text, size_t size)
{
        struct scenario *s = NULL;
        struct diag_list diags;
        struct buf out;

        buf_init(&out, 1 << 16);
        diag_list_init(&diags, "bench");
        if (scenario_load(text, size, NULL, &nowhere, &diags, &s)) {
                diag_list_print(&diags, &out);
                fprintf(stderr, "%s", out.data);
                exit(3);
        }
        diag_list_done(&diags);
        buf_done(&out);
        return s;
}

struct player {
        struct run *run;
        struct run_effects effects;
        struct run_sample sample[SCENARIO_QUERIES_MAX];
        struct buf log;
        int64_t now_ms;
};

static void feed(struct player *p, const struct run_event *event)
{
        struct err_note note;

        if (run_step(p->run, event, p->now_ms, &p->effects, &note)) {
                fprintf(stderr, "%s\n", note.text);
                exit(3);
        }
        if (p->log.max_bytes) {
                run_event_write(event, p->now_ms, &p->log);
                buf_char(&p->log, '\n');
        }
}

static void do_task(struct player *p, uint32_t id)
{
        feed(p, &(struct run_event){ .kind = RUN_EV_TASK_PREPARED, .task = id, .undo = "null" });
        feed(p, &(struct run_event){ .kind = RUN_EV_TASK_APPLIED, .task = id, .changed = "{}" });
}

static void tick(struct player *p, double value)
{
        p->now_ms += 1000;
        for (size_t i = 0; i < run_query_count(p->run); i++)
                p->sample[i] = (struct run_sample){ true, value + (double)(p->now_ms % 7000) * 1e-6 };
        feed(p, &(struct run_event){ .kind = RUN_EV_SAMPLES, .samples = p->sample, .sample_count = run_query_count(p->run) });
}

static void start(struct player *p, const struct scenario *s)
{
        struct run_options options = { .id = "r1", .stack = 1, .created_ms = 1000 };

        CHECK(run_new(s, &nowhere, &options, &p->run) == ERR_OK);
        p->now_ms = 1000;
        feed(p, &(struct run_event){ .kind = RUN_EV_START });
        feed(p, &(struct run_event){ .kind = RUN_EV_STACK_READY });
        do_task(p, 1);
        while (run_state(p->run) == RUN_BASELINE)
                tick(p, 1);
        do_task(p, 2);
        while (run_state(p->run) != RUN_RUNNING)
                tick(p, 0.5);
}

/* ns a tick; with messages: every effect is written as the JSON it becomes. */
static double measure_ticks(struct player *p, int seconds, bool messages)
{
        int64_t begin = cpu_ns(), end = begin + (int64_t)seconds * 1000000000, now;
        uint64_t count = 0;
        struct buf out;

        buf_init(&out, 1 << 20);
        do {
                for (int i = 0; i < 256; i++) {
                        if (p->now_ms > 3 * 3600 * 1000) p->now_ms = 3 * 3600 * 1000; /* the clock stands, the work goes on */
                        tick(p, i % 2 ? 0.99 : 0.5);
                        buf_clear(&out);
                        for (size_t k = 0; messages && k < p->effects.count; k++)
                                if (p->effects.item[k].kind == RUN_DO_CRITERION) run_criterion_json(p->run, p->effects.item[k].index, &out);
                        count++;
                }
                now = cpu_ns();
        } while (now < end);
        buf_done(&out);
        return (double)(now - begin) / (double)count;
}

static double measure_plain(int seconds)
{
        int64_t begin = cpu_ns(), end = begin + (int64_t)seconds * 1000000000, now;
        double values[CRITERIA];
        uint64_t count = 0, met = 0;

        for (int i = 0; i < CRITERIA; i++)
                values[i] = i / 10.0;
        do {
                for (int i = 0; i < 4096; i++) {
                        for (int k = 0; k < CRITERIA; k++)
                                met += scenario_op_holds(SCENARIO_OP_GE, values[k] + i, 0.98);
                        count++;
                }
                now = cpu_ns();
        } while (now < end);
        sink = (double)met;
        return (double)(now - begin) / (double)count;
}

static double measure_load(const char *text, size_t size, int seconds)
{
        int64_t begin = cpu_ns(), end = begin + (int64_t)seconds * 1000000000, now;
        uint64_t count = 0;

        do {
                scenario_free(load(text, size));
                count++;
                now = cpu_ns();
        } while (now < end);
        return (double)(now - begin) / (double)count;
}

/* ns an event of a run of twenty minutes */
static double measure_replay(const struct scenario *s, size_t *ret_events, size_t *ret_bytes)
{
        struct run_options options = { .id = "r1", .stack = 1, .created_ms = 1000 };
        struct player p = { 0 };
        struct run *again = NULL;
        struct err_note note;
        int64_t begin;
        double ns;

        buf_init(&p.log, 1 << 26);
        start(&p, s);
        for (int i = 0; i < 1200; i++)
                tick(&p, i % 2 ? 0.99 : 0.5);
        CHECK(run_new(s, &nowhere, &options, &again) == ERR_OK);
        begin = cpu_ns();
        CHECK(run_replay(again, p.log.data, p.log.size_bytes, &note) == ERR_OK);
        *ret_events = 1200 + PAGE_TICKS;
        *ret_bytes = p.log.size_bytes;
        ns = (double)(cpu_ns() - begin) / (double)*ret_events;
        run_free(again);
        run_free(p.run);
        run_effects_done(&p.effects);
        buf_done(&p.log);
        return ns;
}

int main(int argc, char **argv)
{
        struct bench_args args = bench_args_read(argc, argv, "Processor time of the engine.");
        struct player p = { 0 };
        struct scenario *s;
        size_t events, bytes;
        double plain, bare, told, loading, replay;
        struct buf text;

        buf_init(&text, 1 << 16);
        write_scenario(&text);
        s = load(text.data, text.size_bytes);
        start(&p, s);
        plain = measure_plain(args.seconds);
        bare = measure_ticks(&p, args.seconds, false);
        told = measure_ticks(&p, args.seconds, true);
        loading = measure_load(text.data, text.size_bytes, args.seconds);
        replay = measure_replay(s, &events, &bytes);
        if (args.json)
                printf("{\"plain_us\":%.3f,\"tick_us\":%.2f,\"tick_with_messages_us\":%.2f,\"load_us\":%.0f,\"replay_event_us\":%.2f,\"log_bytes_20_min\":%zu}\n",
                       plain / 1000, bare / 1000, told / 1000, loading / 1000, replay / 1000, bytes);
        else
                printf("plain comparison of %d values: %.3f us\none tick, %d criteria, %d guards, %d hints: %.2f us of processor; with its messages written: %.2f us\n"
                       "loading a scenario of %zu bytes: %.0f us\nreplaying a run of 20 minutes (%zu bytes): %.2f us an event\n",
                       CRITERIA, plain / 1000, CRITERIA, GUARDS, HINTS, bare / 1000, told / 1000, text.size_bytes, loading / 1000, bytes, replay / 1000);
        run_free(p.run);
        run_effects_done(&p.effects);
        scenario_free(s);
        buf_done(&text);
        return 0;
}
