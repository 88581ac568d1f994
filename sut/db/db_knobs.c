#include "sut/db/db_knobs.h"

#include "sut/kit/service.h"

static const char *const lock_tables[] = {"none", "orders", "payments", "products", NULL};

const struct knob db_knobs[DB_KNOB_COUNT] = {
        [DB_MAX_CONNECTIONS] = KNOB_INT("max_connections", 40, 10, DB_SESSIONS_MAX, "connections", "Connections",
                "Most connections of the server", "ALTER SYSTEM SET max_connections. Takes effect when postgres is restarted."),
        [DB_APP_CONNECTION_LIMIT] = KNOB_INT("app_connection_limit", -1, -1, DB_SESSIONS_MAX, "connections", "Connections",
                "Connections of the shop", "ALTER ROLE shop CONNECTION LIMIT. -1 is no limit; open connections stay."),
        [DB_APP_PASSWORD] = KNOB_TEXT("app_password", "shop", "Connections", "Password of the shop",
                "ALTER ROLE shop PASSWORD. Open connections stay; new ones need it (db_password of api and worker)."),
        [DB_STATEMENT_TIMEOUT_MS] = KNOB_INT("statement_timeout_ms", 0, 0, 600000, "ms", "Timeouts", "Statement timeout",
                "The server ends a statement after this time. 0 is never."),
        [DB_LOCK_TIMEOUT_MS] = KNOB_INT("lock_timeout_ms", 0, 0, 600000, "ms", "Timeouts", "Lock timeout",
                "The server ends a statement that waited this long for a lock. 0 is never."),
        [DB_IDLE_TRANSACTION_TIMEOUT_MS] = KNOB_INT("idle_in_transaction_timeout_ms", 0, 0, 600000, "ms", "Timeouts",
                "Idle in transaction timeout", "The server closes a session that leaves a transaction open this long. 0 is never."),
        [DB_WORK_MEM_KB] = KNOB_INT("work_mem_kb", 1024, 64, 65536, "KiB", "Planner", "Memory of one sort or hash",
                "ALTER SYSTEM SET work_mem."),
        [DB_INDEX_SCANS] = KNOB_SWITCH("index_scans", 1, "Planner", "Planner may use indexes",
                "enable_indexscan, enable_bitmapscan and enable_indexonlyscan. Off makes it read whole tables."),
        [DB_SLOW_LOG_MS] = KNOB_INT("log_min_duration_ms", -1, -1, 600000, "ms", "Logs", "Log statements slower than",
                "log_min_duration_statement: 0 logs all, -1 none."),
        [DB_ORDERS_INDEX] = KNOB_SWITCH("orders_index", 1, "Indexes", "Index of orders by customer",
                "orders_email_idx. A quote and an order read the customer's earlier orders through it."),
        [DB_PRODUCTS_INDEX] = KNOB_SWITCH("products_index", 1, "Indexes", "Index of orders by product",
                "orders_product_idx. A product page counts its sales through it."),
        [DB_LOCK_TABLE] = KNOB_ONE_OF("lock_table", "none", lock_tables, "Jobs", "Table locked by maintenance",
                "The maintenance job holds ACCESS EXCLUSIVE on this table until it is set to none or its session is ended."),
        [DB_HELD_SESSIONS] = KNOB_INT("held_sessions", 0, 0, DB_SESSIONS_MAX, "connections", "Jobs",
                "Sessions held by the reporting job",
                "Idle in transaction. When the server is full the job takes the places of application sessions."),
        [DB_REPORT_SESSIONS] = KNOB_INT("report_sessions", 0, 0, DB_REPORTS_MAX, "connections", "Jobs",
                "Reports running at once", "Each reads all orders again and again, costs a processor core, and keeps new orders out while it reads."),
        [DB_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
};
