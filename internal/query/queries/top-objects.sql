-- Which objects are downloaded the most?
-- Objects by bytes sent: how often, by how many, from how many addresses.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT bucket_name, key_name,
       count(*) AS requests,
       count(DISTINCT coalesce(requester, remote_ip)) AS requesters,
       count(DISTINCT remote_ip) AS addresses,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND operation IN ('REST.GET.OBJECT', 'WEBSITE.GET.OBJECT')
  AND http_status IN (200, 206)
GROUP BY bucket_name, key_name
ORDER BY sum(bytes_sent_size) DESC, requests DESC, bucket_name, key_name
LIMIT :limit
