-- Which buckets does nobody read?
-- Buckets by how long ago an object was last read, counted to the last day there is; never comes first.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- A bucket that had no request at all, or that does not log, is not in the logs and not here: compare with the list of your buckets.
SELECT bucket_name,
       date_diff('day', CAST(max(dt) FILTER (WHERE operation IN ('REST.GET.OBJECT', 'REST.HEAD.OBJECT', 'WEBSITE.GET.OBJECT', 'REST.COPY.OBJECT_GET')
                                               AND (http_status IS NULL OR http_status < 400)) AS date),
                 CAST(max(max(dt)) OVER () AS date)) AS days_unread,
       max(request_time) FILTER (WHERE operation IN ('REST.GET.OBJECT', 'REST.HEAD.OBJECT', 'WEBSITE.GET.OBJECT', 'REST.COPY.OBJECT_GET')
                                   AND (http_status IS NULL OR http_status < 400)) AS last_read,
       max(request_time) FILTER (WHERE operation IN ('REST.PUT.OBJECT', 'REST.POST.OBJECT', 'REST.POST.UPLOAD', 'REST.COPY.OBJECT')
                                   AND (http_status IS NULL OR http_status < 400)) AS last_write,
       max(request_time) AS last_request,
       count(*) AS requests
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
GROUP BY bucket_name
ORDER BY days_unread DESC NULLS FIRST, last_request, bucket_name
LIMIT :limit
