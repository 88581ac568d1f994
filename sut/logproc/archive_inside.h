/* archive_inside: what the files of the archive share: the two connections and the few ways to run SQL. Owner, memory, units, limits,
 * fails: archive.h. */
#ifndef SUT_LOGPROC_ARCHIVE_INSIDE_H
#define SUT_LOGPROC_ARCHIVE_INSIDE_H

#include <pthread.h>
#include <sqlite3.h>

#include "sut/logproc/archive.h"

struct archive {
        sqlite3 *writer, *reader;
        pthread_mutex_t read_lock;
        int64_t read_deadline_ms; /* of the query that runs now */
        sqlite3_stmt *add_log, *add_text, *add_span, *add_trace, *add_place;
};

/* A statement with its connection's words when it fails. */
enum err archive_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct err_note *reterr);
enum err archive_fail(sqlite3 *db, struct err_note *reterr);
enum err archive_exec(sqlite3 *db, const char *sql, struct err_note *reterr);
/* Runs a statement that gives no rows and makes it ready for the next time. */
enum err archive_step(sqlite3 *db, sqlite3_stmt *s, struct err_note *reterr);
void archive_bind_text(sqlite3_stmt *s, int at, const char *text);

static inline __attribute__((unused)) void archive_finalize_auto(sqlite3_stmt **s)
{
        sqlite3_finalize(*s);
}
#define AUTO_STATEMENT __attribute__((cleanup(archive_finalize_auto))) sqlite3_stmt

#endif
