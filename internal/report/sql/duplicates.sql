-- Lines that were delivered again. It counts what the view
-- s3_access_logs_distinct leaves out, and looks closely only at lines whose hash
-- occurs twice.
WITH twice AS (
  SELECT dt, line_hash FROM s3_access_logs WHERE dt BETWEEN :from AND :to GROUP BY dt, line_hash HAVING count(*) > 1
)
SELECT coalesce(CAST(sum(copies - 1) AS bigint), 0) AS duplicates
FROM (
  SELECT count(*) AS copies
  FROM s3_access_logs AS l
  SEMI JOIN twice AS t ON t.dt = l.dt AND t.line_hash = l.line_hash
  WHERE l.dt BETWEEN :from AND :to
  GROUP BY l.dt, l.line_hash, request_id, request_time, operation, bucket_name, key_name, remote_ip, http_status, raw
) AS lines
