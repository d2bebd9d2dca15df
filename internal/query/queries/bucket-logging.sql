-- Which buckets do not log, or log no more?
-- All buckets of the account as the last daily look found them, those that need somebody first.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 100  rows at most
-- A silent bucket had lines on most days and for longer than is usual for it has none. What the status says is in docs/tables.md, under coverage.
WITH looks AS (
  SELECT bucket_name, status, silent_hours, usual_hours, log_bucket, detail, account, dt,
         row_number() OVER (PARTITION BY account, bucket_name ORDER BY checked_time DESC) AS n,
         max(dt) OVER (PARTITION BY account) AS last_dt
  FROM coverage
  WHERE dt BETWEEN :from AND :to
)
SELECT bucket_name, status, silent_hours, usual_hours, log_bucket, detail
FROM looks
WHERE n = 1 AND dt = last_dt
ORDER BY CASE status WHEN 'silent' THEN 1 WHEN 'off' THEN 2 WHEN 'elsewhere' THEN 3 WHEN 'unknown' THEN 4 WHEN 'waiting' THEN 5 WHEN 'logging' THEN 6 ELSE 7 END,
         bucket_name
LIMIT :limit
