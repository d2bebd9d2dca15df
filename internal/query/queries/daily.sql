-- How much happens each day?
-- Requests, requesters, addresses, errors and traffic by UTC day.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 60  rows at most
SELECT dt,
       count(*) AS requests,
       count(DISTINCT requester) AS requesters,
       count(DISTINCT remote_ip) AS addresses,
       sum(CASE WHEN http_status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS errors_4xx,
       sum(CASE WHEN http_status >= 500 THEN 1 ELSE 0 END) AS errors_5xx,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
GROUP BY dt
ORDER BY dt DESC
LIMIT :limit
