with observations as (
    select
        observations.*,
        coalesce(observations.user_id, names.account_id) as account_id
    from {{ ref('stg_tiktok__observations') }} as observations
    left join {{ ref('int_tiktok__account_names') }} as names
        on observations.username = names.username
),

-- A list that could be read belongs to the account that had the username then.
read_lists as (
    select
        names.account_id,
        scans.follower_username as username,
        scans.scanned_at
    from {{ ref('stg_tiktok__scans') }} as scans
    inner join {{ ref('int_tiktok__account_names') }} as names
        on scans.follower_username = names.username
    where scans.outcome in ('complete', 'unchanged')
),

sightings as (
    select account_id, username, scanned_at
    from observations
    where username is not null
    union all
    select account_id, username, scanned_at
    from read_lists
),

usernames as (
    select
        account_id,
        username,
        max(scanned_at) as last_seen
    from sightings
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
),

-- RapidAPI returns whole profiles, the Research API only the name.
profiles as (
    select
        *,
        row_number() over (
            partition by account_id
            order by
                case when user_id is not null then 0 else 1 end,
                scanned_at desc,
                follower_username
        ) as place
    from observations
),

-- Usernames that were asked for, and never read or seen on a list, are accounts too.
known as (
    select account_id from {{ ref('int_tiktok__account_names') }}
    union
    select account_id from observations
)

select
    known.account_id,
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
from known
left join newest_usernames as newest
    on known.account_id = newest.account_id and newest.place = 1
left join profiles
    on known.account_id = profiles.account_id and profiles.place = 1
left join {{ ref('int_tiktok__account_names') }} as names
    on known.account_id = names.username
