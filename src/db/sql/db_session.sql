-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- The settings of a connection, for src/db/db_greet.c. Behind a transaction pooler they would stick
-- to a server connection that others share, so they are made only where pg_backend_pid() is what
-- the greeting said.
--   lock_timeout                       below statement_timeout, so that a lock is named as the
--                                      reason
--   idle_in_transaction...             a frozen client does not hold its locks for ever
--   client_connection_check_interval   a killed client's statement ends, and its locks with it
--   jit                                the planner overrates set-returning functions; compiling
--                                      costs more than they do

-- current_setting(): older servers lack some.
-- name: db_settings
-- params: $1 integer pid of the greeting, $2 text, $3 text, $4 text time limits in ms
-- returns: set_config
SELECT set_config(s.name, s.value, false)
  FROM (VALUES ('statement_timeout', $2),
               ('lock_timeout', $3),
               ('idle_in_transaction_session_timeout', $4),
               ('client_connection_check_interval', '500'),
               ('timezone', 'UTC'),
               ('datestyle', 'ISO, YMD'),
               ('default_transaction_isolation', 'read committed'),
               ('jit', 'off'),
               ('standard_conforming_strings', 'on')) AS s (name, value)
 WHERE pg_backend_pid() = $1::integer
   AND current_setting(s.name, true) IS NOT NULL;
