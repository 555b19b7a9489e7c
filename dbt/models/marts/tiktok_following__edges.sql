with follows as (
    select
        *,
        coalesce(gone_at_latest, last_seen) as known_at,
        row_number() over (
            partition by follower_username, username
            order by
                coalesce(gone_at_latest, last_seen) desc,
                case when followed_at_earliest is null then 1 else 0 end,
                {{ tiktok_seconds_between('followed_at_earliest', 'followed_at_latest') }},
                provider,
                account_id
        ) as place
    from {{ ref('tiktok_following__follows') }}
    where username is not null
),

providers as (
    select
        follower_username,
        username,
        count(distinct provider) as providers,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from follows
    group by follower_username, username
)

select
    follows.follower_username,
    follows.username,
    follows.account_id,
    follows.is_listed,
    follows.known_at,
    follows.followed_at_earliest,
    follows.followed_at_latest,
    follows.gone_at_earliest,
    follows.gone_at_latest,
    providers.first_seen,
    providers.last_seen,
    providers.providers,
    follows.provider
from follows
inner join providers
    on follows.follower_username = providers.follower_username
    and follows.username = providers.username
where follows.place = 1
