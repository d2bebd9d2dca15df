-- Incidents that alert, by level.
SELECT level, severity_id, count(*) AS n
FROM (SELECT DISTINCT dt, finding_uid, level, severity_id FROM findings WHERE dt BETWEEN :from AND :to AND alert) AS incidents
GROUP BY level, severity_id
ORDER BY severity_id DESC, level
