-- The files of target-jsonl under the names of the dbt models, as far as network.py reads them.
-- {folder} stands for their folder.
--
-- The dbt package knows more: here an account has one spell on a list, from its first row to its
-- last, even if it was unfollowed and followed again in between.

CREATE TEMP VIEW following AS
SELECT parse_filename(filename)[:8] AS provider, *
FROM read_json(
    '{folder}/*_following*.jsonl', format = 'newline_delimited', filename = true,
    columns = {
        follower_username: 'VARCHAR', scanned_at: 'TIMESTAMP',
        username: 'VARCHAR', user_id: 'VARCHAR', display_name: 'VARCHAR',
        followers: 'BIGINT', following: 'BIGINT', verified: 'BOOLEAN', is_private: 'BOOLEAN',
        followed_at_earliest: 'TIMESTAMP', followed_at_latest: 'TIMESTAMP'
    }
);

CREATE TEMP VIEW whole_lists AS
SELECT parse_filename(filename)[:8] AS provider, follower_username, scanned_at, read_down_to
FROM read_json(
    '{folder}/*_scans*.jsonl', format = 'newline_delimited', filename = true,
    columns = {
        follower_username: 'VARCHAR', scanned_at: 'TIMESTAMP',
        whole_list: 'BOOLEAN', read_down_to: 'TIMESTAMP'
    }
)
WHERE whole_list;

CREATE TEMP TABLE account_names AS
SELECT username, coalesce(CASE WHEN count(DISTINCT user_id) = 1 THEN max(user_id) END, username)
    AS account_id
FROM (
    SELECT username, user_id FROM following
    UNION ALL
    SELECT follower_username, NULL FROM following
)
GROUP BY username;

CREATE TEMP TABLE observations AS
SELECT following.*, coalesce(user_id, account_id) AS account_id
FROM following JOIN account_names USING (username);

CREATE TEMP VIEW accounts AS
SELECT
    account_id,
    coalesce(any_value(newest.username), any_value(account_names.username)) AS username,
    any_value(user_id) AS user_id,
    any_value(display_name) AS display_name,
    any_value(followers) AS followers,
    any_value(following) AS following,
    any_value(verified) AS verified,
    any_value(is_private) AS is_private
FROM account_names LEFT JOIN (
    SELECT DISTINCT ON (account_id) *
    FROM observations
    ORDER BY account_id, user_id IS NULL, scanned_at DESC
) AS newest USING (account_id)
GROUP BY account_id;

CREATE TEMP TABLE follow_spells AS
SELECT stays.*, 1 AS spell, min(whole_lists.scanned_at) AS gone_before
FROM (
    SELECT
        provider, follower_username, account_id,
        first(followed_at_earliest ORDER BY scanned_at) AS followed_at_earliest,
        min(followed_at_latest) AS followed_at_latest,
        min(scanned_at) AS first_seen,
        max(scanned_at) AS last_seen
    FROM observations
    GROUP BY ALL
) AS stays
LEFT JOIN whole_lists
    ON whole_lists.provider = stays.provider
    AND whole_lists.follower_username = stays.follower_username
    AND whole_lists.scanned_at > stays.last_seen
    AND (read_down_to IS NULL OR read_down_to <= followed_at_earliest)
GROUP BY ALL;

CREATE TEMP VIEW edges AS
SELECT DISTINCT ON (follower_username, account_id)
    *,
    coalesce(gone_before, last_seen) AS known_at,
    gone_before IS NULL AS is_listed
FROM follow_spells
ORDER BY follower_username, account_id, known_at DESC, provider;
