-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What `bookingd doctor` asks of the database. It only reads.

-- name: doctor_database
-- returns: version, in_recovery, read_only, connections, reserved, used, fsync, page_writes,
-- returns: synchronous, zone, now_us
SELECT current_setting('server_version') AS version,
       pg_is_in_recovery() AS in_recovery,
       current_setting('transaction_read_only')::boolean AS read_only,
       current_setting('max_connections')::bigint AS connections,
       current_setting('superuser_reserved_connections')::bigint AS reserved,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
       current_setting('fsync')::boolean AS fsync,
       current_setting('full_page_writes')::boolean AS page_writes,
       current_setting('synchronous_commit') AS synchronous,
       current_setting('TimeZone') AS zone,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us;

-- How the primary replicates. A role without rights sees a row per standby and nothing in it:
-- sync_state is NULL then.
-- name: replication_state
-- returns: wanted, standbys, visible, synchronous
SELECT current_setting('synchronous_standby_names') <> ''
       AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS wanted,
       count(*) AS standbys,
       count(sync_state) AS visible,
       count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) AS synchronous
  FROM pg_stat_replication;
