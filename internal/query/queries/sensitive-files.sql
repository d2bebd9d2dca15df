-- Who touched files that look sensitive?
-- Keys that look like secrets, keys, dumps or backups: how often, by how many, how much left without credentials.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT bucket_name, key_name,
       count(*) AS requests,
       sum(CASE WHEN http_status < 400 THEN 1 ELSE 0 END) AS allowed,
       sum(CASE WHEN http_status < 400 AND NOT authenticated THEN 1 ELSE 0 END) AS anonymous,
       count(DISTINCT remote_ip) AS addresses,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND operation LIKE 'REST.%.OBJECT'
  AND (lower(key_name) LIKE '%password%' OR lower(key_name) LIKE '%secret%'
    OR lower(key_name) LIKE '%credential%' OR lower(key_name) LIKE '%backup%'
    OR lower(key_name) LIKE '%dump%' OR lower(key_name) LIKE '%id_rsa%'
    OR lower(key_name) LIKE '%.env' OR lower(key_name) LIKE '%.pem'
    OR lower(key_name) LIKE '%.key' OR lower(key_name) LIKE '%.p12'
    OR lower(key_name) LIKE '%.pfx' OR lower(key_name) LIKE '%.kdbx'
    OR lower(key_name) LIKE '%.bak' OR lower(key_name) LIKE '%.sql'
    OR lower(key_name) LIKE '%.sql.gz' OR lower(key_name) LIKE '%.tfstate')
GROUP BY bucket_name, key_name
ORDER BY anonymous DESC, allowed DESC, requests DESC, bucket_name, key_name
LIMIT :limit
