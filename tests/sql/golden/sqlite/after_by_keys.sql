-- GET /people?fields=id&sort=-name,budget:nullsfirst,team.name&after=x
SELECT count(*) || coalesce(char(31) || group_concat(anon_1.position, char(31)), '') || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json, json_array(person_1.name, CASE typeof(person_1.budget) WHEN 'text' THEN person_1.budget WHEN 'null' THEN NULL ELSE json(onetrip_position(person_1.budget)) END, (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = person_1.team_id), person_1.id) AS position
FROM person AS person_1
WHERE person_1.name <= ? AND (person_1.name < ? OR person_1.budget >= ? AND (person_1.budget > ? OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) > ? OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) IS NULL OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) = ? AND person_1.id > ?)) ORDER BY person_1.name DESC, person_1.budget ASC, (SELECT team_3.name
FROM team AS team_3
WHERE team_3.id = person_1.team_id) ASC NULLS LAST, person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/after, query/after, query/after, query/after, query/after, query/after, query/after, 0
