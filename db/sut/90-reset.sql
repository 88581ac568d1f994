-- Back to the seed: what a run added goes, what a run dropped returns. Run by `sut-db --reset` in one transaction.
DELETE FROM payments;
DELETE FROM orders WHERE id > (SELECT value::bigint FROM shop_meta WHERE key = 'seeded_orders');
ALTER TABLE orders ALTER COLUMN id RESTART WITH 300001;
