-- A scan that stops at a time reads its last page to the end: a little further down.
with cut as (
    select
        observations.provider,
        observations.follower_username,
        observations.scanned_at,
        min(observations.followed_at_earliest) as deepest
    from {{ ref('stg_tiktok__observations') }} as observations
    inner join {{ ref('stg_tiktok__scans') }} as scans
        on observations.provider = scans.provider
        and observations.follower_username = scans.follower_username
        and observations.scanned_at = scans.scanned_at
    where scans.whole_list and scans.read_down_to is not null
    group by
        observations.provider,
        observations.follower_username,
        observations.scanned_at
)

select
    scans.provider,
    scans.follower_username,
    scans.scanned_at,
    scans.read_until,
    case
        when scans.read_down_to is not null then {{ tiktok_earlier('scans.read_down_to', 'cut.deepest') }}
    end as read_down_to
from {{ ref('stg_tiktok__scans') }} as scans
left join cut
    on scans.provider = cut.provider
    and scans.follower_username = cut.follower_username
    and scans.scanned_at = cut.scanned_at
where scans.whole_list
