-- Two full scans of each list, three days apart: getvariable('lists') lists of 300 accounts.
-- The usernames follow each other, some accounts are on many lists, and most are on few. Between
-- the scans each list lost one account in 199 and gained three. One list in 17 is not readable.

TRUNCATE tiktok.research_following;
TRUNCATE tiktok.research_scans;

CREATE TEMP VIEW scanned AS
SELECT
    list,
    scan,
    getvariable('lists') AS lists,
    'user' || list AS follower_username,
    TIMESTAMP '2026-01-01' + scan * INTERVAL '3 days' + list * INTERVAL '1 second' AS scanned_at,
    CASE WHEN scan = 1 THEN scanned_at - INTERVAL '3 days' END AS previous_scanned_at,
    list % 17 <> 3 AS is_readable
FROM range(getvariable('lists')) AS all_lists(list), range(2) AS both_scans(scan);

INSERT INTO tiktok.research_following BY NAME
SELECT
    follower_username,
    scanned_at,
    previous_scanned_at,
    place AS position,
    CASE
        WHEN place <= 6 THEN 'user' || (list + place * place) % lists
        WHEN place <= 9 THEN 'user' || (list - (place - 6) * (place - 6) + lists) % lists
        WHEN place <= 30 THEN 'star' || place || '.' || list * 17 % (3 * place)
        WHEN place > 302 THEN 'hit' || scan || '.' || list % 700
        ELSE 'crowd' || (list * 7919 + place * 104729) % 1000003
    END AS username,
    'Name of ' || username AS display_name,
    CASE
        WHEN place > 300 THEN previous_scanned_at
        ELSE TIMESTAMP '2024-01-01' - place // 100 * INTERVAL '200 days'
    END AS followed_at_earliest,
    CASE
        WHEN place > 300 OR place < 100 THEN scanned_at
        ELSE TIMESTAMP '2024-01-01' - (place // 100 - 1) * INTERVAL '200 days'
    END AS followed_at_latest
FROM scanned, range(1, 304) AS places(place)
WHERE is_readable AND CASE WHEN scan = 0 THEN place <= 300 ELSE (list + place) % 199 <> 0 END;

INSERT INTO tiktok.research_scans BY NAME
SELECT
    follower_username,
    scanned_at,
    previous_scanned_at,
    CASE WHEN is_readable THEN 'complete' ELSE 'private' END AS outcome,
    CASE WHEN NOT is_readable THEN 'HTTP 400, invalid_params: the list is private' END AS reason,
    is_readable AS whole_list,
    300 AS accounts_read,
    300 AS accounts_sent,
    4 AS requests,
    scanned_at + INTERVAL '2 seconds' AS read_until
FROM scanned;

SELECT count(*) FROM tiktok.research_following;
