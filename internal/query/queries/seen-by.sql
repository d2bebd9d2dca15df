-- What does one log see that the other does not?
-- Requests by day and bucket: in both logs, in access logs only, in CloudTrail only.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 60  rows at most
-- Only in access logs: data events are off, or it is lifecycle, a website or failed credentials. Only in CloudTrail: access logging is off, or the lines are late or lost.
SELECT dt, bucket_name,
       count(*) AS requests,
       count(*) FILTER (WHERE seen_by = 'both') AS in_both,
       count(*) FILTER (WHERE seen_by = 'access log') AS access_log_only,
       count(*) FILTER (WHERE seen_by = 'cloudtrail') AS cloudtrail_only
FROM s3_requests
WHERE dt BETWEEN :from AND :to
GROUP BY dt, bucket_name
ORDER BY dt DESC, requests DESC, bucket_name
LIMIT :limit
