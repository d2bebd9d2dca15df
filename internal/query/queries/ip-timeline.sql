-- What did one address do?
-- All that an address did, in order of time, as access logs and CloudTrail together have it.
-- :ip text =   address as logged, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 100  rows at most
-- CloudTrail tells no status: where it alone saw a request, an empty error_code means that it succeeded.
SELECT request_time, coalesce(operation, event_name) AS what, bucket_name, key_name,
       http_status, error_code, who, user_agent, seen_by
FROM s3_requests
WHERE dt BETWEEN :from AND :to
  AND :ip IN ('', remote_ip)
ORDER BY request_time, log_key, log_line
LIMIT :limit
