-- The buckets that the page can be filtered by: those with the most records.
SELECT bucket_name, count(*) OVER () AS of
FROM (
  SELECT bucket_name FROM s3_access_logs WHERE dt BETWEEN :from AND :to
  UNION ALL
  SELECT bucket_name FROM cloudtrail_events WHERE dt BETWEEN :from AND :to
) AS records
WHERE bucket_name IS NOT NULL
GROUP BY bucket_name
ORDER BY count(*) DESC, bucket_name
LIMIT :buckets
