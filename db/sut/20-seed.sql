-- Seed data: the same in every stack, computed and not random. 2,000 products, 2,000 customers, 300,000 past orders:
-- enough that a query which lost its index reads for about 0.1 s, few enough to be made in under a second.
-- Freshly created tables in the same transaction need no WAL (wal_level minimal).

INSERT INTO products
SELECT g,
       'SKU-' || lpad(g::text, 5, '0'),
       (ARRAY['Red','Blue','Green','Plain','Soft','Heavy','Small','Grand'])[1 + g % 8] || ' ' ||
       (ARRAY['lamp','chair','mug','shirt','kettle','clock','rug','shelf','bowl','scarf'])[1 + g % 10] || ' ' || g,
       (ARRAY['home','kitchen','garden','office','clothing','toys','books','sports','music','travel'])[1 + g % 10],
       400 + (g * 7919) % 9600,
       (g * 104729) % 10007
FROM generate_series(1, 2000) g;

INSERT INTO customers
SELECT g, 'customer.' || g || '@example.com', 'Customer ' || g
FROM generate_series(1, 2000) g;

INSERT INTO orders (id, email, product_id, quantity, total_cents, status, created_at, settled_at)
SELECT g,
       CASE WHEN g % 5 = 0 THEN 'Customer.' || c || '+shop@example.com' ELSE 'customer.' || c || '@example.com' END,
       p, 1, 400 + (p * 7919) % 9600, 'settled', t, t
FROM (SELECT g,
             1 + (g::bigint * 7919 % 20000)::int AS c,
             1 + (g::bigint * 104729 % 2000)::int AS p,
             timestamptz '2026-01-01 00:00:00+00' - (300001 - g) * interval '100 s' AS t
      FROM generate_series(1, 300000) g) s;

ALTER TABLE orders ALTER COLUMN id RESTART WITH 300001;
INSERT INTO shop_meta VALUES ('schema', '1'), ('seeded_orders', '300000');
