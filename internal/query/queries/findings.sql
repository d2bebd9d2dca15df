-- What did the rules find?
-- Incidents, latest first, each as its last message has it: level, rule, bucket, how much of what, when.
-- :level text =   level such as high, empty for any
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- finding-requests shows the requests of one, by its finding_uid.
SELECT level, rule_title, bucket_name, measured_value, measure, event_time, last_time, finding_uid
FROM (
  SELECT level, rule_title, bucket_name, measured_value, measure, event_time, last_time, finding_uid,
         row_number() OVER (PARTITION BY finding_uid ORDER BY step DESC, created_time DESC) AS newest
  FROM findings
  WHERE dt BETWEEN :from AND :to
    AND :level IN ('', level)
) AS messages
WHERE newest = 1
ORDER BY last_time DESC, finding_uid
LIMIT :limit
