-- A scan that stops at a time reads its last page to the end: a little further down.
with cut as (
    select
        provider, follower_username, scanned_at,
        min(observations.followed_at_earliest) as deepest
    from {{ ref('stg_tiktok__observations') }} as observations
    inner join {{ ref('stg_tiktok__scans') }} as scans
        using (provider, follower_username, scanned_at)
    where scans.whole_list and scans.read_down_to is not null
    group by provider, follower_username, scanned_at
)

select
    provider,
    follower_username,
    scanned_at,
    scans.read_until,
    case
        when scans.read_down_to is not null
            then {{ tiktok_earlier('scans.read_down_to', 'cut.deepest') }}
    end as read_down_to
from {{ ref('stg_tiktok__scans') }} as scans
left join cut using (provider, follower_username, scanned_at)
where scans.whole_list
