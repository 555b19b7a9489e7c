with observations as (
    select follower_username, username, user_id
    from {{ ref('stg_tiktok__observations') }}
),

names as (
    select username, user_id
    from observations
    where username is not null
    union all
    select follower_username, null
    from observations
    union all
    select follower_username, null
    from {{ ref('stg_tiktok__scans') }}
),

-- A username that had two IDs stands for neither of them.
counted as (
    select
        username,
        max(user_id) as user_id,
        coalesce(min(user_id) < max(user_id), false) as is_ambiguous
    from names
    group by username
)

select
    username,
    case when is_ambiguous then username else coalesce(user_id, username) end as account_id,
    case when not is_ambiguous then user_id end as user_id,
    is_ambiguous
from counted
