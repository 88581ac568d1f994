-- What the services (role shop), the reporting job (role reporting) and the maintenance job may do. Idempotent.
GRANT CONNECT ON DATABASE shop TO shop, reporting, maintenance;
GRANT USAGE ON SCHEMA public TO shop, reporting, maintenance;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
GRANT UPDATE ON orders TO reporting; -- needed to lock the table against writers, and more than a report should have
GRANT ALL ON ALL TABLES IN SCHEMA public TO maintenance;
