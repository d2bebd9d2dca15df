-- Who ran into 4XX errors?
-- Refused and failed requests by requester and address. Many different keys from one address is guessing.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT coalesce(requester_name, requester_type) AS who, remote_ip,
       count(*) AS errors,
       sum(CASE WHEN http_status = 403 THEN 1 ELSE 0 END) AS denied,
       sum(CASE WHEN http_status = 404 THEN 1 ELSE 0 END) AS not_found,
       count(DISTINCT key_name) AS key_names,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND http_status BETWEEN 400 AND 499
GROUP BY coalesce(requester_name, requester_type), remote_ip
ORDER BY errors DESC, who, remote_ip
LIMIT :limit
