/* Checks of the shop's data, for probes: fixed questions, asked as the superuser, so that the shop's own trouble does not hide them. */
#include "common/base/check.h"
#include "common/base/str.h"
#include "sut/db/db_admin.h"

#define SEEDED "(SELECT value::bigint FROM shop_meta WHERE key = 'seeded_orders')"
#define SEEDED_PRODUCTS "2000" /* and as many customers: db/sut/20-seed.sql */

/* Orders of the run are found by their number, which the primary key's index serves. */
static const struct {
        const char *name, *sql;
} checks[] = {
        { "orders_unsettled", "SELECT count(*) FROM orders WHERE id > " SEEDED " AND status = 'accepted' AND created_at < now() - interval '60 s'" },
        { "orders_failed", "SELECT count(*) FROM orders WHERE id > " SEEDED " AND status = 'failed'" },
        { "orders_settled_wrong",
          "SELECT count(*) FROM orders o LEFT JOIN payments p ON p.order_id = o.id WHERE o.id > " SEEDED
          " AND ((o.status = 'settled' AND p.amount_cents IS DISTINCT FROM o.total_cents) OR (o.status <> 'settled' AND p.order_id IS NOT NULL))" },
        { "payments_orphaned", "SELECT count(*) FROM payments p WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = p.order_id)" },
        { "seed_rows_missing",
          "SELECT greatest(0, " SEEDED_PRODUCTS " - (SELECT count(*) FROM products)) + greatest(0, " SEEDED_PRODUCTS " - (SELECT count(*) FROM customers))"
          " + greatest(0, " SEEDED " - (SELECT count(*) FROM orders WHERE id <= " SEEDED "))" },
};

enum err db_admin_check(const struct db_admin *a, const char *name, int64_t *ret, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        size_t i = 0;
        enum err e;

        while (i < ARRAY_COUNT(checks) && !str_eq(checks[i].name, name))
                i++;
        if (i == ARRAY_COUNT(checks)) return err_note(reterr, ERR_NOT_FOUND, "no check '%.64s'; expected is one of orders_unsettled, orders_failed, orders_settled_wrong, payments_orphaned, seed_rows_missing", name);
        e = db_admin_open(a, DB_SUPERUSER, DB_APP, "sut-db check", &s, reterr);
        if (!e) e = pg_session_query(s, NULL, checks[i].sql, NULL, 0, DB_CHECK_MS, &rows, reterr);
        if (e) return e;
        *ret = pg_rows_i64(rows, 0, 0);
        return ERR_OK;
}
