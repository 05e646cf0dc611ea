-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What is kept is kept for a time (BEHAVIOUR §7, retention). The role that serves may not delete
-- what is history: these functions of the owner do it, and never what is younger than 30 days,
-- whoever calls them with whatever age. Nor may it change history: what people wrote there is
-- forgotten for a customer who is erased, by functions that can do nothing else.
-- works from: 6

DO $$
DECLARE
    place text := current_schema();
BEGIN
    EXECUTE format($f$
        CREATE FUNCTION retention_purge_audit(p_age interval, p_most integer) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            WITH old AS (
                DELETE FROM audit_log
                 WHERE id IN (SELECT o.id FROM audit_log o
                               WHERE o.at < now() - greatest(p_age, interval '30 days')
                               ORDER BY o.at
                               LIMIT least(p_most, 10000)
                                 FOR UPDATE SKIP LOCKED)
                RETURNING 1)
            SELECT count(*) FROM old
        $body$
    $f$, place);
    EXECUTE format($f$
        CREATE FUNCTION retention_purge_notifications(p_age interval, p_most integer) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            WITH old AS (
                DELETE FROM notifications
                 WHERE id IN (SELECT o.id FROM notifications o
                               WHERE o.created_at < now() - greatest(p_age, interval '30 days')
                                 AND o.status <> 'PENDING'
                               ORDER BY o.created_at
                               LIMIT least(p_most, 10000)
                                 FOR UPDATE SKIP LOCKED)
                RETURNING 1)
            SELECT count(*) FROM old
        $body$
    $f$, place);
    -- The program's own reasons stay: they name no person.
    EXECUTE format($f$
        CREATE FUNCTION erase_booking_reasons(p_customer uuid) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            WITH gone AS (
                UPDATE booking_history h
                   SET reason = NULL
                  FROM bookings b
                 WHERE b.customer_id = p_customer
                   AND h.venue_id = b.venue_id
                   AND h.booking_id = b.id
                   AND (h.actor = 'customer' OR h.actor LIKE 'customer:%%'
                        OR h.actor LIKE 'staff:%%')
                   AND h.reason IS NOT NULL
                RETURNING 1)
            SELECT count(*) FROM gone
        $body$
    $f$, place);
    EXECUTE format($f$
        CREATE FUNCTION erase_payment_reasons(p_customer uuid) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            WITH gone AS (
                UPDATE payment_history h
                   SET reason = NULL
                  FROM payments p
                  JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id
                 WHERE b.customer_id = p_customer
                   AND h.venue_id = p.venue_id
                   AND h.payment_id = p.id
                   AND h.to_status IN ('refunded', 'partially_refunded')
                   AND h.reason IS NOT NULL
                RETURNING 1)
            SELECT count(*) FROM gone
        $body$
    $f$, place);
END $$;
REVOKE ALL ON FUNCTION erase_booking_reasons(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION erase_payment_reasons(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION retention_purge_audit(interval, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION retention_purge_notifications(interval, integer) FROM PUBLIC;
