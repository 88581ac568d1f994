/* db_knobs: what can be set at the database adapter. The table is the contract; each knob acts on the real server.
 * Owner: static. Memory: none. Units: in the table. Limits: in the table. Fails: nothing. */
#ifndef SUT_DB_DB_KNOBS_H
#define SUT_DB_DB_KNOBS_H

#include "sut/kit/knob.h"

enum db_knob {
        DB_MAX_CONNECTIONS,
        DB_APP_CONNECTION_LIMIT,
        DB_APP_PASSWORD,
        DB_STATEMENT_TIMEOUT_MS,
        DB_LOCK_TIMEOUT_MS,
        DB_IDLE_TRANSACTION_TIMEOUT_MS,
        DB_WORK_MEM_KB,
        DB_INDEX_SCANS,
        DB_SLOW_LOG_MS,
        DB_ORDERS_INDEX,
        DB_PRODUCTS_INDEX,
        DB_LOCK_TABLE,
        DB_HELD_SESSIONS,
        DB_REPORT_SESSIONS,
        DB_LOG_LEVEL,
        DB_KNOB_COUNT
};

enum { DB_SESSIONS_MAX = 200, DB_REPORTS_MAX = 8 };

extern const struct knob db_knobs[DB_KNOB_COUNT];

#endif
