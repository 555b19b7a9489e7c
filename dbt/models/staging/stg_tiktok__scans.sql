with scans as (
    {%- for provider in tiktok_providers() %}
    select * from {{ ref('base_tiktok__' ~ provider ~ '_scans') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- An appending target keeps a row of each run that a scan took: the last one completes it.
numbered as (
    select
        *,
        row_number() over (
            partition by provider, follower_username, scanned_at
            order by
                case when outcome = 'interrupted' then 1 else 0 end,
                coalesce(requests, 0) desc,
                read_until desc
        ) as copy
    from scans
)

select
    provider,
    follower_username,
    scanned_at,
    previous_scanned_at,
    outcome,
    reason,
    coalesce(whole_list, false) as whole_list,
    accounts_read,
    accounts_sent,
    accounts_lost,
    coalesce(read_until, scanned_at) as read_until,
    read_down_to,
    requests,
    following_total,
    cached,
    min(case when whole_list then scanned_at end) over (
        partition by provider, follower_username
        order by scanned_at
        rows between 1 following and unbounded following
    ) as whole_list_after,
    max(
        case
            when
                outcome in ('complete', 'unchanged')
                and (
                    reason is not null
                    or accounts_read = 0
                    or read_down_to > previous_scanned_at
                )
                then scanned_at
        end
    ) over (
        partition by provider, follower_username
        order by scanned_at
        rows between unbounded preceding and current row
    ) as last_gap
from numbered
where copy = 1
