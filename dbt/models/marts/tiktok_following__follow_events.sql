{%- set key = 'provider, follower_username, account_id' -%}

with spells as (
    select
        *,
        max(followed_at_earliest) over (
            partition by {{ key }} order by spell
            rows between unbounded preceding and current row
        ) as made_after,
        lag(last_seen) over (partition by {{ key }} order by spell) as seen_before
    from {{ ref('int_tiktok__follow_spells') }}
),

-- The last whole list before an account was seen: it would have shown it.
lists_before as (
    select
        {{ key }}, spells.spell,
        max(lists.scanned_at) as whole_list_before
    from spells
    inner join {{ ref('int_tiktok__whole_lists') }} as lists
        using (provider, follower_username)
    where
        spells.first_seen > lists.scanned_at
        and (lists.read_down_to is null or lists.read_down_to <= spells.made_after)
    group by {{ key }}, spells.spell
),

-- A scan before that is not in the table does not count: its rows were lost with it.
previous as (
    select
        scans.provider, scans.follower_username, scans.scanned_at as first_seen,
        scans.read_until,
        scans.previous_scanned_at,
        earlier.scanned_at as previous_in_table,
        earlier.last_gap
    from {{ ref('stg_tiktok__scans') }} as scans
    left join {{ ref('stg_tiktok__scans') }} as earlier
        on scans.provider = earlier.provider
        and scans.follower_username = earlier.follower_username
        and scans.previous_scanned_at = earlier.scanned_at
),

-- After a scan that left out follows, only a whole list shows who was not on the list.
unlisted as (
    select
        {{ key }}, spell,
        spells.followed_at_earliest,
        spells.followed_at_latest,
        spells.is_known_by_windows,
        coalesce(previous.read_until, first_seen) as seen_by,
        coalesce(lists_before.whole_list_before, spells.seen_before) as not_listed_at,
        case
            when previous.last_gap > lists_before.whole_list_before
                then lists_before.whole_list_before
            else coalesce(
                {{ tiktok_later(
                    'previous.previous_in_table',
                    tiktok_later('lists_before.whole_list_before', 'spells.seen_before'),
                ) }},
                previous.previous_scanned_at
            )
        end as unlisted_at
    from spells
    left join lists_before using ({{ key }}, spell)
    left join previous using (provider, follower_username, first_seen)
    where
        spell > 1
        or lists_before.whole_list_before is not null
        or spells.followed_at_earliest >= previous.previous_scanned_at
),

-- A follow that is known by its window was made in it, and not only shown.
appeared as (
    select
        *,
        case
            when is_known_by_windows or followed_at_earliest >= unlisted_at then false
            when followed_at_latest < unlisted_at then true
        end as is_older
    from unlisted
),

events as (
    select
        {{ key }}, spell,
        'appeared' as event,
        case
            when is_known_by_windows then followed_at_earliest
            when is_older then not_listed_at
            else {{ tiktok_later('unlisted_at', 'followed_at_earliest') }}
        end as happened_at_earliest,
        case
            when not is_older then followed_at_latest
            when is_older then seen_by
            else {{ tiktok_later('followed_at_latest', 'seen_by') }}
        end as happened_at_latest,
        is_older
    from appeared
    union all
    select
        {{ key }}, spell,
        'disappeared',
        gone_at_earliest,
        gone_at_latest,
        cast(null as {{ dbt.type_boolean() }})
    from spells
    where gone_at_latest is not null
),

identified as (
    select
        {{ tiktok_id(['provider', 'follower_username', 'account_id', 'spell', 'event']) }}
            as follow_event_id,
        *
    from events
),

repeats as (
    select distinct rapidapi.follow_event_id
    from identified as rapidapi
    inner join identified as research using (follower_username, account_id, event)
    where
        rapidapi.provider = 'rapidapi'
        and research.provider = 'research'
        and rapidapi.happened_at_latest >= research.happened_at_earliest
        and rapidapi.happened_at_earliest <= research.happened_at_latest
)

select
    follow_event_id,
    events.provider,
    events.follower_username,
    account_id,
    events.spell,
    events.event,
    accounts.username,
    events.happened_at_earliest,
    events.happened_at_latest,
    events.is_older,
    repeats.follow_event_id is not null as is_repeat
from identified as events
left join repeats using (follow_event_id)
left join {{ ref('tiktok_following__accounts') }} as accounts using (account_id)
