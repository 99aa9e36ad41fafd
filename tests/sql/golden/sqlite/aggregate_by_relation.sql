-- GET /people:aggregate?group=team.name,boss_id&count=*&sum=budget&name__contains=a
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('team.name', groups.g0, 'boss_id', groups.g1, 'count', groups.a0, 'sum.budget', onetrip_narrow(groups.a1, 2)) AS json
FROM (SELECT asked.g0 AS g0, asked.g1 AS g1, count(*) AS a0, onetrip_wide(sum(CAST(round(asked.a1 * 1e2) AS INTEGER) >> 32) FILTER (WHERE abs(CAST(asked.a1 AS REAL)) < 90071992547409.92), sum(CAST(round(asked.a1 * 1e2) AS INTEGER) & 4294967295) FILTER (WHERE abs(CAST(asked.a1 AS REAL)) < 90071992547409.92), sum(CAST(asked.a1 AS REAL)) FILTER (WHERE abs(CAST(asked.a1 AS REAL)) >= 90071992547409.92), 2) AS a1
FROM (SELECT 1 AS one, (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = person_1.team_id) AS g0, person_1.boss_id AS g1, person_1.budget AS a1
FROM person AS person_1
WHERE person_1.name GLOB ? = 1) AS asked GROUP BY asked.g0, asked.g1) AS groups ORDER BY groups.g0 ASC NULLS LAST, groups.g1 ASC NULLS LAST
 LIMIT 51 OFFSET ?) AS anon_1
-- query/name__contains, 0
