-- Edges name an account by its newest username, a list by the one it was asked for with. What is
-- not on a list that was read to its end is not followed.
with members as (
    select
        scans.follower_username as username,
        accounts.username as newest_username,
        max(case when scans.whole_list and scans.read_down_to is null then 1 else 0 end) = 1
            as has_whole_list
    from {{ ref('stg_tiktok__scans') }} as scans
    inner join {{ ref('int_tiktok__account_names') }} as names
        on scans.follower_username = names.username
    inner join {{ ref('tiktok_following__accounts') }} as accounts
        on names.account_id = accounts.account_id
    group by scans.follower_username, accounts.username
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
