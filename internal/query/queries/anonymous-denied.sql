-- Who tries without credentials and is refused?
-- Requests without credentials that failed, by address. Few keys many times is a broken link; many keys once is somebody looking.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Wrong credentials count as none: S3 logs no requester for them. The query failed-auth tells the two apart.
SELECT remote_ip, bucket_name,
       count(*) AS requests,
       count(*) FILTER (WHERE http_status = 403) AS denied,
       count(*) FILTER (WHERE http_status = 404) AS not_found,
       count(DISTINCT key_name) AS key_names,
       min(request_time) AS first_seen, max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND NOT authenticated
  AND http_status BETWEEN 400 AND 499
GROUP BY remote_ip, bucket_name
ORDER BY requests DESC, remote_ip, bucket_name
LIMIT :limit
