{%- set in_order -%}
partition by provider, follower_username, account_id
        order by scanned_at, followed_at_latest, username
{%- endset -%}

with observations as (
    select
        provider,
        follower_username,
        coalesce(observations.user_id, names.account_id) as account_id,
        username,
        scanned_at,
        followed_at_earliest,
        followed_at_latest
    from {{ ref('stg_tiktok__observations') }} as observations
    left join {{ ref('int_tiktok__account_names') }} as names using (username)
)

-- An account's follows come one after the other, so a later one was made after all earlier
-- `followed_at_earliest` too.
select
    *,
    row_number() over ({{ in_order }}) as place,
    lead(scanned_at) over ({{ in_order }}) as next_seen,
    max(followed_at_earliest) over (
        {{ in_order }}
        rows between unbounded preceding and current row
    ) as made_after
from observations
