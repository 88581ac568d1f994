/* A shell of the terminal: who it is, what it may, and that nothing of it stays. Run as "terminal-shell" this program is the warden. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "server/terminal/shell.h"
#include "server/terminal/warden.h"

enum { WAIT_MS = 20000, SAID_BYTES = 1 << 20 };

struct bed {
        struct shell *shell;
        int news[2]; /* a pipe: a byte for each call of on_news */
        char said[SAID_BYTES];
        size_t size;
        bool ended;
};

static void bed_news(void *ctx)
{
        struct bed *bed = ctx;

        (void)!write(bed->news[1], "x", 1);
}

static struct bed *bed_open(void)
{
        static const char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "TERM=dumb", "PS1=> ", NULL};
        struct bed *bed = calloc(1, sizeof(*bed));

        assert_int_equal(pipe(bed->news), 0);
        assert_int_equal(shell_start(&(struct shell_options){.env = env, .on_news = bed_news, .ctx = bed}, &bed->shell, NULL), ERR_OK);
        return bed;
}

static void bed_close(struct bed *bed)
{
        shell_free(bed->shell);
        close(bed->news[0]);
        close(bed->news[1]);
        free(bed);
        assert_int_equal(alloc_live_count(), 0);
}

static void bed_say(struct bed *bed, const char *text)
{
        assert_int_equal(shell_write(bed->shell, text, strlen(text)), ERR_OK);
}

/* Reads on until `text` was said (NULL: until the end), and returns where. */
static const char *bed_hear(struct bed *bed, const char *text)
{
        int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
        const char *at;
        char drop[64];

        for (;;) {
                struct pollfd p = {.fd = bed->news[0], .events = POLLIN};

                bed->size += shell_read(bed->shell, bed->said + bed->size, SAID_BYTES - 1 - bed->size, &bed->ended);
                at = text ? strstr(bed->said, text) : bed->said;
                if (text ? at != NULL : bed->ended) return at;
                if (clock_mono_ms() > deadline_ms) fail_msg("'%s' was not said, but: %s", text ? text : "the end", bed->said);
                if (poll(&p, 1, 100) > 0) (void)!read(bed->news[0], drop, sizeof(drop));
        }
}

/* The number behind `mark`; marks are put together by the shell, so that the echo of the command is not taken for its answer. */
static long bed_number(struct bed *bed, const char *mark)
{
        const char *at = bed_hear(bed, mark);

        while (!strchr(at, '\n')) bed_hear(bed, "\n"), at = strstr(bed->said, mark);
        return strtol(at + strlen(mark), NULL, 10);
}

static void is_nobody_and_stays_so(void **state)
{
        struct bed *bed = bed_open();
        long uid = geteuid() == 0 ? 65534 : (long)geteuid();

        (void)state;
        bed_say(bed, "echo u'='$(id -u); echo n'='$(grep NoNewPrivs /proc/self/status | tr -dc 0-9); echo c'='$(ulimit -c); echo f'='$(ulimit -n)\n");
        assert_int_equal(bed_number(bed, "u="), uid);
        assert_int_equal(bed_number(bed, "n="), 1);
        assert_int_equal(bed_number(bed, "c="), 0);
        assert_true(bed_number(bed, "f=") <= WARDEN_FILES_MAX);
        if (geteuid() == 0) {
                bed_say(bed, "echo g'='$(id -G | wc -w); kill -9 $PPID 2>/dev/null || echo k'='1\n");
                assert_int_equal(bed_number(bed, "g="), 1);
                assert_int_equal(bed_number(bed, "k="), 1);
        }
        bed_close(bed);
}

static void has_no_descriptor_of_ours(void **state)
{
        int ours = dup(2); /* without close-on-exec: a slip somewhere else in the program */
        struct bed *bed = bed_open();

        (void)state;
        bed_say(bed, "echo d'='$(ls /proc/self/fd | wc -l)\n");
        assert_true(bed_number(bed, "d=") <= 4); /* 0, 1, 2 and the one that lists */
        bed_close(bed);
        close(ours);
}

static void takes_its_size(void **state)
{
        struct bed *bed = bed_open();

        (void)state;
        bed_hear(bed, "> ");
        shell_resize(bed->shell, 132, 43);
        bed_say(bed, "echo r'='$(stty size | cut -d' ' -f1); echo w'='$(stty size | cut -d' ' -f2)\n");
        assert_int_equal(bed_number(bed, "r="), 43);
        assert_int_equal(bed_number(bed, "w="), 132);
        bed_close(bed);
}

static void tells_its_end(void **state)
{
        struct bed *bed = bed_open();

        (void)state;
        bed_say(bed, "echo last w''ords; exit\n");
        bed_hear(bed, NULL);
        assert_non_null(strstr(bed->said, "last words"));
        assert_int_equal(shell_write(bed->shell, "x", 1), ERR_LIMIT);
        bed_close(bed);
}

/* Also what left the session and the terminal, whether the owner goes or the shell. */
static void leaves_nothing(void **state)
{
        (void)state;
        for (int by_exit = 0; by_exit < 2; by_exit++) {
                struct bed *bed = bed_open();
                long pid;

                bed_say(bed, "setsid sh -c 'trap \"\" HUP TERM; echo p''=$$; sleep 7654' </dev/null &\n"); /* setsid may fork: the number is its child's own */
                pid = bed_number(bed, "p=");
                assert_int_equal(kill((pid_t)pid, 0), 0);
                if (by_exit) {
                        bed_say(bed, "exit\n");
                        bed_hear(bed, NULL);
                }
                bed_close(bed);
                assert_true(kill((pid_t)pid, 0) < 0 && errno == ESRCH);
        }
}

static void bounds_a_flood(void **state)
{
        struct bed *bed = bed_open();
        static char more[SHELL_INPUT_BYTES_MAX + 1];
        size_t most = 0, all_read = 0;

        (void)state;
        bed_hear(bed, "> ");
        bed_say(bed, "yes abcdefgh\n");
        while (all_read < 20 * SHELL_OUTPUT_BYTES_MAX) { /* each read takes all there is: never more than the bound */
                static char all[4 * SHELL_OUTPUT_BYTES_MAX];
                bool ended;
                size_t n = shell_read(bed->shell, all, sizeof(all), &ended);

                if (n > most) most = n;
                all_read += n;
                assert_false(ended);
        }
        assert_true(most <= SHELL_OUTPUT_BYTES_MAX);
        assert_int_equal(shell_write(bed->shell, more, sizeof(more)), ERR_LIMIT);
        bed_say(bed, "\003");
        bed_say(bed, "echo still h''ere\n");
        bed->size = 0;
        memset(bed->said, 0, SAID_BYTES);
        for (bool ended; !strstr(bed->said, "still here");) {
                if (bed->size > SAID_BYTES / 2) bed->size = 0, memset(bed->said, 0, SAID_BYTES);
                bed->size += shell_read(bed->shell, bed->said + bed->size, 4096, &ended);
                assert_false(ended);
        }
        bed_close(bed);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(is_nobody_and_stays_so), cmocka_unit_test(has_no_descriptor_of_ours), cmocka_unit_test(takes_its_size),
                cmocka_unit_test(tells_its_end),          cmocka_unit_test(leaves_nothing),            cmocka_unit_test(bounds_a_flood),
        };

        if (argc == 2 && str_eq(argv[1], WARDEN_WORD)) return warden_main();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
