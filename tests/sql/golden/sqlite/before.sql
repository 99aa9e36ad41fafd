-- GET /people?fields=id&sort=-name&before=x&limit=10
SELECT count(*) || coalesce(char(31) || group_concat(anon_1.position, char(31)), '') || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', anon_2.id) AS json, json_array(anon_2.name, anon_2.id) AS position
FROM (SELECT person_1.id AS id, person_1.name AS name
FROM person AS person_1
WHERE (person_1.name, person_1.id) > (?, ?) ORDER BY person_1.name ASC, person_1.id ASC
 LIMIT 11 OFFSET ?) AS anon_2) AS anon_1
-- query/before, query/before, 0
