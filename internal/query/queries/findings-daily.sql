-- How many incidents are there each day?
-- Incidents by day and rule, most severe first, each counted once however many messages it caused.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 60  rows at most
-- records are those that the rules counted; a rule that counts something else, such as addresses, adds none.
SELECT dt, level, rule_title,
       count(*) AS incidents,
       count(*) FILTER (WHERE alert) AS to_people,
       count(DISTINCT bucket_name) AS buckets,
       sum(event_count) AS records,
       min(event_time) AS first_time, max(last_time) AS last_time
FROM (
  SELECT dt, level, severity_id, rule_title, alert, bucket_name, event_count, event_time, last_time,
         row_number() OVER (PARTITION BY dt, finding_uid ORDER BY step DESC, created_time DESC) AS newest
  FROM findings
  WHERE dt BETWEEN :from AND :to
) AS messages
WHERE newest = 1
GROUP BY dt, level, severity_id, rule_title
ORDER BY dt DESC, severity_id DESC, incidents DESC, rule_title
LIMIT :limit
