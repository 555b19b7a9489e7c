{%- set usernames_model = var('tiktok_usernames_model') -%}

with named as (
    select
        provider,
        follower_username as username
    from {{ ref('stg_tiktok__scans') }}
    {%- if usernames_model %}
    {%- for provider in tiktok_providers() %}
    union all
    select
        '{{ provider }}',
        {{ tiktok_username('username') }}
    from {{ ref(usernames_model) }}
    {%- endfor %}
    {%- endif %}
),

asked_for as (
    select distinct provider, username
    from named
    where username <> ''
),

scans as (
    select
        *,
        row_number() over (
            partition by provider, follower_username
            order by scanned_at desc
        ) as newest
    from {{ ref('stg_tiktok__scans') }}
),

summed as (
    select
        provider,
        follower_username as username,
        count(*) as scans,
        sum(requests) as requests,
        max(scanned_at) as last_scanned_at,
        max(case when outcome in ('complete', 'unchanged') then scanned_at end) as last_read,
        max(case when whole_list then scanned_at end) as last_whole_list,
        max(case when newest = 1 then outcome end) as last_outcome,
        max(case when newest = 1 then reason end) as last_reason,
        max(case when newest = 1 then following_total end) as following_total,
        max(case when newest = 1 then accounts_lost end) as accounts_lost
    from scans
    group by provider, follower_username
),

listed as (
    select
        provider,
        follower_username as username,
        count(*) as follows_listed
    from {{ ref('tiktok_following__follows') }}
    where is_listed
    group by provider, follower_username
)

select
    provider,
    username,
    coalesce(summed.scans, 0) as scans,
    coalesce(cast(summed.requests as {{ tiktok_integer() }}), 0) as requests,
    summed.last_scanned_at,
    summed.last_read,
    summed.last_whole_list,
    summed.last_outcome,
    summed.last_reason,
    coalesce(listed.follows_listed, 0) as follows_listed,
    summed.following_total,
    summed.accounts_lost
from asked_for
left join summed using (provider, username)
left join listed using (provider, username)
