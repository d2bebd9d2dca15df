-- How many lines did AWS deliver twice?
-- Lines and whole-line duplicates by day and bucket.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 60  rows at most
-- Queries on s3_access_logs count every delivery. Where that matters, the view s3_access_logs_distinct has each line once.
SELECT dt, bucket_name,
       sum(copies) AS delivered,
       count(*) AS lines,
       sum(copies) - count(*) AS duplicates,
       count(*) FILTER (WHERE copies > 1) AS lines_with_duplicates
FROM s3_access_logs_distinct
WHERE dt BETWEEN :from AND :to
GROUP BY dt, bucket_name
ORDER BY duplicates DESC, dt DESC, bucket_name
LIMIT :limit
