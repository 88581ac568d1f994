-- What the services (role shop) and the reporting job (role reporting) may do. Idempotent.
GRANT CONNECT ON DATABASE shop TO shop, reporting;
GRANT USAGE ON SCHEMA public TO shop, reporting;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
