-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- For `bookingd init` (src/db/db_setup.c) and `bookingd migrate` (src/db/db_migrate.c). DDL takes
-- no parameters, so those that return `statement` write a DDL statement, with its names quoted. No
-- row: there is nothing to do.

-- name: db_setup_look
-- returns: may, who, has_tcp
SELECT rolsuper OR (rolcreaterole AND rolcreatedb) AS may,
       current_user AS who,
       current_setting('listen_addresses') <> '' AS has_tcp
  FROM pg_roles
 WHERE rolname = current_user;

-- How the service's role would sign in: over TCP with a password, and through the socket by the
-- name of its account. NULL: no rule.
-- name: db_setup_rules
-- returns: tcp_password, socket_peer
WITH r AS (
         SELECT *
           FROM pg_hba_file_rules
          WHERE error IS NULL
            AND database && '{all,bookingd}'
            AND user_name && '{all,bookingd}')
SELECT (SELECT auth_method IN ('scram-sha-256', 'md5', 'password', 'trust')
          FROM r
         WHERE type IN ('host', 'hostssl', 'hostnossl')
           AND (address ~ '^127[.]'
                OR address IN ('all', 'samehost', 'samenet', 'localhost', '0.0.0.0'))
         ORDER BY line_number
         LIMIT 1) AS tcp_password,
       (SELECT auth_method = 'peer'
          FROM r
         WHERE type = 'local'
         ORDER BY line_number
         LIMIT 1) AS socket_peer;

-- name: db_setup_role
-- params: $1 text name, $2 text verifier of its password, or NULL
-- returns: statement
SELECT format('CREATE ROLE %I LOGIN', $1::text)
       || CASE WHEN $2::text IS NOT NULL THEN format(' PASSWORD %L', $2::text) ELSE '' END
           AS statement
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1::text);

-- name: db_setup_join
-- params: $1 text owner of the database
-- returns: statement
SELECT format('GRANT %I TO CURRENT_USER', $1::text) AS statement
  FROM pg_roles
 WHERE rolname = current_user
   AND NOT rolsuper
   AND NOT pg_has_role(current_user, $1::text, 'MEMBER');

-- The locale is C where the cluster's own has another encoding: nothing here sorts by locale.
-- name: db_setup_database
-- params: $1 text name, $2 text owner
-- returns: statement
SELECT format('CREATE DATABASE %I OWNER %I ENCODING %L TEMPLATE template0',
              $1::text, $2::text, 'UTF8')
       || CASE WHEN pg_encoding_to_char(encoding) = 'UTF8' THEN ''
               ELSE format(' LC_COLLATE %L LC_CTYPE %L', 'C', 'C') END AS statement
  FROM pg_database
 WHERE datname = 'template0'
   AND NOT EXISTS (SELECT FROM pg_database WHERE datname = $1::text);

-- In the transaction of the migration: a version is recorded if and only if it was applied.
-- name: db_migrate_record
-- params: $1 integer version, $2 text name, $3 text checksum, $4 integer works from
-- returns: nothing
INSERT INTO bookingd_schema (version, name, checksum, works_from)
VALUES ($1, $2, $3, $4);

-- For the session: the transactions of one `migrate` may have it as well.
-- name: db_migrate_lock
-- returns: locked
SELECT pg_try_advisory_lock(7093009341547702116) AS locked;

-- Indexes of our tables that a run of CREATE INDEX CONCURRENTLY left unfinished, and whether one of
-- them is being built right now. Those of partitioned tables are invalid until each part has one.
-- name: db_migrate_leftovers
-- returns: statement, busy
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %s', i.indexrelid::regclass) AS statement,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid = i.indrelid) AS busy
  FROM pg_class s
  JOIN pg_class t ON t.relnamespace = s.relnamespace AND t.relowner = s.relowner
  JOIN pg_index i ON i.indrelid = t.oid
 WHERE s.oid = 'bookingd_schema'::regclass
   AND t.relkind = 'r'
   AND NOT i.indisvalid
 ORDER BY i.indexrelid;

-- For db_migrate_grant.sql, which takes no parameters.
-- name: db_migrate_grant_to
-- params: $1 text role
-- returns: set_config
SELECT set_config('bookingd.grant_to', $1, false);
