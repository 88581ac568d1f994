-- Built after the rows, which is faster. Also run by a reset, so each statement may find its index present.
-- orders_email_idx and orders_product_idx are the two that the database adapter's knobs drop and make again.

CREATE UNIQUE INDEX IF NOT EXISTS orders_pkey ON orders (id);
CREATE UNIQUE INDEX IF NOT EXISTS orders_request_idx ON orders (request_key) WHERE request_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS orders_email_idx ON orders (shop_email_key(email));
CREATE INDEX IF NOT EXISTS orders_product_idx ON orders (product_id);
