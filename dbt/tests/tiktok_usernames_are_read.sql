{{ config(
    enabled=var('tiktok_max_age_days') is not none,
    severity='warn',
) }}

-- Fails for each username last read more than `tiktok_max_age_days` ago, or never. Usernames
-- that have no list to give pass.
select
    provider,
    username,
    last_read,
    last_outcome,
    last_reason
from {{ ref('tiktok_following__coverage') }}
where
    coalesce(
        {{ tiktok_seconds_between('last_read', tiktok_now()) }}
            > 86400 * {{ var('tiktok_max_age_days') or 0 }},
        true
    )
    and coalesce(last_outcome, '') not in
        ('private', 'hidden', 'not_found', 'unavailable')
