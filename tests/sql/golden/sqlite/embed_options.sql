-- GET /teams?fields=id&include=members(budget__gt=1,sort=(-name),limit=3,offset=1,fields=(id,name))
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', team_1.id, 'members', json((SELECT '[' || coalesce(group_concat(anon_2.json), '') || ']' AS template_1
FROM (SELECT json_object('id', anon_3.id, 'name', anon_3.name) AS json
FROM (SELECT person_1.id AS id, person_1.name AS name
FROM person AS person_1
WHERE team_1.id = person_1.team_id AND person_1.budget > ? ORDER BY person_1.name DESC, person_1.id DESC
 LIMIT 3 OFFSET ?) AS anon_3) AS anon_2))) AS json
FROM team AS team_1 ORDER BY team_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/include/members/budget__gt, query/include/members/offset, 0
