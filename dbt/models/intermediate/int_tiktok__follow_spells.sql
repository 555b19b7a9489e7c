{%- set key = 'provider, follower_username, account_id' -%}
{%- set before = 'rows between unbounded preceding and 1 preceding' -%}

-- Only after some observations is there a whole list before the next one, and after those of a
-- killed run there may be.
with candidates as (
    select seen.*
    from {{ ref('int_tiktok__sightings') }} as seen
    left join {{ ref('stg_tiktok__scans') }} as scans
        on seen.provider = scans.provider
        and seen.follower_username = scans.follower_username
        and seen.scanned_at = scans.scanned_at
    where
        scans.scanned_at is null
        or scans.whole_list_after < seen.next_seen
        or (seen.next_seen is null and scans.whole_list_after is not null)
),

-- The first kind of break: a whole list without the account, which reads down to its follow.
absences as (
    select
        {{ key }}, seen.place,
        min(lists.read_until) as absent_by
    from candidates as seen
    inner join {{ ref('int_tiktok__whole_lists') }} as lists
        using (provider, follower_username)
    where
        seen.scanned_at < lists.scanned_at
        and (seen.next_seen is null or lists.scanned_at < seen.next_seen)
        and (lists.read_down_to is null or lists.read_down_to <= seen.made_after)
    group by {{ key }}, seen.place
),

stretches as (
    select
        seen.*,
        absences.absent_by,
        count(absences.absent_by) over (
            partition by {{ key }} order by place {{ before }}
        ) as stretch
    from {{ ref('int_tiktok__sightings') }} as seen
    left join absences using ({{ key }}, place)
),

-- The second kind: a follow that was made after the end of an earlier window is another one.
windows as (
    select
        *,
        min(followed_at_latest) over (
            partition by {{ key }}, stretch order by place {{ before }}
        ) as earlier_made_by
    from stretches
),

contradictions as (
    select
        {{ key }}, later.place,
        max(earlier.place) as last_other
    from windows as later
    inner join stretches as earlier using ({{ key }}, stretch)
    where
        later.followed_at_earliest > later.earlier_made_by
        and later.followed_at_earliest > earlier.followed_at_latest
        and later.place > earlier.place
    group by {{ key }}, later.place
),

chained as (
    select
        *,
        lag(place) over (partition by {{ key }} order by place) as place_before
    from contradictions
),

-- One break explains a contradiction and the next one that begins before it. What is seen
-- between two observations that contradict each other may belong to either spell: it is the
-- later one's, so that the earlier one ends where it was seen for certain.
followed_again as (
    select
        {{ key }}, last_other + 1 as place,
        place as shown_at
    from chained
    where place_before is null or place_before <= last_other
),

starts as (
    select
        stretches.*,
        followed_again.shown_at,
        lag(stretches.absent_by) over (partition by {{ key }} order by place) as absent_before
    from stretches
    left join followed_again using ({{ key }}, place)
),

numbered as (
    select
        *,
        1 + count(case when absent_before is not null or shown_at is not null then 1 end) over (
            partition by {{ key }} order by place
            rows between unbounded preceding and current row
        ) as spell
    from starts
),

-- The window comes from the observation that shows the follow: the first, or the one whose
-- window proves that it is another follow.
shown as (
    select
        *,
        coalesce(
            max(shown_at) over (partition by {{ key }}, spell),
            min(place) over (partition by {{ key }}, spell)
        ) as window_place
    from numbered
),

spells as (
    select
        {{ key }}, spell,
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
    group by {{ key }}, spell
),

ended as (
    select
        *,
        coalesce(
            absent_by,
            lead(followed_at_latest) over (partition by {{ key }} order by spell)
        ) as gone_at_latest
    from spells
)

select
    {{ key }}, spell,
    first_seen,
    last_seen,
    observations,
    followed_at_earliest,
    followed_at_latest,
    case when gone_at_latest is not null then last_seen end as gone_at_earliest,
    gone_at_latest,
    is_known_by_windows
from ended
