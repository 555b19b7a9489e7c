{%- set account = 'partition by provider, follower_username, account_id' -%}

-- The first kind of break: a whole list without the account, which reads down to its follow.
-- Only some observations have a whole list before the next one, and those of a killed run may.
with absences as (
    select
        seen.provider,
        seen.follower_username,
        seen.account_id,
        seen.place,
        min(lists.read_until) as absent_by
    from {{ ref('int_tiktok__sightings') }} as seen
    left join {{ ref('stg_tiktok__scans') }} as scans
        on seen.provider = scans.provider
        and seen.follower_username = scans.follower_username
        and seen.scanned_at = scans.scanned_at
    inner join {{ ref('int_tiktok__whole_lists') }} as lists
        on seen.provider = lists.provider
        and seen.follower_username = lists.follower_username
        and seen.scanned_at < lists.scanned_at
        and (seen.next_seen is null or lists.scanned_at < seen.next_seen)
        and (lists.read_down_to is null or lists.read_down_to <= seen.made_after)
    where
        scans.scanned_at is null
        or scans.whole_list_after < seen.next_seen
        or (seen.next_seen is null and scans.whole_list_after is not null)
    group by seen.provider, seen.follower_username, seen.account_id, seen.place
),

stretches as (
    select
        seen.*,
        absences.absent_by,
        count(absences.absent_by) over (
            partition by seen.provider, seen.follower_username, seen.account_id
            order by seen.place
            rows between unbounded preceding and 1 preceding
        ) as stretch
    from {{ ref('int_tiktok__sightings') }} as seen
    left join absences
        on seen.provider = absences.provider
        and seen.follower_username = absences.follower_username
        and seen.account_id = absences.account_id
        and seen.place = absences.place
),

-- The second kind: a follow that was made after the end of an earlier window is another one.
windows as (
    select
        *,
        min(followed_at_latest) over (
            {{ account }}, stretch
            order by place
            rows between unbounded preceding and 1 preceding
        ) as earlier_made_by
    from stretches
),

contradictions as (
    select
        later.provider,
        later.follower_username,
        later.account_id,
        later.place,
        max(earlier.place) as last_other
    from windows as later
    inner join stretches as earlier
        on later.provider = earlier.provider
        and later.follower_username = earlier.follower_username
        and later.account_id = earlier.account_id
        and later.stretch = earlier.stretch
        and later.place > earlier.place
        and later.followed_at_earliest > earlier.followed_at_latest
    where later.followed_at_earliest > later.earlier_made_by
    group by later.provider, later.follower_username, later.account_id, later.place
),

-- One break explains a contradiction and the next one that begins before it.
chained as (
    select
        *,
        lag(place) over ({{ account }} order by place) as place_before
    from contradictions
),

-- What is seen between the two observations that contradict each other may belong to either
-- spell: it is the later one's, so that the earlier one ends where it was seen for certain.
starts as (
    select
        stretches.*,
        chained.place as shown_at,
        lag(stretches.absent_by) over (
            partition by
                stretches.provider, stretches.follower_username, stretches.account_id
            order by stretches.place
        ) is not null as is_after_absence
    from stretches
    left join chained
        on stretches.provider = chained.provider
        and stretches.follower_username = chained.follower_username
        and stretches.account_id = chained.account_id
        and stretches.place = chained.last_other + 1
        and coalesce(chained.place_before <= chained.last_other, true)
),

numbered as (
    select
        *,
        1 + count(case when is_after_absence or shown_at is not null then 1 end) over (
            {{ account }} order by place rows between unbounded preceding and current row
        ) as spell
    from starts
),

-- The window comes from the observation that shows the follow: the first, or the one whose
-- window proves that it is another follow.
shown as (
    select
        *,
        coalesce(
            max(shown_at) over ({{ account }}, spell),
            min(place) over ({{ account }}, spell)
        ) as window_place
    from numbered
),

spells as (
    select
        provider,
        follower_username,
        account_id,
        spell,
        min(scanned_at) as first_seen,
        max(scanned_at) as last_seen,
        count(*) as observations,
        max(case when place = window_place then followed_at_earliest end)
            as followed_at_earliest,
        min(case when place >= window_place then followed_at_latest end)
            as followed_at_latest,
        max(absent_by) as absent_by,
        max(shown_at) is not null as is_known_by_windows
    from shown
    group by provider, follower_username, account_id, spell
),

ended as (
    select
        *,
        coalesce(
            absent_by,
            lead(followed_at_latest) over ({{ account }} order by spell)
        ) as gone_at_latest
    from spells
)

select
    provider,
    follower_username,
    account_id,
    spell,
    first_seen,
    last_seen,
    observations,
    followed_at_earliest,
    followed_at_latest,
    case when gone_at_latest is not null then last_seen end as gone_at_earliest,
    gone_at_latest,
    is_known_by_windows
from ended
