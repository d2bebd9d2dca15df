-- What could anybody read?
-- Requests without credentials that succeeded, by bucket and key.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT bucket_name, key_name, operation,
       count(*) AS requests,
       count(DISTINCT remote_ip) AS addresses,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes,
       min(request_time) AS first_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND NOT authenticated
  AND http_status BETWEEN 200 AND 399
GROUP BY bucket_name, key_name, operation
ORDER BY requests DESC, bucket_name, key_name, operation
LIMIT :limit
