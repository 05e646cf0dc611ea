-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What only grows is kept by time: the audit log by months, the histories by years. What is there
-- already becomes the first partition as it is, nothing is copied. Keys take the time in. That
-- there is one row per booking and version is the booking's own lock, as before.
--
-- Old rows then go with their partition. The role that serves may not make or drop tables:
-- partitions_keep() of the owner does it for the keeper.
-- phase: expand
-- works from: 13
-- lint: index: it is of the same release as 0004, for which all nodes are stopped
-- lint: constraint: the tables that get them are empty then

CREATE FUNCTION partition_begin(p_table text, p_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc(CASE p_table WHEN 'audit_log' THEN 'month' ELSE 'year' END,
                      p_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;

-- The beginning of the period after the one that begins then.
CREATE FUNCTION partition_next(p_table text, p_begin timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
    SELECT ((p_begin AT TIME ZONE 'UTC')
            + CASE p_table WHEN 'audit_log' THEN interval '1 month' ELSE interval '1 year' END)
           AT TIME ZONE 'UTC'
$$;

ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey;
ALTER TABLE audit_log ADD PRIMARY KEY (id, at);
ALTER TABLE booking_history DROP CONSTRAINT booking_history_pkey;
ALTER TABLE booking_history ADD PRIMARY KEY (venue_id, booking_id, version, at);

-- Names of the old table's parts are made free for the new one's, which has the same rights.
DO $$
DECLARE
    name  text;
    part  record;
    until timestamptz;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_log', 'booking_history', 'payment_history'] LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_first');
        FOR part IN
            SELECT c.relname
              FROM pg_index i
              JOIN pg_class c ON c.oid = i.indexrelid
             WHERE i.indrelid = (name || '_first')::regclass
        LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', part.relname, part.relname || '_first');
        END LOOP;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'
                       ' PARTITION BY RANGE (at)', name, name || '_first');
        FOR part IN
            SELECT a.privilege_type, a.grantee::regrole::text AS grantee
              FROM pg_class c, aclexplode(c.relacl) a
             WHERE c.oid = (name || '_first')::regclass
               AND a.grantee NOT IN (0, c.relowner)
        LOOP
            EXECUTE format('GRANT %s ON %I TO %s', part.privilege_type, name, part.grantee);
            EXECUTE format('REVOKE ALL ON %I FROM %s', name || '_first', part.grantee);
        END LOOP;
        EXECUTE format('SELECT partition_next(%L, partition_begin(%L, greatest(now(), max(at))))'
                       ' FROM %I', name, name, name || '_first') INTO until;
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (at < %L)',
                       name || '_first', name || '_first_until', until);
    END LOOP;
END $$;

ALTER TABLE audit_log ADD PRIMARY KEY (id, at);
CREATE INDEX audit_log_newest ON audit_log (at DESC, id DESC);
CREATE INDEX audit_log_venue ON audit_log (venue_id, at DESC, id DESC);
ALTER TABLE booking_history ADD PRIMARY KEY (venue_id, booking_id, version, at);
ALTER TABLE booking_history ADD FOREIGN KEY (venue_id, booking_id)
    REFERENCES bookings (venue_id, id) ON DELETE CASCADE;
CREATE INDEX payment_history_payment ON payment_history (payment_id, at);
ALTER TABLE payment_history ADD FOREIGN KEY (venue_id, payment_id)
    REFERENCES payments (venue_id, id) ON DELETE CASCADE;

-- A row that fits nowhere (the keeper was away for long, or a clock is ahead) still has a place.
DO $$
DECLARE
    name  text;
    until text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_log', 'booking_history', 'payment_history'] LOOP
        SELECT substring(pg_get_constraintdef(oid) FROM '''(.+)''') INTO until
          FROM pg_constraint WHERE conname = name || '_first_until';
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
                       name, name || '_first', until);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I',
                       name || '_first', name || '_first_until');
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_other', name);
    END LOOP;
