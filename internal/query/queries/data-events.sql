-- What did CloudTrail see of objects?
-- Calls on objects as CloudTrail recorded them, latest first, by whom and from where.
-- :bucket text =   bucket, empty for any
-- :event text =   name of the call such as GetObject, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT event_time, event_name, bucket_name, key_name, error_code,
       coalesce(user_identity_user_name, session_issuer_user_name, user_identity_arn, user_identity_type) AS who,
       source_ip_address
FROM cloudtrail_events
WHERE dt BETWEEN :from AND :to
  AND event_source = 's3.amazonaws.com'
  AND NOT management_event
  AND :bucket IN ('', bucket_name)
  AND :event IN ('', event_name)
ORDER BY event_time DESC, log_key, log_line
LIMIT :limit
