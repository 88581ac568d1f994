/* The store: what is written is read back, also by the next life; refusals leave everything as it was. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "server/store/store.h"

static char test_dir[64];
static char test_path[96];

static int setup(void **state)
{
        (void)state;
        (void)snprintf(test_dir, sizeof(test_dir), "/tmp/fd-store-XXXXXX");
        assert_non_null(mkdtemp(test_dir));
        (void)snprintf(test_path, sizeof(test_path), "%s/firedrill.db", test_dir);
        return 0;
}

static int teardown(void **state)
{
        static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
        char path[128];

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", test_path, suffixes[i]);
                (void)unlink(path);
        }
        return rmdir(test_dir);
}

static struct store *opened(void)
{
        struct store *s = NULL;
        struct err_note note = {0};
        enum err e = store_open(test_path, &s, &note);

        if (e) fail_msg("%s", note.text);
        return s;
}

static struct store_run a_run(void)
{
        return (struct store_run){.scenario = "pool",
                                  .driver = "learner",
                                  .advice = "off",
                                  .seed = 7,
                                  .stack = 1,
                                  .fast = true,
                                  .state = "preparing",
                                  .reason = "",
                                  .created_ms = 1000,
                                  .onset_ms = STORE_TIME_NONE,
                                  .ended_ms = STORE_TIME_NONE,
                                  .source = "id: pool\n"};
}

struct seen {
        size_t count;
        char text[512];
};

static enum err see_run(void *ctx, const struct store_run *r)
{
        struct seen *seen = ctx;
        size_t used = strlen(seen->text);

        seen->count++;
        (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%lld %s %s %s %lld;", (long long)r->id,
                       r->scenario, r->state, r->outcome ? r->outcome : "-",
                       (long long)(r->onset_ms == STORE_TIME_NONE ? -1 : r->onset_ms));
        return ERR_OK;
}

static enum err see_event(void *ctx, const struct store_event *event)
{
        struct seen *seen = ctx;
        size_t used = strlen(seen->text);

        seen->count++;
        (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%lld %s;", (long long)event->seq, event->data);
        return ERR_OK;
}

static enum err see_task(void *ctx, const struct store_task *task)
{
        struct seen *seen = ctx;
        size_t used = strlen(seen->text);

        seen->count++;
        (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%lld %s %s;", (long long)task->task_id,
                       store_task_state_text(task->state), task->undo ? task->undo : "-");
        return ERR_OK;
}

static enum err see_action(void *ctx, const struct store_action *action)
{
        struct seen *seen = ctx;
        size_t used = strlen(seen->text);

        seen->count++;
        (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s=%s;", action->action_id, action->document);
        return ERR_OK;
}

static void a_run_survives_the_process(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct seen seen = {0};

        (void)state;
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        assert_int_equal(r.id, 1);
        r.state = "running";
        r.onset_ms = 5000;
        assert_int_equal(store_run_update(s, &r, NULL), ERR_OK);
        store_free(s);

        s = opened();
        assert_int_equal(store_run_each(s, true, 10, see_run, &seen, NULL), ERR_OK);
        assert_string_equal(seen.text, "1 pool running - 5000;");
        r.state = "debriefed";
        r.outcome = "failed";
        assert_int_equal(store_run_update(s, &r, NULL), ERR_OK);
        seen = (struct seen){0};
        assert_int_equal(store_run_each(s, true, 10, see_run, &seen, NULL), ERR_OK);
        assert_int_equal(seen.count, 0);
        assert_int_equal(store_run_get(s, 1, see_run, &seen, NULL), ERR_OK);
        assert_string_equal(seen.text, "1 pool debriefed failed 5000;");
        store_free(s);
}

static void unknown_things_are_said(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct err_note note = {0};
        struct seen seen = {0};

        (void)state;
        assert_int_equal(store_run_get(s, 44, see_run, &seen, &note), ERR_NOT_FOUND);
        assert_string_equal(note.text, "there is no run r44");
        r.id = 44;
        assert_int_equal(store_run_update(s, &r, &note), ERR_NOT_FOUND);
        assert_int_equal(store_task_move(s, 44, 1, STORE_TASK_APPLIED, NULL, "", 0, &note), ERR_NOT_FOUND);
        store_free(s);
}

static void events_are_numbered_without_gaps(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct seen seen = {0};

        (void)state;
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        for (int i = 1; i <= 3; i++) {
                char data[16];
                int64_t seq = -1;

                (void)snprintf(data, sizeof(data), "{\"n\":%d}", i);
                assert_int_equal(
                        store_event_append(s, r.id, &(struct store_event){.type = "say", .data = data}, &seq, NULL),
                        ERR_OK);
                assert_int_equal(seq, i);
        }
        assert_int_equal(store_event_each(s, r.id, 1, 10, see_event, &seen, NULL), ERR_OK);
        assert_string_equal(seen.text, "2 {\"n\":2};3 {\"n\":3};");
        store_free(s);
}

static void every_cell_of_the_task_table(void **state)
{
        /* rows: from; columns: to planned, applied, undone, failed. By the drawing in store.h. */
        static const bool allowed[4][4] = {{0, 1, 1, 1}, {0, 0, 1, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
        static const enum store_task_state order[4] = {STORE_TASK_PLANNED, STORE_TASK_APPLIED, STORE_TASK_UNDONE,
                                                       STORE_TASK_FAILED};
        struct store *s = opened();
        struct store_run r = a_run();
        int64_t id = 0;

        (void)state;
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        for (int from = 0; from < 4; from++) {
                for (int to = 0; to < 4; to++) {
                        struct store_task task = {.task_id = ++id,
                                                  .kind = "config.set",
                                                  .target = "api",
                                                  .args = "{}",
                                                  .undo = "{}",
                                                  .detail = ""};
                        enum err e;

                        assert_int_equal(store_task_plan(s, r.id, &task, NULL), ERR_OK);
                        if (from)
                                assert_int_equal(store_task_move(s, r.id, id, order[from], NULL, "", 1, NULL), ERR_OK);
                        e = store_task_move(s, r.id, id, order[to], NULL, "", 2, NULL);
                        assert_int_equal(e, allowed[from][to] ? ERR_OK : ERR_STATE);
                }
        }
        store_free(s);
}

static void what_is_open_comes_newest_first(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct seen seen = {0};

        (void)state;
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        for (int64_t id = 1; id <= 4; id++) {
                struct store_task task = {.task_id = id,
                                          .kind = "config.set",
                                          .target = "api",
                                          .args = "{}",
                                          .undo = "{\"a\":1}",
                                          .detail = ""};

                assert_int_equal(store_task_plan(s, r.id, &task, NULL), ERR_OK);
        }
        assert_int_equal(store_task_move(s, r.id, 2, STORE_TASK_APPLIED, "{\"a\":2}", "", 1, NULL), ERR_OK);
        assert_int_equal(store_task_move(s, r.id, 3, STORE_TASK_FAILED, NULL, "no", 1, NULL), ERR_OK);
        assert_int_equal(store_task_move(s, r.id, 4, STORE_TASK_UNDONE, NULL, "", 1, NULL), ERR_OK);
        store_free(s);
        s = opened();
        assert_int_equal(store_task_open_each(s, r.id, see_task, &seen, NULL), ERR_OK);
        assert_string_equal(seen.text, "2 applied {\"a\":2};1 planned {\"a\":1};");
        store_free(s);
}

static void an_action_is_replaced_by_its_id(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct seen seen = {0};

        (void)state;
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        assert_int_equal(store_action_put(s, r.id, &(struct store_action){"a10", 1, "learner", "1"}, NULL), ERR_OK);
        assert_int_equal(store_action_put(s, r.id, &(struct store_action){"a9", 1, "learner", "2"}, NULL), ERR_OK);
        assert_int_equal(store_action_put(s, r.id, &(struct store_action){"a10", 1, "learner", "3"}, NULL), ERR_OK);
        assert_int_equal(store_action_each(s, r.id, see_action, &seen, NULL), ERR_OK);
        assert_string_equal(seen.text, "a9=2;a10=3;");
        store_free(s);
}

static void difficulty_is_measured(void **state)
{
        static const struct {
                const char *outcome;
                int64_t took_ms;
        } rows[] = {{"resolved", 900}, {"time_up", 5000}, {"resolved", 100}, {"resolved", 300}, {"abandoned", 1}};
        struct store *s = opened();
        struct store_difficulty d = {-1, -1, -1, -1};

        (void)state;
        assert_int_equal(store_difficulty_get(s, "pool", &d, NULL), ERR_OK);
        assert_int_equal(d.attempts, 0);
        assert_int_equal(d.median_ms, 0);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
                assert_int_equal(
                        store_episode_put(s, (int64_t)i + 1, "pool", rows[i].outcome, rows[i].took_ms, 1, NULL),
                        ERR_OK);
        assert_int_equal(store_episode_put(s, 99, "other", "resolved", 1, 1, NULL), ERR_OK);
        assert_int_equal(store_difficulty_get(s, "pool", &d, NULL), ERR_OK);
        assert_int_equal(d.attempts, 5);
        assert_int_equal(d.resolved, 3);
        assert_int_equal(d.median_ms, 300); /* of 100, 300, 900 */
        assert_int_equal(d.best_ms, 100);
        store_free(s);
}

static void a_newer_database_is_refused(void **state)
{
        struct store *s = opened();
        struct err_note note = {0};
        sqlite3 *raw = NULL;

        (void)state;
        store_free(s);
        s = NULL;
        assert_int_equal(sqlite3_open(test_path, &raw), SQLITE_OK);
        assert_int_equal(sqlite3_exec(raw, "PRAGMA user_version=900", NULL, NULL, NULL), SQLITE_OK);
        (void)sqlite3_close(raw);
        assert_int_equal(store_open(test_path, &s, &note), ERR_UNSUPPORTED);
        assert_null(s);
        assert_non_null(strstr(note.text, "newer firedrill (schema 900"));
}

static void a_second_owner_and_a_non_database_are_refused(void **state)
{
        struct store *s = opened();
        struct store *second = NULL;
        struct err_note note = {0};
        FILE *file;

        (void)state;
        assert_int_equal(store_open(test_path, &second, &note), ERR_STATE);
        assert_non_null(strstr(note.text, "in use by another firedrill"));
        store_free(s);
        file = fopen(test_path, "w");
        assert_non_null(file);
        for (int i = 0; i < 200; i++) (void)fputs("this is no database at all\n", file);
        (void)fclose(file);
        assert_int_equal(store_open(test_path, &second, &note), ERR_CORRUPT);
        assert_null(second);
        assert_int_equal(store_open("/nonexistent/firedrill.db", &second, &note), ERR_IO);
}

static void a_full_disk_is_an_error_and_passes(void **state)
{
        static char big[100000];
        struct store *s = opened();
        struct store_run r = a_run();
        struct err_note note = {0};
        int64_t seq = 0;
        enum err e = ERR_OK;

        (void)state;
        memset(big, 'x', sizeof(big) - 1);
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        store_disk_full_simulate(s, true);
        for (int i = 0; i < 100 && !e; i++)
                e = store_event_append(s, r.id, &(struct store_event){.type = "x", .data = big}, &seq, &note);
        assert_int_equal(e, ERR_IO);
        assert_non_null(strstr(note.text, "disk is full"));
        store_disk_full_simulate(s, false);
        assert_int_equal(store_event_append(s, r.id, &(struct store_event){.type = "x", .data = big}, &seq, NULL),
                         ERR_OK);
        store_free(s);
}

static void too_large_a_text_is_refused(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct err_note note = {0};
        char *big = calloc(1, STORE_TEXT_BYTES_MAX + 2);
        int64_t seq = -1;

        (void)state;
        memset(big, 'x', STORE_TEXT_BYTES_MAX + 1);
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        assert_int_equal(store_event_append(s, r.id, &(struct store_event){.type = "x", .data = big}, &seq, &note),
                         ERR_LIMIT);
        assert_int_equal(seq, -1);
        free(big);
        store_free(s);
}

/* The oldest finished run makes room; one that is not finished stays, however old; episodes stay. */
static void old_runs_make_room(void **state)
{
        struct store *s = opened();
        struct store_difficulty d = {0};
        struct seen seen = {0};
        struct err_note note;

        (void)state;
        for (int i = 1; i <= STORE_RUNS_MAX + 2; i++) {
                struct store_run r = a_run();

                r.state = i == 1 ? "running" : "debriefed";
                assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
                assert_int_equal(r.id, i);
                assert_int_equal(store_episode_put(s, i, "pool", "resolved", 1, 1, NULL), ERR_OK);
        }
        assert_int_equal(store_run_get(s, 1, see_run, &seen, NULL), ERR_OK);
        assert_int_equal(store_run_get(s, 2, see_run, &seen, &note), ERR_NOT_FOUND);
        assert_int_equal(store_run_get(s, 3, see_run, &seen, &note), ERR_NOT_FOUND);
        assert_int_equal(store_run_get(s, 4, see_run, &seen, NULL), ERR_OK);
        assert_int_equal(store_difficulty_get(s, "pool", &d, NULL), ERR_OK);
        assert_int_equal(d.attempts, STORE_RUNS_MAX + 2);
        store_free(s);
}

static void actions_and_tasks_are_bounded(void **state)
{
        struct store *s = opened();
        struct store_run r = a_run();
        struct err_note note = {0};
        enum err e = ERR_OK;
        char id[16];
        int actions = 0, tasks = 0;

        (void)state;
        assert_int_equal(store_run_new(s, &r, NULL), ERR_OK);
        while (!e && actions <= STORE_ACTIONS_MAX) {
                (void)snprintf(id, sizeof(id), "a%d", actions + 1);
                e = store_action_put(s, r.id, &(struct store_action){id, 1, "learner", "{}"}, &note);
                if (!e) actions++;
        }
        assert_int_equal(e, ERR_LIMIT);
        assert_int_equal(actions, STORE_ACTIONS_MAX);
        assert_int_equal(store_action_put(s, r.id, &(struct store_action){"a1", 1, "learner", "{}"}, &note), ERR_OK);
        for (e = ERR_OK; !e && tasks <= STORE_TASKS_MAX; tasks += !e) {
                struct store_task task = {.task_id = tasks + 1, .kind = "k", .target = "api", .args = "{}", .detail = ""};

                e = store_task_plan(s, r.id, &task, &note);
        }
        assert_int_equal(e, ERR_LIMIT);
        assert_int_equal(tasks, STORE_TASKS_MAX);
        store_free(s);
}

static enum err whole_life(void)
{
        AUTO(store_free) struct store *s = NULL;
        struct store_run r = a_run();
        struct store_task task = {
                .task_id = 1, .kind = "config.set", .target = "api", .args = "{}", .undo = "{}", .detail = ""};
        struct store_difficulty d;
        struct seen seen = {0};
        int64_t seq;
        enum err e = store_open(test_path, &s, NULL);

        if (!e) e = store_run_new(s, &r, NULL);
        if (!e) e = store_event_append(s, r.id, &(struct store_event){.type = "say", .data = "{}"}, &seq, NULL);
        if (!e) e = store_task_plan(s, r.id, &task, NULL);
        if (!e) e = store_task_move(s, r.id, 1, STORE_TASK_APPLIED, NULL, "", 1, NULL);
        if (!e) e = store_action_put(s, r.id, &(struct store_action){"a1", 1, "learner", "{}"}, NULL);
        if (!e) e = store_run_update(s, &r, NULL);
        if (!e) e = store_episode_put(s, r.id, "pool", "resolved", 1, 1, NULL);
        if (!e) e = store_difficulty_get(s, "pool", &d, NULL);
        if (!e) e = store_run_each(s, false, 5, see_run, &seen, NULL);
        return e;
}

static void everything_may_fail_once(void **state)
{
        size_t live = alloc_live_count();

        (void)state;
        for (size_t nth = 1;; nth++) {
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = whole_life();
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
                assert_true(nth < 500);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_run_survives_the_process, setup, teardown),
                cmocka_unit_test_setup_teardown(unknown_things_are_said, setup, teardown),
                cmocka_unit_test_setup_teardown(events_are_numbered_without_gaps, setup, teardown),
                cmocka_unit_test_setup_teardown(every_cell_of_the_task_table, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_open_comes_newest_first, setup, teardown),
                cmocka_unit_test_setup_teardown(an_action_is_replaced_by_its_id, setup, teardown),
                cmocka_unit_test_setup_teardown(difficulty_is_measured, setup, teardown),
                cmocka_unit_test_setup_teardown(a_newer_database_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(a_second_owner_and_a_non_database_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(a_full_disk_is_an_error_and_passes, setup, teardown),
                cmocka_unit_test_setup_teardown(too_large_a_text_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(old_runs_make_room, setup, teardown),
                cmocka_unit_test_setup_teardown(actions_and_tasks_are_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(everything_may_fail_once, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
