-- Requests, by access logs and CloudTrail together
-- Every line of the access logs with the CloudTrail record of the same request, and every S3 record of CloudTrail that has no line; seen_by says which saw it: both, access log or cloudtrail. The two are joined by request id, within a day, and by key where a request has several: a line meets one record at most, so batch deletes, copies and the records that several accounts receive multiply nothing. A request whose two times lie on both sides of midnight shows as two rows that one source saw each. log_key and log_line name the line, or the record where there is no line. CloudTrail sees no failed authentication and no lifecycle, and data events only where they are turned on.
-- .request_time  When S3 received the request, UTC: request_time of the line, event_time of a record without one.
-- .operation  operation of the line; NULL where only CloudTrail saw the request.
-- .requester  requester of the line; NULL when unauthenticated, and where there is no line.
-- .event_name  event_name of the record; NULL where only the access log saw the request.
-- .seen_by  both, access log or cloudtrail.
-- .who  anonymous, or the requester; where there is no line the ARN, or else the account, of the record's caller.
-- .remote_ip  Address the request came from: remote_ip of the line, source_ip_address of a record without one.
-- .bucket_name  Bucket the request was for.
-- .key_name  Key of the object.
-- .user_agent  HTTP User-Agent, of the line where there is one.
-- .authenticated  FALSE for anonymous callers; NULL when nothing tells who called.
-- .http_status  HTTP status of the response; NULL where only CloudTrail saw the request.
-- .error_code  Error code of the line, or of a record without one; NULL when the request succeeded.
-- .event_error_code  error_code of the record.
-- .bytes_out  Bytes of the response body.
-- .parse_status  clean, or ambiguous when the line can be read in several ways; NULL where there is no line.
-- .log_key  Delivered file that the line stands in, or the record where there is no line.
-- .log_line  Place in that file, from 1.
WITH sides AS (
  SELECT dt, 2 AS side, request_time, bucket_name, key_name, request_id,
         coalesce(request_id, log_key || ' ' || CAST(log_line AS varchar)) AS request,
         remote_ip, user_agent, authenticated, authentication_type, signature_version, tls_version,
         error_code, bytes_sent_size AS bytes_out,
         operation, requester, requester_type, requester_account, requester_name, http_status, object_size, parse_status,
         CAST(NULL AS varchar) AS event_name, CAST(NULL AS varchar) AS event_id, CAST(NULL AS varchar) AS event_error_code,
         CAST(NULL AS varchar) AS user_identity_type, CAST(NULL AS varchar) AS user_identity_arn,
         CAST(NULL AS varchar) AS user_identity_account_id, CAST(NULL AS varchar) AS user_identity_access_key_id,
         CAST(NULL AS varchar) AS session_issuer_arn, CAST(NULL AS varchar) AS vpc_endpoint_id,
         1 AS place, log_key, log_line
  FROM s3_access_logs
  UNION ALL
  SELECT dt, 1 AS side, event_time, bucket_name, key_name, request_id,
         coalesce(request_id, log_key || ' ' || CAST(log_line AS varchar)) AS request,
         source_ip_address, user_agent, authenticated, authentication_type, signature_version, tls_version,
         error_code, bytes_out,
         CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS varchar),
         CAST(NULL AS bigint), CAST(NULL AS bigint), CAST(NULL AS varchar),
         event_name, event_id, error_code,
         user_identity_type, user_identity_arn, user_identity_account_id, user_identity_access_key_id, session_issuer_arn, vpc_endpoint_id,
         -- a correction before what it corrects
         CASE WHEN addendum IS NULL THEN 1 ELSE 0 END, log_key, log_line
  FROM cloudtrail_events
  WHERE event_source = 's3.amazonaws.com'
),
paired AS (
  SELECT *,
         -- records that say the same of the same request
         row_number() OVER (PARTITION BY dt, request, side, key_name, event_name
           ORDER BY place, event_id, log_key, log_line) AS copy,
         -- the record that stands for the whole request: the one without a key, if there is one
         row_number() OVER (PARTITION BY dt, request
           ORDER BY side, CASE WHEN key_name IS NULL THEN 0 ELSE 1 END, place, event_id, log_key, log_line) AS head,
         count(CASE WHEN side = 1 THEN 1 END) OVER (PARTITION BY dt, request) AS request_records,
         count(CASE WHEN side = 1 THEN 1 END) OVER (PARTITION BY dt, request, key_name) AS key_records,
         count(CASE WHEN side = 2 THEN 1 END) OVER (PARTITION BY dt, request, key_name) AS key_lines,
         first_value(event_name) OVER (PARTITION BY dt, request, key_name
           ORDER BY side, place, event_id, log_key, log_line) AS key_event_name,
         first_value(event_id) OVER (PARTITION BY dt, request, key_name
           ORDER BY side, place, event_id, log_key, log_line) AS key_event_id,
         first_value(event_error_code) OVER (PARTITION BY dt, request, key_name
           ORDER BY side, place, event_id, log_key, log_line) AS key_event_error_code,
         first_value(event_name) OVER (PARTITION BY dt, request
           ORDER BY side, CASE WHEN key_name IS NULL THEN 0 ELSE 1 END, place, event_id, log_key, log_line) AS head_event_name,
         first_value(event_id) OVER (PARTITION BY dt, request
           ORDER BY side, CASE WHEN key_name IS NULL THEN 0 ELSE 1 END, place, event_id, log_key, log_line) AS head_event_id,
         first_value(event_error_code) OVER (PARTITION BY dt, request
           ORDER BY side, CASE WHEN key_name IS NULL THEN 0 ELSE 1 END, place, event_id, log_key, log_line) AS head_event_error_code,
         -- who called is the same in all records of a request
         max(user_identity_type) OVER (PARTITION BY dt, request) AS identity_type,
         max(user_identity_arn) OVER (PARTITION BY dt, request) AS identity_arn,
         max(user_identity_account_id) OVER (PARTITION BY dt, request) AS identity_account_id,
         max(user_identity_access_key_id) OVER (PARTITION BY dt, request) AS identity_access_key_id,
         max(session_issuer_arn) OVER (PARTITION BY dt, request) AS issuer_arn,
         max(vpc_endpoint_id) OVER (PARTITION BY dt, request) AS endpoint_id
  FROM sides
),
counted AS (
  SELECT *,
         -- lines that only the record of the whole request can explain
         count(CASE WHEN side = 2 AND key_records = 0 THEN 1 END) OVER (PARTITION BY dt, request) AS loose_lines
  FROM paired
)
SELECT request_time, bucket_name, key_name, operation,
       CASE WHEN side = 1 THEN event_name WHEN key_records > 0 THEN key_event_name ELSE head_event_name END AS event_name,
       CAST(CASE WHEN side = 1 THEN 'cloudtrail' WHEN request_records > 0 THEN 'both' ELSE 'access log' END AS varchar) AS seen_by,
       CASE WHEN NOT authenticated THEN 'anonymous' ELSE coalesce(requester, identity_arn, identity_account_id) END AS who,
       requester, requester_type, requester_account, requester_name,
       identity_type AS user_identity_type, identity_arn AS user_identity_arn,
       identity_account_id AS user_identity_account_id, identity_access_key_id AS user_identity_access_key_id,
       issuer_arn AS session_issuer_arn,
       remote_ip, user_agent, authenticated, authentication_type, signature_version, tls_version, endpoint_id AS vpc_endpoint_id,
       http_status, error_code,
       CASE WHEN side = 1 THEN event_error_code WHEN key_records > 0 THEN key_event_error_code ELSE head_event_error_code END AS event_error_code,
       bytes_out, object_size, request_id,
       CASE WHEN side = 1 THEN event_id WHEN key_records > 0 THEN key_event_id ELSE head_event_id END AS event_id,
       parse_status, log_key, log_line, dt
FROM counted
WHERE side = 2
   OR (copy = 1 AND key_lines = 0 AND (head > 1 OR loose_lines = 0))
