-- GET /people?fields=id,name&sort=-name&after=x
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', anon_2.id, 'name', anon_2.name) AS json
FROM (SELECT person_1.id AS id, person_1.name AS name
FROM person AS person_1
WHERE (person_1.name, person_1.id) < (?, ?) ORDER BY person_1.name DESC, person_1.id DESC
 LIMIT 51 OFFSET ?) AS anon_2) AS anon_1
-- query/after, query/after, 0
