-- Which presigned links were passed on?
-- Objects fetched by presigned link from more than one address, by addresses.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT bucket_name, key_name, presign_access_key_id AS signed_with,
       count(*) AS requests,
       count(DISTINCT remote_ip) AS addresses,
       max(presign_expires) AS seconds_valid,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND presigned
  AND http_status < 400
GROUP BY bucket_name, key_name, presign_access_key_id
HAVING count(DISTINCT remote_ip) > 1
ORDER BY addresses DESC, requests DESC, bucket_name, key_name, signed_with
LIMIT :limit
