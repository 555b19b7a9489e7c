with scans as (
    select
        follower_username,
        max(case when outcome in ('interrupted', 'failed') then 0 else 1 end) as is_settled
    from {{ ref('stg_tiktok__scans') }}
    group by follower_username
),

-- By id, so that a scan under an old username counts.
scanned_accounts as (
    select
        names.account_id,
        max(scans.is_settled) as is_settled
    from scans
    inner join {{ ref('int_tiktok__account_names') }} as names
        on scans.follower_username = names.username
    group by names.account_id
),

-- Who is read under two usernames counts once.
followed as (
    select
        edges.username,
        count(distinct names.account_id) as followed_by
    from {{ ref('tiktok_following__edges') }} as edges
    inner join {{ ref('int_tiktok__account_names') }} as names
        on edges.follower_username = names.username
    where edges.is_listed
    group by edges.username
),

-- A username that two accounts have had stands here once, for the one that had it last.
accounts as (
    select
        *,
        row_number() over (
            partition by username
            order by
                case when username_seen_at is null then 1 else 0 end,
                username_seen_at desc,
                case when user_id is null then 1 else 0 end,
                account_id
        ) as nth
    from {{ ref('tiktok_following__accounts') }}
    where username is not null
),

candidates as (
    select
        accounts.account_id,
        accounts.username,
        scanned_accounts.account_id is not null or scans.follower_username is not null
            as is_unfinished,
        coalesce(followed.followed_by, 0) as followed_by,
        accounts.following_total,
        accounts.is_private
    from accounts
    left join scanned_accounts on accounts.account_id = scanned_accounts.account_id
    left join scans on accounts.username = scans.follower_username
    left join followed on accounts.username = followed.username
    where
        accounts.nth = 1
        and coalesce(scanned_accounts.is_settled, 0) = 0
        and coalesce(scans.is_settled, 0) = 0
)

select
    account_id,
    username,
    is_unfinished,
    followed_by,
    following_total,
    case
        when following_total is not null
            then cast(
                ceil(greatest(following_total, 1) / {{ var('tiktok_page_size') | int }}.0)
                as {{ tiktok_integer() }}
            )
    end as requests_needed,
    is_private,
    row_number() over (
        order by
            case when is_unfinished then 0 else 1 end,
            followed_by desc,
            username,
            account_id
    ) as place
from candidates
where is_unfinished or followed_by >= {{ var('tiktok_min_followed_by') | int }}
