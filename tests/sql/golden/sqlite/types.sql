-- GET /samples?fields=id,text,flag,moment,local,day,at,price,tiny,ratio,ticket,hex_ticket,color,level,raw
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', sample_1.id, 'text', sample_1.text, 'flag', CASE sample_1.flag WHEN 1 THEN json('true') WHEN 0 THEN json('false')
        ELSE CASE WHEN sample_1.flag IS NOT NULL THEN json(onetrip_boolean(sample_1.flag)) END END, 'moment', CASE WHEN sample_1.moment GLOB '????-??-?? ??:??:??.000000' THEN replace(substr(sample_1.moment, 1, 19), ' ', 'T') || 'Z'
WHEN sample_1.moment GLOB '????-??-?? ??:??:??.?[0-9]?[0-9]??' OR sample_1.moment GLOB '????-??-?? ??:??:??'
THEN replace(sample_1.moment, ' ', 'T') || 'Z' WHEN sample_1.moment IS NULL THEN NULL ELSE onetrip_datetime(sample_1.moment) END, 'local', CASE WHEN sample_1.local GLOB '????-??-?? ??:??:??.000000' THEN replace(substr(sample_1.local, 1, 19), ' ', 'T')
WHEN sample_1.local GLOB '????-??-?? ??:??:??.?[0-9]?[0-9]??' OR sample_1.local GLOB '????-??-?? ??:??:??'
THEN replace(sample_1.local, ' ', 'T') WHEN sample_1.local IS NULL THEN NULL ELSE onetrip_local_datetime(sample_1.local) END, 'day', sample_1.day, 'at', onetrip_time(sample_1.at), 'price', onetrip_decimal(sample_1.price, 2), 'tiny', onetrip_decimal(sample_1.tiny, 10), 'ratio', json(onetrip_float(sample_1.ratio)), 'ticket', onetrip_uuid(sample_1.ticket), 'hex_ticket', onetrip_uuid(sample_1.hex_ticket), 'color', CASE sample_1.color WHEN 'RED' THEN 'red' WHEN 'BRACES' THEN '{0} ''quoted'' "twice" %s 100% é' WHEN 'SAME' THEN 'SAME' ELSE sample_1.color END, 'level', CASE sample_1.level WHEN 'LOW' THEN json('1') WHEN 'HIGH' THEN json('20') ELSE sample_1.level END, 'raw', onetrip_text(sample_1.raw)) AS json
FROM sample AS sample_1 ORDER BY sample_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
