-- GET /teams/1/members?fields=id&name=Ada&count=exact
SELECT (SELECT count(*) || '/' || (SELECT count(*) AS count_1
FROM person AS person_1
WHERE team_1.id = person_1.team_id AND person_1.name = ?) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_2.id) AS json
FROM person AS person_2
WHERE team_1.id = person_2.team_id AND person_2.name = ? ORDER BY person_2.id ASC
 LIMIT 51 OFFSET ?) AS anon_1) AS body
FROM team AS team_1
WHERE team_1.id = ?
-- query/name, query/name, 0, path/id
