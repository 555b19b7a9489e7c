{%- set pair = 'partition by follower_username, username' -%}

with follows as (
    select
        *,
        coalesce(gone_at_latest, last_seen) as known_at,
        min(first_seen) over ({{ pair }}) as first_seen_by_any,
        max(last_seen) over ({{ pair }}) as last_seen_by_any,
        case when min(provider) over ({{ pair }}) = max(provider) over ({{ pair }}) then 1 else 2 end
            as providers,
        row_number() over (
            {{ pair }}
            order by
                coalesce(gone_at_latest, last_seen) desc,
                case when followed_at_earliest is null then 1 else 0 end,
                {{ tiktok_seconds_between('followed_at_earliest', 'followed_at_latest') }},
                provider,
                account_id
        ) as place
    from {{ ref('tiktok_following__follows') }}
    where username is not null
)

select
    follower_username,
    username,
    account_id,
    is_listed,
    known_at,
    followed_at_earliest,
    followed_at_latest,
    gone_at_earliest,
    gone_at_latest,
    first_seen_by_any as first_seen,
    last_seen_by_any as last_seen,
    providers,
    provider
from follows
where place = 1
