-- Which requests deleted many objects at once?
-- Multi-object deletes, largest first. All lines of one share its request id: one for the request, one for each key.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT request_id, bucket_name, max(coalesce(requester_name, requester_type)) AS who, max(remote_ip) AS remote_ip,
       count(*) FILTER (WHERE operation = 'BATCH.DELETE.OBJECT' AND (http_status IS NULL OR http_status < 300)) AS deleted,
       count(*) FILTER (WHERE operation = 'BATCH.DELETE.OBJECT' AND http_status >= 300) AS refused,
       min(request_time) AS request_time, min(key_name) AS first_key, max(key_name) AS last_key
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND operation IN ('BATCH.DELETE.OBJECT', 'REST.POST.MULTI_OBJECT_DELETE')
GROUP BY request_id, bucket_name
ORDER BY deleted DESC, request_time, request_id
LIMIT :limit
