-- GET /people:aggregate?group=team_id&count=*&avg=budget&having=(count=2,avg.budget=9)&sort=-count
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('team_id', groups.g0, 'count', groups.a0, 'avg.budget', onetrip_narrow(groups.a1, 6)) AS json
FROM (SELECT asked.g0 AS g0, count(*) AS a0, onetrip_wide_mean(sum(CAST(round(asked.a1 * 1e2) AS INTEGER) >> 32) FILTER (WHERE abs(CAST(asked.a1 AS REAL)) < 90071992547409.92), sum(CAST(round(asked.a1 * 1e2) AS INTEGER) & 4294967295) FILTER (WHERE abs(CAST(asked.a1 AS REAL)) < 90071992547409.92), sum(CAST(asked.a1 AS REAL)) FILTER (WHERE abs(CAST(asked.a1 AS REAL)) >= 90071992547409.92), 2, count(asked.a1), 6) AS a1
FROM (SELECT 1 AS one, person_1.team_id AS g0, person_1.budget AS a1
FROM person AS person_1) AS asked GROUP BY asked.g0) AS groups
WHERE groups.a0 = ? AND groups.a1 = ? ORDER BY groups.a0 DESC, groups.g0 DESC NULLS FIRST
 LIMIT 51 OFFSET ?) AS anon_1
-- query/having/count__eq, query/having/avg.budget, 0
