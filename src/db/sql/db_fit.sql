-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What the service depends on and does not make by itself, for src/db/db_fit.c: asked in the first
-- round trip of each connection, by /readyz, and by `bookingd migrate`. All but the version is read
-- from the catalogue, so that a database of any kind can be asked.

-- Names of faults are those of src/db/db_fit.def; the worst comes first, and one is enough.
-- name: db_fit
-- params: $1 boolean before migrations: what they make is not missed
-- returns: fault, detail
WITH here AS (
         SELECT to_regclass('bookingd_schema') AS ours,
                to_regclass('bookings') AS bookings),
     faults (place, fault, detail) AS (
         SELECT 1, 'encoding', current_setting('server_encoding')
          WHERE current_setting('server_encoding') <> 'UTF8'
          UNION ALL
         -- a session without a pooler sets it; one behind a pooler has the role's
         SELECT 2, 'strings', ''
          WHERE NOT $1 AND current_setting('standard_conforming_strings') <> 'on'
          UNION ALL
         SELECT 3, 'foreign_schema', ours::text
           FROM here
          WHERE ours IS NOT NULL
            AND 3 > (SELECT count(*)
                       FROM pg_attribute a
                      WHERE a.attrelid = ours
                        AND (a.attname, a.atttypid) IN (
                                ('version', 'integer'::regtype),
                                ('name', 'text'::regtype),
                                ('checksum', 'text'::regtype)))
          UNION ALL
         -- to_regclass() does not see what lies in a schema without USAGE
         SELECT 4, 'no_usage', n.nspname
           FROM here, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE ours IS NULL
            AND c.relname = 'bookingd_schema'
            AND NOT has_schema_privilege(n.oid, 'USAGE')
            AND position(n.nspname IN current_setting('search_path')) > 0
          UNION ALL
         SELECT 5, 'no_schema', current_database() FROM here WHERE ours IS NULL AND NOT $1
          UNION ALL
         -- Tables beside ours, by the same owner, which this role may not read or write.
         SELECT 6, 'rights', string_agg(c.relname, ', ' ORDER BY c.relname)
           FROM here
           JOIN pg_class s ON s.oid = ours
           JOIN pg_class c ON c.relnamespace = s.relnamespace AND c.relowner = s.relowner
                          AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          WHERE NOT $1
            AND (NOT has_table_privilege(c.oid, 'SELECT')
                 OR (c.oid <> ours AND NOT has_table_privilege(c.oid, 'INSERT')))
         HAVING count(*) > 0
          UNION ALL
         -- The trigger alone keeps people from being more than the capacity, whoever writes.
         SELECT 7, 'capacity', CASE WHEN t.oid IS NULL THEN 'missing' ELSE 'disabled' END
           FROM here
           LEFT JOIN pg_trigger t ON t.tgrelid = bookings AND t.tgname = 'bookings_capacity'
          WHERE bookings IS NOT NULL
            AND NOT $1
            AND coalesce(t.tgenabled, 'D') NOT IN ('O', 'A'))
SELECT fault, detail
  FROM faults
 ORDER BY place;

-- A newer schema says which programs can work with it. One that says nothing is taken for the next
-- step of an upgrade, with which the program before it works.
-- name: db_version
-- params: $1 integer version of the program
-- returns: version, works_from, read_only
SELECT coalesce(max(version), 0) AS version,
       coalesce(max(coalesce(works_from, version - 1)) FILTER (WHERE version > $1), 0)
           AS works_from,
       current_setting('transaction_read_only')::boolean AS read_only
  FROM bookingd_schema;

-- What stands in the way of a migration that is about to make something.
-- name: db_fit_create
-- returns: fault, detail
SELECT fault, detail
  FROM (SELECT 1 AS place, 'read_only' AS fault, current_database()::text AS detail
         WHERE current_setting('transaction_read_only')::boolean
         UNION ALL
        SELECT 2, 'no_path', current_setting('search_path') WHERE current_schema() IS NULL
         UNION ALL
        SELECT 3, 'no_create', current_schema()::text
         WHERE NOT has_schema_privilege(current_schema(), 'CREATE')
         UNION ALL
        SELECT 4, 'no_contrib', 'btree_gist'
         WHERE NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'btree_gist')
           AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist')
         UNION ALL
        SELECT 5, 'no_extension', 'btree_gist'
         WHERE NOT has_database_privilege(current_database(), 'CREATE')
           AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist')) AS faults
 ORDER BY place;

-- Who holds a lock on a table of this schema, or the lock of another `migrate`: the longest first.
-- Asked after a lock was not to be had for seconds, so short transactions are gone.
-- name: db_lock_holders
-- returns: pid, program, role, what
SELECT l.pid,
       coalesce(nullif(a.application_name, ''), '?') AS program,
       coalesce(a.usename, '?')::text AS role,
       min(CASE l.locktype WHEN 'advisory' THEN 'another migrate'
                           ELSE l.relation::regclass::text END) AS what
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.granted
   AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND ((l.locktype = 'advisory'
         AND (l.classid::bigint << 32) + l.objid::bigint = 7093009341547702116)
     OR (l.locktype = 'relation'
         AND l.relation IN (SELECT c.oid
                              FROM pg_class c
                              JOIN pg_class s ON s.relnamespace = c.relnamespace
                             WHERE s.oid = coalesce(to_regclass('bookingd_schema'),
                                                     to_regclass('schema_migrations')))))
 GROUP BY l.pid, a.application_name, a.usename, a.xact_start
 ORDER BY a.xact_start NULLS LAST
 LIMIT 3;
