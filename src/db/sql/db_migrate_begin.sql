-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- The beginning of each transaction of `bookingd migrate`, for src/db/db_migrate.c. Whatever the
-- migrations depend on is set here. The table of applied migrations is bookingd's own: the name
-- that 0.1 gave it, schema_migrations, is used by other programs too, whose table stays as it is.
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '1s';
SET LOCAL client_min_messages = warning;
SET LOCAL standard_conforming_strings = on;
DO $$
DECLARE
    of_0_1 boolean;
BEGIN
    -- "bookingd" in ASCII. Who waits for it has a snapshot, which an index that is built
    -- concurrently would wait for: so it is tried, and tried again later.
    IF NOT pg_try_advisory_xact_lock(7093009341547702116) THEN
        RAISE EXCEPTION 'another migrate is running' USING ERRCODE = 'lock_not_available';
    END IF;
    IF to_regclass('bookingd_schema') IS NULL THEN
        of_0_1 := 3 = (SELECT count(*) FROM pg_attribute a
                        WHERE a.attrelid = to_regclass('schema_migrations')
                          AND (a.attname, a.atttypid) IN (('version', 'integer'::regtype),
                                                          ('name', 'text'::regtype),
                                                          ('checksum', 'text'::regtype)));
        IF of_0_1 THEN
            of_0_1 := EXISTS (SELECT FROM schema_migrations WHERE version = 1 AND name = 'initial');
        END IF;
        IF of_0_1 THEN
            ALTER TABLE schema_migrations RENAME TO bookingd_schema;
            ALTER TABLE bookingd_schema RENAME CONSTRAINT schema_migrations_pkey
                                                       TO bookingd_schema_pkey;
            ALTER TABLE bookingd_schema ADD COLUMN works_from integer;
        ELSE
            CREATE TABLE bookingd_schema (
                version    integer PRIMARY KEY,
                name       text NOT NULL,
                checksum   text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                works_from integer);   -- the oldest program that can work with it, by its version
        END IF;
    END IF;
END $$;
SELECT version, checksum, coalesce(works_from, version) AS works_from
  FROM bookingd_schema
 ORDER BY version
