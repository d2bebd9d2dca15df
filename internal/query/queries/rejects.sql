-- What could not be read, and why?
-- Rejected records by reason, with one example of each. The records themselves are in the column raw of the table rejected.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT meant_for, reason,
       count(*) AS records,
       count(DISTINCT log_key) AS log_files,
       min(detail) AS example
FROM rejected
WHERE dt BETWEEN :from AND :to
GROUP BY meant_for, reason
ORDER BY records DESC, meant_for, reason
LIMIT :limit
