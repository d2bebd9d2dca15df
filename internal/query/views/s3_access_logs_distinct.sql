-- Access logs without the lines that AWS delivered twice
-- S3 delivers a line twice now and then, into one file or into two. This view has each line once: the first of those that are equal as a whole, which the hash of the line tells together with the fields that identify a request. The request id alone must not: all keys of a batch delete share one, so do both lines of a copy, and the rest would be lost. copies says how often a line was delivered. It reads more columns than the table does, so use it where exact counts matter.
-- .copies  How often the line was delivered.
SELECT
  bucket_owner_id, bucket_name, request_time, remote_ip, requester, request_id, operation,
  key_name, request_uri, http_status, error_code, bytes_sent_size, object_size, total_duration,
  turn_around_duration, referer, user_agent, version_id, host_id, signature_version,
  cipher_suite, authentication_type, host_header, tls_version, access_point_arn, acl_required,
  source_region, key_logged, requester_type, requester_account, requester_name, authenticated,
  http_method, presigned, presign_expires, presign_access_key_id, user_agent_name,
  user_agent_version, user_agent_os, bucket_region, parse_status, escaped, raw, extra,
  line_hash, log_key, log_line,
  copies, dt
FROM (
  SELECT
    bucket_owner_id, bucket_name, request_time, remote_ip, requester, request_id, operation,
    key_name, request_uri, http_status, error_code, bytes_sent_size, object_size, total_duration,
    turn_around_duration, referer, user_agent, version_id, host_id, signature_version,
    cipher_suite, authentication_type, host_header, tls_version, access_point_arn, acl_required,
    source_region, key_logged, requester_type, requester_account, requester_name, authenticated,
    http_method, presigned, presign_expires, presign_access_key_id, user_agent_name,
    user_agent_version, user_agent_os, bucket_region, parse_status, escaped, raw, extra,
    line_hash, log_key, log_line,
    dt,
    row_number() OVER (PARTITION BY dt, line_hash, request_id, request_time, operation, bucket_name, key_name, remote_ip, http_status, raw
      ORDER BY log_key, log_line) AS copy,
    count(*) OVER (PARTITION BY dt, line_hash, request_id, request_time, operation, bucket_name, key_name, remote_ip, http_status, raw) AS copies
  FROM s3_access_logs
) AS lines
WHERE copy = 1
