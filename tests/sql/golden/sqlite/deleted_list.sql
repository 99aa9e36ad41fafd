-- GET /books?fields=id
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', book_1.id) AS json
FROM book AS book_1
WHERE book_1.deleted_at IS NULL ORDER BY book_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
