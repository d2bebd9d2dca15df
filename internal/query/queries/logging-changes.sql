-- When was the logging of a bucket switched on or off, or fell silent?
-- Changes from one daily look to the next, and new buckets, the last first.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 100  rows at most
-- What changed twice between two looks is not seen; a trail of management events has each PutBucketLogging.
SELECT dt, bucket_name, status_before, status, log_bucket, detail
FROM coverage
WHERE dt BETWEEN :from AND :to
  AND (status <> status_before OR is_new)
ORDER BY dt DESC, bucket_name
LIMIT :limit
