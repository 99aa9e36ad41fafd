-- GET /people/1/team
SELECT (SELECT anon_1.json AS body
FROM (SELECT json_object('id', team_1.id, 'name', team_1.name) AS json
FROM team AS team_1
WHERE team_1.id = person_1.team_id) AS anon_1) AS body
FROM person AS person_1
WHERE person_1.id = ?
-- path/id
