-- Who accessed an object?
-- Requests for one object, or for any, latest first: who, from where, with what, and how it ended.
-- :bucket text =   bucket, empty for any
-- :key text =   key of the object as it is, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT request_time, operation, key_name, http_status,
       coalesce(requester_name, requester_type) AS who, remote_ip, user_agent_name AS client
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND :bucket IN ('', bucket_name)
  AND (:key = '' OR key_name = :key)
ORDER BY request_time DESC, log_key, log_line
LIMIT :limit
