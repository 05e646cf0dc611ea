-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- `bookingd migrate --grant-to ROLE`, for src/db/db_migrate.c, which puts the role's name into the
-- setting bookingd.grant_to first. The role may read and write what serving needs. It owns nothing,
-- so it can drop and alter nothing; it cannot change what is history, nor delete what money and
-- customers hang on. What an earlier version of this list gave too much is taken back.
DO $$
DECLARE
    to_role text := current_setting('bookingd.grant_to');
    ours    regclass := 'bookingd_schema';
    space   oid := (SELECT relnamespace FROM pg_class WHERE oid = 'bookingd_schema'::regclass);
    item    record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', space::regnamespace, to_role);
    FOR item IN
        SELECT c.oid::regclass AS name, c.relname, c.oid = ours AS is_ours
          FROM pg_class c JOIN pg_class s ON s.oid = ours
         WHERE c.relnamespace = space AND c.relowner = s.relowner AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', item.name, to_role);
        EXECUTE format('GRANT %s ON %s TO %I',
            CASE WHEN item.is_ours THEN 'SELECT'
                 WHEN item.relname = 'audit_log' OR item.relname LIKE '%\_history'
                     THEN 'SELECT, INSERT'
                 WHEN item.relname IN ('bookings', 'payments', 'refunds', 'customers', 'venues',
                                       'services', 'resources', 'notifications',
                                       'site_payments')
                     THEN 'SELECT, INSERT, UPDATE'
                 ELSE 'SELECT, INSERT, UPDATE, DELETE' END,
            item.name, to_role);
    END LOOP;
    FOR item IN
        SELECT c.oid::regclass AS name
          FROM pg_class c JOIN pg_class s ON s.oid = ours
         WHERE c.relnamespace = space AND c.relowner = s.relowner AND c.relkind = 'S'
    LOOP
        EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %s TO %I', item.name, to_role);
    END LOOP;
    FOR item IN   -- functions are everybody's unless a default took that away
        SELECT p.oid::regprocedure AS name
          FROM pg_proc p JOIN pg_class s ON s.oid = ours
         WHERE p.pronamespace = space AND p.proowner = s.relowner
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', item.name, to_role);
    END LOOP;
END $$
