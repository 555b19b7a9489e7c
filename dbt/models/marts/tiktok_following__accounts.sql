-- A list that could be read belongs to the account that had the username then.
with seen_names as (
    select account_id, username, scanned_at
    from {{ ref('int_tiktok__sightings') }}
    union all
    select names.account_id, names.username, scans.scanned_at
    from {{ ref('stg_tiktok__scans') }} as scans
    inner join {{ ref('int_tiktok__account_names') }} as names
        on scans.follower_username = names.username
    where scans.outcome in ('complete', 'unchanged')
),

usernames as (
    select
        account_id,
        username,
        max(scanned_at) as last_seen
    from seen_names
    group by account_id, username
),

newest_usernames as (
    select
        *,
        count(*) over (partition by account_id) as usernames,
        row_number() over (
            partition by account_id
            order by last_seen desc, username
        ) as place
    from usernames
    where username is not null
),

-- The Research API has no profiles, but names.
profiles as (
    select
        *,
        row_number() over (
            partition by coalesce(user_id, username)
            order by scanned_at desc, follower_username
        ) as place
    from {{ ref('stg_tiktok__observations') }}
),

-- Usernames that were asked for, and never read or seen on a list, are accounts too.
known as (
    select account_id from {{ ref('int_tiktok__account_names') }}
    union all
    select account_id from usernames
),

accounts as (
    select distinct account_id from known
)

select
    accounts.account_id,
    coalesce(newest.username, names.username) as username,
    newest.last_seen as username_seen_at,
    coalesce(newest.usernames, 1) as usernames,
    profiles.user_id,
    case when profiles.user_id is not null then profiles.scanned_at end as profile_seen_at,
    profiles.display_name,
    profiles.website_url,
    profiles.followers,
    profiles.following_total,
    profiles.total_likes,
    profiles.total_videos,
    profiles.verified,
    profiles.is_private,
    profiles.bio,
    profiles.avatar_url,
    profiles.avatar_thumb_url
from accounts
left join newest_usernames as newest
    on accounts.account_id = newest.account_id and newest.place = 1
left join profiles
    on accounts.account_id = coalesce(profiles.user_id, profiles.username) and profiles.place = 1
left join {{ ref('int_tiktok__account_names') }} as names
    on accounts.account_id = names.username
