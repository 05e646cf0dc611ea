-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- The nodes that work on this database, for src/svc/nodes.c.

-- name: nodes_here
-- params: $1 text host, $2 integer pid of the master, $3 text version, $4 text digest of providers,
-- params: $5 bigint seconds since 1970 at which it began, $6 bigint ms until it counts as gone
-- returns: nothing
INSERT INTO nodes AS n (host, pid, version, providers, started_at, seen_at, gone_at)
VALUES ($1, $2::integer, $3, $4, to_timestamp($5::bigint), now(),
        now() + $6::bigint * interval '1 millisecond')
    ON CONFLICT (host, pid) DO UPDATE
   SET version = excluded.version,
       providers = excluded.providers,
       started_at = excluded.started_at,
       seen_at = excluded.seen_at,
       gone_at = excluded.gone_at;

-- name: nodes_gone
-- returns: nothing
DELETE FROM nodes
 WHERE (host, pid) IN (
           SELECT o.host, o.pid
             FROM nodes o
            WHERE o.gone_at < now()
              FOR UPDATE SKIP LOCKED);

-- name: nodes_others
-- params: $1 text host, $2 integer pid of the master, $3 text digest of providers,
-- params: $4 integer most rows
-- returns: host, pid, version, differs, started_us, seen_us
SELECT n.host, n.pid, n.version, n.providers <> $3 AS differs,
       (extract(epoch FROM n.started_at) * 1000000)::bigint AS started_us,
       (extract(epoch FROM n.seen_at) * 1000000)::bigint AS seen_us
  FROM nodes n
 WHERE n.gone_at >= now()
   AND (n.host, n.pid) IS DISTINCT FROM ($1, $2::integer)
 ORDER BY n.host, n.pid
 LIMIT $4::integer;

-- name: nodes_secret_offer
-- params: $1 text digest
-- returns: nothing
INSERT INTO node_secret (digest)
VALUES ($1)
    ON CONFLICT (one) DO NOTHING;

-- name: nodes_secret
-- returns: digest
SELECT digest
  FROM node_secret;
