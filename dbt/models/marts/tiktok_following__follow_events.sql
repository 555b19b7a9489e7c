{%- set account = 'partition by provider, follower_username, account_id order by spell' -%}

with spells as (
    select
        *,
        max(followed_at_earliest) over (
            {{ account }} rows between unbounded preceding and current row
        ) as made_after,
        lag(last_seen) over ({{ account }}) as seen_before
    from {{ ref('int_tiktok__follow_spells') }}
),

-- The last whole list before an account was seen: it would have shown it.
lists_before as (
    select
        spells.provider,
        spells.follower_username,
        spells.account_id,
        spells.spell,
        max(lists.scanned_at) as whole_list_before
    from spells
    inner join {{ ref('int_tiktok__whole_lists') }} as lists
        on spells.provider = lists.provider
        and spells.follower_username = lists.follower_username
        and spells.first_seen > lists.scanned_at
        and (lists.read_down_to is null or lists.read_down_to <= spells.made_after)
    group by spells.provider, spells.follower_username, spells.account_id, spells.spell
),

-- A scan before that is not in the table does not count: its rows were lost with it.
unlisted as (
    select
        spells.provider,
        spells.follower_username,
        spells.account_id,
        spells.spell,
        spells.followed_at_earliest,
        spells.followed_at_latest,
        spells.is_known_by_windows,
        coalesce(scans.read_until, spells.first_seen) as seen_by,
        coalesce(lists_before.whole_list_before, spells.seen_before) as not_listed_at,
        coalesce(
            {{ tiktok_later(
                'previous.scanned_at',
                tiktok_later('lists_before.whole_list_before', 'spells.seen_before'),
            ) }},
            scans.previous_scanned_at
        ) as unlisted_at
    from spells
    left join {{ ref('stg_tiktok__scans') }} as scans
        on spells.provider = scans.provider
        and spells.follower_username = scans.follower_username
        and spells.first_seen = scans.scanned_at
    left join {{ ref('stg_tiktok__scans') }} as previous
        on scans.provider = previous.provider
        and scans.follower_username = previous.follower_username
        and scans.previous_scanned_at = previous.scanned_at
    left join lists_before
        on spells.provider = lists_before.provider
        and spells.follower_username = lists_before.follower_username
        and spells.account_id = lists_before.account_id
        and spells.spell = lists_before.spell
    where
        spells.spell > 1
        or lists_before.whole_list_before is not null
        or spells.followed_at_earliest >= scans.previous_scanned_at
),

appeared as (
    select
        *,
        case
            when followed_at_latest < unlisted_at then true
            when followed_at_earliest >= unlisted_at then false
        end as is_older
    from unlisted
),

events as (
    select
        provider,
        follower_username,
        account_id,
        spell,
        'appeared' as event,
        case
            when is_known_by_windows then followed_at_earliest
            when is_older then not_listed_at
            else {{ tiktok_later('unlisted_at', 'followed_at_earliest') }}
        end as happened_at_earliest,
        case
            when is_known_by_windows or not is_older then followed_at_latest
            when is_older then seen_by
            else {{ tiktok_later('followed_at_latest', 'seen_by') }}
        end as happened_at_latest,
        is_older
    from appeared
    union all
    select
        provider,
        follower_username,
        account_id,
        spell,
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
    inner join identified as research
        on rapidapi.follower_username = research.follower_username
        and rapidapi.account_id = research.account_id
        and rapidapi.event = research.event
        and rapidapi.happened_at_latest >= research.happened_at_earliest
        and rapidapi.happened_at_earliest <= research.happened_at_latest
    where rapidapi.provider = 'rapidapi' and research.provider = 'research'
)

select
    events.follow_event_id,
    events.provider,
    events.follower_username,
    events.account_id,
    events.spell,
    events.event,
    accounts.username,
    events.happened_at_earliest,
    events.happened_at_latest,
    events.is_older,
    repeats.follow_event_id is not null as is_repeat
from identified as events
left join repeats
    on events.follow_event_id = repeats.follow_event_id
left join {{ ref('tiktok_following__accounts') }} as accounts
    on events.account_id = accounts.account_id
