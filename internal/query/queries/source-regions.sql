-- Where do requests come from?
-- Requests and bytes by the AWS Region that the requester was in.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- NULL is a source outside AWS, a private connection, or a line from before 2026, when S3 began to log it. Bytes to another Region, or to none, cost.
SELECT bucket_name, bucket_region, source_region,
       count(*) AS requests,
       count(DISTINCT remote_ip) AS addresses,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND http_method IS NOT NULL
GROUP BY bucket_name, bucket_region, source_region
ORDER BY requests DESC, bucket_name, bucket_region, source_region
LIMIT :limit
