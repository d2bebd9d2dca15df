-- How fast does S3 answer, and where does it fail?
-- Milliseconds to the first byte by bucket and operation, half, 95 and 99 of 100 requests being faster, with the errors on the side of S3.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- The time is that of S3 alone, from the last byte of the request to the first of the answer. 503 is S3 asking to slow down.
SELECT bucket_name, operation,
       count(*) AS requests,
       min(turn_around_duration) FILTER (WHERE share >= 0.5) AS p50_ms,
       min(turn_around_duration) FILTER (WHERE share >= 0.95) AS p95_ms,
       min(turn_around_duration) FILTER (WHERE share >= 0.99) AS p99_ms,
       max(turn_around_duration) AS max_ms,
       count(*) FILTER (WHERE http_status >= 500) AS errors_5xx,
       count(*) FILTER (WHERE http_status = 503) AS slow_down
FROM (
  SELECT bucket_name, operation, http_status, turn_around_duration,
         cume_dist() OVER (PARTITION BY bucket_name, operation, turn_around_duration IS NULL ORDER BY turn_around_duration) AS share
  FROM s3_access_logs
  WHERE dt BETWEEN :from AND :to
    AND http_method IS NOT NULL
) AS requests
GROUP BY bucket_name, operation
ORDER BY errors_5xx DESC, p95_ms DESC, bucket_name, operation
LIMIT :limit
