/* db_stat: the server's own statistics as metrics, read once a second.
 * Owner:  the thread of `loop`.             Memory: freed by free.
 * Units:  seconds and counts, as in the metric's name.
 * Limits: DB_STAT_MS a reading; a server that is slower counts as down. Fails: postgres_up 0, other gauges as they were. */
#ifndef SUT_DB_DB_STAT_H
#define SUT_DB_DB_STAT_H

#include "common/metrics/metrics.h"
#include "common/sys/loop.h"
#include "sut/db/db_admin.h"

enum { DB_STAT_PERIOD_MS = 1000, DB_STAT_MS = 900 };

struct db_stat;

MUST_USE enum err db_stat_new(struct loop *loop, const struct db_admin *admin, struct metrics *metrics, struct db_stat **ret);
void db_stat_free(struct db_stat *s);
AUTO_DEFINE(struct db_stat, db_stat_free)
/* Thread-safe: whether the last reading worked, and how many sessions there were. */
void db_stat_look(struct db_stat *s, bool *ret_up, int *ret_used, int *ret_max);

#endif
