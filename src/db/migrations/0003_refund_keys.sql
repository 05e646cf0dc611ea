-- The Idempotency-Key that a refund was asked for under. When the process that made it died, or its outcome was not
-- known at first, the keeper finds out; a repeat under the same key is then told of that refund, and no second one is made.
ALTER TABLE refunds ADD COLUMN request_key text;            -- a digest of caller, key and content; NULL: asked for without one
CREATE INDEX refunds_request ON refunds (payment_id, request_key) WHERE request_key IS NOT NULL;
