-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- The settings of a connection, for src/db/db_greet.c. Behind a transaction pooler they would stick
-- to a server connection that others share, so they are made only where pg_backend_pid() is what
-- the greeting said. Elsewhere transactions that write carry the limits themselves.
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

-- Where the server is in the history of its cluster, for src/db/db_fence.c. A standby has no
-- timeline of its own to tell. The last checkpoint's (pg_control_checkpoint()) is late after a
-- promotion; the name of the log's file begins with the one that is being written.
-- name: db_timeline
-- returns: cluster, number
SELECT (system_identifier & 4294967295) # (system_identifier >> 32 & 4294967295) AS cluster,
       ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint AS number
  FROM pg_control_system()
 WHERE NOT pg_is_in_recovery();

-- How far a standby is behind, for src/db/db_reader.c. One that has replayed all that it received
-- is behind by nothing, however long ago the last transaction was; whether it still receives is
-- asked beside it: of pg_stat_wal_receiver a role without rights sees that there is a row.
-- name: db_lag
-- returns: standby, receiving, lag_ms
SELECT pg_is_in_recovery() AS standby,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving,
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE coalesce((extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
                           * 1000)::bigint,
                          9223372036854775807)
       END AS lag_ms;

-- Until the end of the transaction: SET LOCAL, with parameters.
-- name: db_limits
-- params: $1 text, $2 text, $3 text time limits in ms
-- returns: set_config, set_config, set_config
SELECT set_config('statement_timeout', $1, true),
       set_config('lock_timeout', $2, true),
       set_config('idle_in_transaction_session_timeout', $3, true);
