-- How much is deleted, how, and by whom?
-- Deletions that happened, by bucket, way and requester: one by one, in batches, or by lifecycle.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Where versions is less than objects, the rest left a delete marker if the bucket keeps versions: those objects can be had back. deleted-objects lists the objects.
SELECT bucket_name,
       CASE operation WHEN 'REST.DELETE.OBJECT' THEN 'one by one'
                      WHEN 'BATCH.DELETE.OBJECT' THEN 'batch'
                      WHEN 'S3.EXPIRE.OBJECT' THEN 'lifecycle'
                      ELSE 'lifecycle, delete marker' END AS way,
       coalesce(requester_name, requester_type) AS who,
       count(*) AS objects,
       count(DISTINCT request_id) AS requests,
       count(version_id) AS versions,
       min(request_time) AS first_time, max(request_time) AS last_time
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND operation IN ('REST.DELETE.OBJECT', 'BATCH.DELETE.OBJECT', 'S3.EXPIRE.OBJECT', 'S3.CREATE.DELETEMARKER')
  AND (http_status IS NULL OR http_status < 300)
GROUP BY bucket_name, 2, coalesce(requester_name, requester_type)
ORDER BY objects DESC, bucket_name, way, who
LIMIT :limit
