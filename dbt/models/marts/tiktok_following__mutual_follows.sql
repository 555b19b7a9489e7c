with scanned as (
    select distinct follower_username
    from {{ ref('stg_tiktok__scans') }}
),

-- Lists that were read to their end: what is not on them is not followed.
read_to_the_end as (
    select
        follower_username,
        max(scanned_at) as whole_list_at
    from {{ ref('stg_tiktok__scans') }}
    where whole_list and read_down_to is null
    group by follower_username
),

-- Edges name an account by its newest username, a list by the one it was asked for with.
members as (
    select
        scanned.follower_username as username,
        accounts.username as newest_username,
        read_to_the_end.whole_list_at is not null as has_whole_list
    from scanned
    inner join {{ ref('int_tiktok__account_names') }} as names
        on scanned.follower_username = names.username
    inner join {{ ref('tiktok_following__accounts') }} as accounts
        on names.account_id = accounts.account_id
    left join read_to_the_end
        on scanned.follower_username = read_to_the_end.follower_username
),

directed as (
    select
        edges.follower_username as follower,
        followed.username as followed,
        edges.is_listed
    from {{ ref('tiktok_following__edges') }} as edges
    inner join members as followed
        on edges.username = followed.newest_username
    inner join members as follower
        on edges.follower_username = follower.username
    where follower.newest_username <> followed.newest_username
),

pairs as (
    select distinct
        least(follower, followed) as a,
        greatest(follower, followed) as b
    from directed
    where is_listed
),

known as (
    select
        pairs.a,
        pairs.b,
        case
            when there.is_listed is not null then there.is_listed
            when a.has_whole_list then false
        end as a_follows_b,
        case
            when back.is_listed is not null then back.is_listed
            when b.has_whole_list then false
        end as b_follows_a
    from pairs
    inner join members as a on pairs.a = a.username
    inner join members as b on pairs.b = b.username
    left join directed as there on pairs.a = there.follower and pairs.b = there.followed
    left join directed as back on pairs.b = back.follower and pairs.a = back.followed
)

select
    a,
    b,
    a_follows_b,
    b_follows_a,
    case
        when a_follows_b and b_follows_a then 'mutual'
        when not a_follows_b or not b_follows_a then 'one way'
        else 'unknown'
    end as relation
from known
