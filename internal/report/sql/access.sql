-- The access log by bin of time and bucket. place is that of the bucket in the
-- filter, -1 for all others; bin is -1 beside the time axis.
WITH places(bucket_name, place) AS (VALUES {places})
SELECT CASE WHEN epoch_ms(request_time) // 1000 < :start THEN -1
            WHEN (epoch_ms(request_time) // 1000 - :start) // :step >= :bins THEN -1
            ELSE (epoch_ms(request_time) // 1000 - :start) // :step END AS bin,
       coalesce(p.place, -1) AS place,
       count(*) AS n,
       count(*) FILTER (WHERE http_status BETWEEN 100 AND 299) AS ok,
       count(*) FILTER (WHERE http_status BETWEEN 300 AND 399) AS redirected,
       count(*) FILTER (WHERE http_status BETWEEN 400 AND 499) AS refused,
       count(*) FILTER (WHERE http_status >= 500) AS broken,
       count(*) FILTER (WHERE http_status IS NULL OR http_status < 100) AS without,
       sum(bytes_sent_size) AS bytes,
       count(*) FILTER (WHERE NOT authenticated AND http_status BETWEEN 200 AND 399) AS anonymous,
       count(*) FILTER (WHERE NOT authenticated AND http_status BETWEEN 400 AND 499) AS anonymous_refused,
       count(*) FILTER (WHERE authenticated AND http_status = 403) AS denied,
       count(*) FILTER (WHERE operation IN ('REST.DELETE.OBJECT', 'BATCH.DELETE.OBJECT') AND (http_status IS NULL OR http_status < 300)) AS deleted,
       count(*) FILTER (WHERE operation IN ('S3.EXPIRE.OBJECT', 'S3.CREATE.DELETEMARKER') AND (http_status IS NULL OR http_status < 300)) AS expired,
       count(*) FILTER (WHERE parse_status <> 'clean') AS ambiguous
FROM s3_access_logs AS l
LEFT JOIN places AS p ON p.bucket_name = l.bucket_name
WHERE dt BETWEEN :from AND :to
GROUP BY ALL
ORDER BY bin, place
