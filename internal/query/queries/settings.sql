-- Who changed the settings of a bucket?
-- Calls that change a bucket and not an object, latest first, as CloudTrail recorded them.
-- :bucket text =   bucket, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT event_time, event_name, bucket_name,
       coalesce(user_identity_user_name, session_issuer_user_name, user_identity_arn, user_identity_type) AS who,
       source_ip_address, error_code, user_agent
FROM cloudtrail_events
WHERE dt BETWEEN :from AND :to
  AND event_source = 's3.amazonaws.com'
  AND management_event
  AND NOT read_only
  AND :bucket IN ('', bucket_name)
ORDER BY event_time DESC, log_key, log_line
LIMIT :limit
