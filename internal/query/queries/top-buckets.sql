-- Which buckets move the most bytes?
-- Buckets by bytes sent, with what was uploaded to them.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Bytes sent are those of response bodies, without headers. A megabyte is a million bytes.
SELECT bucket_name,
       count(*) AS requests,
       count(DISTINCT requester) AS requesters,
       count(DISTINCT remote_ip) AS addresses,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes_out,
       CAST(CAST(sum(object_size) FILTER (WHERE operation IN ('REST.PUT.OBJECT', 'REST.PUT.PART', 'REST.POST.OBJECT') AND http_status < 300) AS double) / 1000000 AS decimal(18, 1)) AS megabytes_in
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
GROUP BY bucket_name
ORDER BY sum(bytes_sent_size) DESC, requests DESC, bucket_name
LIMIT :limit
