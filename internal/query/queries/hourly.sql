-- How much happens each hour?
-- Requests by hour and status class, with bytes sent.
-- :bucket text =   bucket, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 168  rows at most
-- Lifecycle and the reading half of a copy have no status.
SELECT date_trunc('hour', request_time) AS hour_utc,
       count(*) AS requests,
       count(*) FILTER (WHERE http_status BETWEEN 200 AND 299) AS ok_2xx,
       count(*) FILTER (WHERE http_status BETWEEN 300 AND 399) AS redirects_3xx,
       count(*) FILTER (WHERE http_status BETWEEN 400 AND 499) AS errors_4xx,
       count(*) FILTER (WHERE http_status >= 500) AS errors_5xx,
       count(*) FILTER (WHERE http_status IS NULL) AS without_status,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND :bucket IN ('', bucket_name)
GROUP BY date_trunc('hour', request_time)
ORDER BY hour_utc DESC
LIMIT :limit