END $$;

-- Makes the partitions of this period and the next two, and drops those that are older than the
-- age (0: none), at least 30 days old whatever the caller says. What lies in the default partition
-- moves to its own. Returns how many were made and dropped. A lock that is not to be had at once is
-- left to the next run.
DO $$
BEGIN
    EXECUTE format($f$
        CREATE FUNCTION partitions_keep(p_audit interval, p_history interval) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp
        SET lock_timeout = '300ms' AS $body$
        DECLARE
            name  text;
            part  text;
            age   interval;
            old   record;
            begin_at timestamptz;
            end_at   timestamptz;
            changed  integer := 0;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('bookingd partitions'));
            FOREACH name IN ARRAY ARRAY['audit_log', 'booking_history', 'payment_history'] LOOP
                begin_at := partition_begin(name, now());
                FOR i IN 0..2 LOOP
                    end_at := partition_next(name, begin_at);
                    part := name || '_' || to_char(begin_at AT TIME ZONE 'UTC', 'YYYY_MM');
                    IF to_regclass(part) IS NULL AND begin_at >= COALESCE((
                           SELECT substring(pg_get_expr(c.relpartbound, c.oid)
                                            FROM 'TO \(''(.+)''\)')::timestamptz
                             FROM pg_class c
                            WHERE c.oid = to_regclass(name || '_first')), begin_at) THEN
                        EXECUTE format('CREATE TABLE %%I (LIKE %%I INCLUDING DEFAULTS'
                                       ' INCLUDING CONSTRAINTS)', part, name);
                        EXECUTE format('WITH moved AS (DELETE FROM %%I WHERE at >= %%L AND at < %%L'
                                       ' RETURNING *) INSERT INTO %%I SELECT * FROM moved',
                                       name || '_other', begin_at, end_at, part);
                        EXECUTE format('ALTER TABLE %%I ATTACH PARTITION %%I'
                                       ' FOR VALUES FROM (%%L) TO (%%L)',
                                       name, part, begin_at, end_at);
                        changed := changed + 1;
                    END IF;
                    begin_at := end_at;
                END LOOP;
                age := CASE name WHEN 'audit_log' THEN p_audit ELSE p_history END;
                FOR old IN
                    SELECT c.relname
                      FROM pg_inherits h
                      JOIN pg_class c ON c.oid = h.inhrelid
                     WHERE h.inhparent = name::regclass
                       AND age > interval '0'
                       AND substring(pg_get_expr(c.relpartbound, c.oid)
                                     FROM 'TO \(''(.+)''\)')::timestamptz
                           < now() - greatest(age, interval '30 days')
                LOOP
                    EXECUTE format('DROP TABLE %%I', old.relname);
                    changed := changed + 1;
                END LOOP;
            END LOOP;
            RETURN changed;
        END $body$
    $f$, current_schema());
END $$;
REVOKE ALL ON FUNCTION partitions_keep(interval, interval) FROM PUBLIC;

-- Rows of the two partitions that are not of one period go one by one, as until now.
DO $$
BEGIN
    EXECUTE format($f$
        CREATE OR REPLACE FUNCTION retention_purge_audit(p_age interval, p_most integer)
        RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            WITH old AS (
                DELETE FROM audit_log
                 WHERE (id, at) IN (
                           SELECT o.id, o.at
                             FROM audit_log o
                            WHERE o.at < now() - greatest(p_age, interval '30 days')
                              AND o.tableoid IN (to_regclass('audit_log_first'),
                                                 to_regclass('audit_log_other'))
                            ORDER BY o.at
                            LIMIT least(p_most, 10000)
                              FOR UPDATE SKIP LOCKED)
                RETURNING 1)
            SELECT count(*) FROM old
        $body$
    $f$, current_schema());
END $$;

SELECT partitions_keep(interval '0', interval '0');
