-- Incidents that do not alert, by rule.
SELECT rule_title, level, count(*) AS incidents, count(DISTINCT bucket_name) AS buckets,
       min(event_time) AS first_time, max(last_time) AS last_time
FROM (
  SELECT *, row_number() OVER (PARTITION BY dt, finding_uid ORDER BY step DESC, created_time DESC, message_uid) AS newest
  FROM findings
  WHERE dt BETWEEN :from AND :to
) AS messages
WHERE newest = 1 AND NOT alert
GROUP BY rule_title, level, severity_id
ORDER BY severity_id DESC, incidents DESC, rule_title, level
LIMIT :limit
