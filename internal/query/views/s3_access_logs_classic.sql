-- Access logs under the names of AWS's older table
-- The columns, types and order of the table that AWS's guide has long told people to create over raw access logs, so that queries written for it run as they are. What the log has as "-" is '-' here, as it is there, so requester = '-' finds anonymous requests and requester IS NULL, as AWS's own sample has it, finds none in either; a column that is in doubt because the line may be forged is NULL. Three things are better than there: key is the real key and not its encoding, lines that AWS's pattern cannot read are rows, and signatures in links are redacted. timestamp and dt are the day; dt in the query decides what is read.
-- .bucketowner  bucket_owner_id.
-- .bucket_name  bucket_name.
-- .requestdatetime  request_time as the log writes it, such as 20/Nov/2026:10:00:00 +0000.
-- .remoteip  remote_ip.
-- .requester  requester; '-' when unauthenticated.
-- .requestid  request_id.
-- .operation  operation.
-- .key  key_name: the real key, where AWS's table has the encoded one; key_logged where the real one is not known.
-- .request_uri  request_uri, in its quotes.
-- .httpstatus  http_status, as text.
-- .errorcode  error_code.
-- .bytessent  bytes_sent_size; NULL for '-', as it is there.
-- .objectsize  object_size; NULL for '-', as it is there.
-- .totaltime  total_duration, milliseconds as text.
-- .turnaroundtime  turn_around_duration, milliseconds as text.
-- .referrer  referer, in its quotes.
-- .useragent  user_agent, in its quotes.
-- .versionid  version_id.
-- .hostid  host_id.
-- .sigv  signature_version.
-- .ciphersuite  cipher_suite.
-- .authtype  authentication_type.
-- .endpoint  host_header.
-- .tlsversion  tls_version.
-- .accesspointarn  access_point_arn.
-- .aclrequired  acl_required, as Yes or '-'.
-- .sourceregion  source_region.
-- .timestamp  The day as AWS's partition has it, such as 2026/11/20.
SELECT
  coalesce(bucket_owner_id, '-') AS bucketowner,
  coalesce(bucket_name, '-') AS bucket_name,
  substr(CAST(request_time AS varchar), 9, 2) || '/'
    || substr('JanFebMarAprMayJunJulAugSepOctNovDec', 3 * month(request_time) - 2, 3) || '/'
    || substr(CAST(request_time AS varchar), 1, 4) || ':'
    || substr(CAST(request_time AS varchar), 12, 8) || ' +0000' AS requestdatetime,
  coalesce(remote_ip, '-') AS remoteip,
  coalesce(requester, '-') AS requester,
  coalesce(request_id, '-') AS requestid,
  coalesce(operation, '-') AS operation,
  CASE WHEN coalesce(key_name, key_logged) IS NULL AND parse_status = 'clean' THEN '-' ELSE coalesce(key_name, key_logged) END AS key,
  CASE WHEN request_uri IS NULL AND parse_status = 'clean' THEN '-' ELSE '"' || request_uri || '"' END AS request_uri,
  CASE WHEN http_status IS NULL AND parse_status = 'clean' THEN '-' ELSE CAST(http_status AS varchar) END AS httpstatus,
  CASE WHEN error_code IS NULL AND parse_status = 'clean' THEN '-' ELSE error_code END AS errorcode,
  bytes_sent_size AS bytessent,
  object_size AS objectsize,
  CASE WHEN total_duration IS NULL AND parse_status = 'clean' THEN '-' ELSE CAST(total_duration AS varchar) END AS totaltime,
  CASE WHEN turn_around_duration IS NULL AND parse_status = 'clean' THEN '-' ELSE CAST(turn_around_duration AS varchar) END AS turnaroundtime,
  CASE WHEN referer IS NULL AND parse_status = 'clean' THEN '-' ELSE '"' || referer || '"' END AS referrer,
  CASE WHEN user_agent IS NULL AND parse_status = 'clean' THEN '-' ELSE '"' || user_agent || '"' END AS useragent,
  CASE WHEN version_id IS NULL AND parse_status = 'clean' THEN '-' ELSE version_id END AS versionid,
  CASE WHEN host_id IS NULL AND parse_status = 'clean' THEN '-' ELSE host_id END AS hostid,
  CASE WHEN signature_version IS NULL AND parse_status = 'clean' THEN '-' ELSE signature_version END AS sigv,
  CASE WHEN cipher_suite IS NULL AND parse_status = 'clean' THEN '-' ELSE cipher_suite END AS ciphersuite,
  CASE WHEN authentication_type IS NULL AND parse_status = 'clean' THEN '-' ELSE authentication_type END AS authtype,
  CASE WHEN host_header IS NULL AND parse_status = 'clean' THEN '-' ELSE host_header END AS endpoint,
  CASE WHEN tls_version IS NULL AND parse_status = 'clean' THEN '-' ELSE tls_version END AS tlsversion,
  CASE WHEN access_point_arn IS NULL AND parse_status = 'clean' THEN '-' ELSE access_point_arn END AS accesspointarn,
  CASE WHEN acl_required THEN 'Yes' WHEN parse_status = 'clean' THEN '-' END AS aclrequired,
  CASE WHEN source_region IS NULL AND parse_status = 'clean' THEN '-' ELSE source_region END AS sourceregion,
  replace(dt, '-', '/') AS "timestamp",
  dt
FROM s3_access_logs
