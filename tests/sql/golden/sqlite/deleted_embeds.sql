-- GET /books?fields=id,writer.books.id
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', book_1.id, 'writer', json((SELECT json_object('books', json((SELECT '[' || coalesce(group_concat(anon_2.json), '') || ']' AS template_1
FROM (SELECT json_object('id', book_2.id) AS json
FROM book AS book_2
WHERE book_2.deleted_at IS NULL AND writer_1.id = book_2.writer_id ORDER BY book_2.id ASC
 LIMIT 100 OFFSET ?) AS anon_2))) AS json
FROM writer AS writer_1
WHERE writer_1.deleted_at IS NULL AND writer_1.id = book_1.writer_id))) AS json
FROM book AS book_1
WHERE book_1.deleted_at IS NULL ORDER BY book_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0, 0
