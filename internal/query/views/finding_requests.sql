-- Requests that fit an incident
-- Each incident, as its last message has it, with the requests of its bucket between its first and its last record, by its requester and from its address where the rule tells incidents apart by these. It is where to look, and no proof: a rule may have matched fewer, and networks of IPv6 are not compared. dt is the day of the request, finding_dt that of the incident: name both. Incidents over several buckets are not here.
-- .event_count  Records that the incident counted, by its last message; NULL where the rule counts something else.
-- .finding_dt  dt of the finding: day on which the incident's period began.
SELECT f.finding_uid, f.rule_id, f.rule_title, f.level, f.service, f.event_count, f.dt AS finding_dt,
       r.request_time, r.bucket_name, r.key_name, r.operation, r.event_name, r.seen_by, r.who, r.remote_ip, r.user_agent,
       r.http_status, r.error_code, r.bytes_out, r.request_id, r.event_id, r.log_key, r.log_line, r.dt
FROM (
  SELECT finding_uid, rule_id, rule_title, level, service, event_count, bucket_name, requester, remote_ip, event_time, last_time, dt,
         row_number() OVER (PARTITION BY dt, finding_uid ORDER BY step DESC, created_time DESC) AS newest
  FROM findings
) AS f
JOIN s3_requests AS r
  ON r.bucket_name = f.bucket_name
 AND r.request_time BETWEEN f.event_time AND f.last_time
WHERE f.newest = 1
  -- rules name a caller with or without the session, a role by its own ARN, a foreigner by the account
  AND (f.requester IS NULL OR f.requester IN (r.requester, r.requester_name, r.user_identity_arn, r.session_issuer_arn, r.user_identity_account_id)
    OR starts_with(r.requester, f.requester || '/') OR starts_with(r.user_identity_arn, f.requester || '/'))
  -- a network of IPv6 is not compared
  AND (f.remote_ip IS NULL OR f.remote_ip LIKE '%/%' OR f.remote_ip = r.remote_ip)
  AND (coalesce(f.service, '') <> 's3_server_access' OR r.seen_by <> 'cloudtrail')
  AND (coalesce(f.service, '') <> 'cloudtrail' OR r.seen_by <> 'access log')
