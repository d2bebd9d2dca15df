-- Which requests belong to an incident?
-- The requests that fit an incident by bucket, time, requester and address, in order of time. The query findings tells the id.
-- :finding text =   finding_uid of the incident, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 100  rows at most
-- Where to look, and no proof: a rule may have matched fewer of them.
SELECT rule_title, request_time, coalesce(operation, event_name) AS what, bucket_name, key_name, who, remote_ip,
       http_status, error_code, seen_by, finding_uid
FROM finding_requests
WHERE dt BETWEEN :from AND :to
  AND finding_dt BETWEEN :from AND :to
  AND :finding IN ('', finding_uid)
ORDER BY finding_uid, request_time, log_key, log_line
LIMIT :limit
