-- When was an object first and last used?
-- Objects below a prefix, least recently used first: first and last success, last read, last write.
-- :bucket text =   bucket, empty for any
-- :prefix text =   what the key begins with, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- An object that nobody asked for in these days is not in the logs and not here.
SELECT bucket_name, key_name,
       count(*) AS requests,
       min(request_time) AS first_time, max(request_time) AS last_time,
       max(request_time) FILTER (WHERE operation IN ('REST.GET.OBJECT', 'REST.HEAD.OBJECT', 'WEBSITE.GET.OBJECT', 'REST.COPY.OBJECT_GET')) AS last_read,
       max(request_time) FILTER (WHERE operation IN ('REST.PUT.OBJECT', 'REST.POST.OBJECT', 'REST.POST.UPLOAD', 'REST.COPY.OBJECT')) AS last_write
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND :bucket IN ('', bucket_name)
  AND starts_with(key_name, :prefix)
  AND (http_status IS NULL OR http_status < 400)
  AND operation NOT LIKE 'S3.%'
GROUP BY bucket_name, key_name
ORDER BY last_time, bucket_name, key_name
LIMIT :limit
