with names as (
    select distinct
        username,
        user_id
    from {{ ref('stg_tiktok__observations') }}
    where username is not null
    union
    select
        follower_username,
        null
    from {{ ref('stg_tiktok__observations') }}
    union
    select
        follower_username,
        null
    from {{ ref('stg_tiktok__scans') }}
),

counted as (
    select
        username,
        max(user_id) as user_id,
        count(distinct user_id) as user_ids
    from names
    group by username
)

select
    username,
    case when user_ids = 1 then user_id else username end as account_id,
    case when user_ids = 1 then user_id end as user_id,
    user_ids > 1 as is_ambiguous
from counted
