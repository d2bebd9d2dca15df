-- What do the requests cost?
-- Requests by bucket and price class, with the bytes that left the Region of the bucket.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Prices differ by Region, storage class and month: multiply with your own. Bytes through CloudFront, a private connection or a gateway endpoint are counted as if they had left. Errors are not all billed.
SELECT bucket_name,
       CASE WHEN operation LIKE 'S3.TRANSITION%' THEN 'lifecycle transition'
            WHEN operation LIKE '%.DELETE.%' OR operation LIKE 'S3.%' OR operation = 'REST.COPY.OBJECT_GET' OR operation = 'REST.COPY.PART_GET' THEN 'free'
            WHEN operation LIKE 'REST.PUT.%' OR operation LIKE 'REST.POST.%' OR operation LIKE 'REST.COPY.%'
              OR operation IN ('REST.GET.BUCKET', 'REST.GET.BUCKETVERSIONS', 'REST.GET.UPLOADS', 'REST.GET.SERVICE') THEN 'PUT, COPY, POST, LIST'
            ELSE 'GET and all other' END AS price_class,
       count(*) AS requests,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes_out,
       CAST(CAST(sum(bytes_sent_size) FILTER (WHERE source_region IS NULL OR source_region <> bucket_region) AS double) / 1000000 AS decimal(18, 1)) AS megabytes_out_of_region,
       count(*) FILTER (WHERE http_status >= 400) AS errors
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
GROUP BY bucket_name, 2
ORDER BY requests DESC, bucket_name, price_class
LIMIT :limit
