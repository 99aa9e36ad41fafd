-- GET /teams/1/members:aggregate?group=name&max=budget
SELECT (SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('name', groups.g0, 'max.budget', onetrip_decimal(groups.a0, 2)) AS json
FROM (SELECT asked.g0 AS g0, max(asked.a0) AS a0
FROM (SELECT 1 AS one, person_1.name AS g0, person_1.budget AS a0
FROM person AS person_1
WHERE team_1.id = person_1.team_id) AS asked GROUP BY asked.g0) AS groups ORDER BY groups.g0 ASC NULLS LAST
 LIMIT 51 OFFSET ?) AS anon_1) AS body
FROM team AS team_1
WHERE team_1.id = ?
-- 0, path/id
