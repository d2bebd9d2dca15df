-- Incidents that alert, each as its last message has it, the gravest first.
SELECT finding_uid, rule_title, level, type, bucket_name, requester, remote_ip, measured_value, measure, threshold,
       event_time, last_time, CAST(floor(epoch(event_time)) AS bigint) AS first, CAST(floor(epoch(last_time)) AS bigint) AS last,
       ocsf, count(*) OVER () AS of
FROM (
  SELECT *, row_number() OVER (PARTITION BY dt, finding_uid ORDER BY step DESC, created_time DESC, message_uid) AS newest
  FROM findings
  WHERE dt BETWEEN :from AND :to
) AS messages
WHERE newest = 1 AND alert
ORDER BY severity_id DESC, event_time, finding_uid, dt
LIMIT :most
