-- Which objects were deleted, and by whom?
-- Deletions that happened, one by one, in batches or by lifecycle, latest first. A delete marker hides an object and keeps its versions.
-- :bucket text =   bucket, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT request_time, operation, bucket_name, key_name,
       coalesce(requester_name, requester_type) AS who, remote_ip
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND operation IN ('REST.DELETE.OBJECT', 'BATCH.DELETE.OBJECT', 'S3.EXPIRE.OBJECT', 'S3.CREATE.DELETEMARKER')
  AND (http_status IS NULL OR http_status < 300)
  AND :bucket IN ('', bucket_name)
ORDER BY request_time DESC, log_key, log_line
LIMIT :limit
