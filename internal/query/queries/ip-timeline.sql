-- What did one address do?
-- All that an address did, in order of time: its requests to S3, and its calls to any service that CloudTrail recorded and no line of an access log shows.
-- :ip text =   address as logged, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 100  rows at most
-- CloudTrail tells no status: where it alone saw a request, an empty error_code means that it succeeded.
WITH lines AS (
  SELECT request_time, operation, bucket_name, key_name, http_status, error_code,
         coalesce(requester, CASE WHEN NOT authenticated THEN 'anonymous' END) AS who,
         user_agent, request_id, log_key, log_line
  FROM s3_access_logs
  WHERE dt BETWEEN :from AND :to
    AND :ip IN ('', remote_ip)
),
events AS (
  SELECT event_time, event_name, bucket_name, key_name, error_code,
         CASE WHEN NOT authenticated THEN 'anonymous' ELSE coalesce(user_identity_arn, user_identity_account_id, user_identity_invoked_by) END AS who,
         user_agent, request_id, log_key, log_line,
         -- the records that several accounts receive, and those delivered twice
         row_number() OVER (PARTITION BY coalesce(shared_event_id, event_id, log_key || ' ' || CAST(log_line AS varchar)) ORDER BY log_key, log_line) AS copy
  FROM cloudtrail_events
  WHERE dt BETWEEN :from AND :to
    AND :ip IN ('', source_ip_address)
)
SELECT request_time, what, bucket_name, key_name, http_status, error_code, who, user_agent, seen_by
FROM (
  SELECT l.request_time, l.operation AS what, l.bucket_name, l.key_name, l.http_status, l.error_code, l.who, l.user_agent,
         CASE WHEN r.request_id IS NULL THEN 'access log' ELSE 'both' END AS seen_by,
         l.log_key, l.log_line
  FROM lines AS l
  LEFT JOIN (SELECT DISTINCT request_id FROM events) AS r ON r.request_id = l.request_id
  UNION ALL
  SELECT e.event_time, e.event_name, e.bucket_name, e.key_name, NULL, e.error_code, e.who, e.user_agent, 'cloudtrail', e.log_key, e.log_line
  FROM events AS e
  LEFT JOIN (SELECT DISTINCT request_id FROM lines WHERE request_id IS NOT NULL) AS r ON r.request_id = e.request_id
  WHERE e.copy = 1
    AND r.request_id IS NULL
) AS timeline
ORDER BY request_time, log_key, log_line
LIMIT :limit
