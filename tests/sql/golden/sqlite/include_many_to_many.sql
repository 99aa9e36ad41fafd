-- GET /people?include=projects
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id, 'name', person_1.name, 'budget', onetrip_decimal(person_1.budget, 2), 'team_id', person_1.team_id, 'boss_id', person_1.boss_id, 'projects', json((SELECT '[' || coalesce(group_concat(anon_2.json), '') || ']' AS template_1
FROM (SELECT json_object('id', project_1.id, 'title', project_1.title, '_link', json(json_object('role', membership_1.role, 'share', onetrip_decimal(membership_1.share, 2), 'active', CASE membership_1.active WHEN 1 THEN json('true') WHEN 0 THEN json('false')
        ELSE CASE WHEN membership_1.active IS NOT NULL THEN json(onetrip_boolean(membership_1.active)) END END))) AS json
FROM project AS project_1, membership AS membership_1
WHERE person_1.id = membership_1.person_id AND project_1.id = membership_1.project_id ORDER BY project_1.id ASC
 LIMIT 100 OFFSET ?) AS anon_2))) AS json
FROM person AS person_1 ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0, 0
