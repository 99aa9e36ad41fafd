-- GET /projects/1/people
SELECT (SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id, 'name', person_1.name, 'budget', onetrip_decimal(person_1.budget, 2), 'team_id', person_1.team_id, 'boss_id', person_1.boss_id, '_link', json(json_object('role', membership_1.role, 'share', onetrip_decimal(membership_1.share, 2), 'active', CASE membership_1.active WHEN 1 THEN json('true') WHEN 0 THEN json('false')
        ELSE CASE WHEN membership_1.active IS NOT NULL THEN json(onetrip_boolean(membership_1.active)) END END))) AS json
FROM person AS person_1, membership AS membership_1
WHERE project_1.id = membership_1.project_id AND person_1.id = membership_1.person_id ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1) AS body
FROM project AS project_1
WHERE project_1.id = ?
-- 0, path/id
