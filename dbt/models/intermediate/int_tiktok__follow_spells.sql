with recursive observations as (
    select
        observations.provider,
        observations.follower_username,
        coalesce(observations.user_id, names.account_id) as account_id,
        observations.username,
        observations.scanned_at,
        observations.followed_at_earliest,
        observations.followed_at_latest
    from {{ ref('stg_tiktok__observations') }} as observations
    left join {{ ref('int_tiktok__account_names') }} as names
        on observations.username = names.username
),

-- An account's follows come one after the other, so a later one was made after all earlier
-- `followed_at_earliest` too.
ordered as materialized (
    select
        *,
        row_number() over account as place,
        lead(scanned_at) over account as next_seen,
        max(followed_at_earliest) over account as made_after
    from observations
    window account as (
        partition by provider, follower_username, account_id
        order by scanned_at, followed_at_latest, username
    )
),

-- Between these observations and the next there may be a whole list: there is one, or the scan
-- has no row because its run was killed.
before_whole_lists as (
    select ordered.*
    from ordered
    left join {{ ref('stg_tiktok__scans') }} as scans
        on ordered.provider = scans.provider
        and ordered.follower_username = scans.follower_username
        and ordered.scanned_at = scans.scanned_at
    where
        scans.scanned_at is null
        or scans.whole_list_after < ordered.next_seen
        or (ordered.next_seen is null and scans.whole_list_after is not null)
),

-- The first kind of break: a whole list without the account, which reads down to its follow.
absences as (
    select
        seen.provider,
        seen.follower_username,
        seen.account_id,
        seen.place,
        min(lists.read_until) as absent_by
    from before_whole_lists as seen
    inner join {{ ref('int_tiktok__whole_lists') }} as lists
        on seen.provider = lists.provider
        and seen.follower_username = lists.follower_username
        and seen.scanned_at < lists.scanned_at
        and (seen.next_seen is null or lists.scanned_at < seen.next_seen)
        and (lists.read_down_to is null or lists.read_down_to <= seen.made_after)
    group by seen.provider, seen.follower_username, seen.account_id, seen.place
),

stretches as materialized (
    select
        ordered.*,
        absences.absent_by,
        count(absences.absent_by) over (
            partition by ordered.provider, ordered.follower_username, ordered.account_id
            order by ordered.place
            rows between unbounded preceding and 1 preceding
        ) as stretch
    from ordered
    left join absences
        on ordered.provider = absences.provider
        and ordered.follower_username = absences.follower_username
        and ordered.account_id = absences.account_id
        and ordered.place = absences.place
),

-- The second kind: a follow that was made after the end of an earlier window is another one.
windows as (
    select
        *,
        min(followed_at_latest) over (
            partition by provider, follower_username, account_id, stretch
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
        later.stretch,
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
    group by
        later.provider,
        later.follower_username,
        later.account_id,
        later.stretch,
        later.place
),

-- One break explains all contradictions that it lies within: take as few as possible, each
-- next one from the first contradiction that the break before it does not explain.
linked as (
    select
        one.provider,
        one.follower_username,
        one.account_id,
        one.stretch,
        one.place,
        one.last_other,
        min(other.place) as next_place,
        row_number() over (
            partition by one.provider, one.follower_username, one.account_id, one.stretch
            order by one.place
        ) as nth
    from contradictions as one
    left join contradictions as other
        on one.provider = other.provider
        and one.follower_username = other.follower_username
        and one.account_id = other.account_id
        and one.stretch = other.stretch
        and one.place <= other.last_other
    group by
        one.provider,
        one.follower_username,
        one.account_id,
        one.stretch,
        one.place,
        one.last_other
),

followed_again as (
    select provider, follower_username, account_id, place, last_other, next_place
    from linked
    where nth = 1
    union all
    select
        linked.provider,
        linked.follower_username,
        linked.account_id,
        linked.place,
        linked.last_other,
        linked.next_place
    from followed_again
    inner join linked
        on followed_again.provider = linked.provider
        and followed_again.follower_username = linked.follower_username
        and followed_again.account_id = linked.account_id
        and followed_again.next_place = linked.place
),

-- What is seen between the two observations that contradict each other may belong to either
-- spell: it is the later one's, so that the earlier one ends where it was seen for certain.
starts as (
    select
        stretches.*,
        followed_again.place as shown_at,
        lag(stretches.absent_by) over (
            partition by
                stretches.provider, stretches.follower_username, stretches.account_id
            order by stretches.place
        ) is not null as is_after_absence
    from stretches
    left join followed_again
        on stretches.provider = followed_again.provider
        and stretches.follower_username = followed_again.follower_username
        and stretches.account_id = followed_again.account_id
        and stretches.place = followed_again.last_other + 1
),

numbered as (
    select
        *,
        1 + count(case when is_after_absence or shown_at is not null then 1 end) over (
            partition by provider, follower_username, account_id
            order by place
            rows unbounded preceding
        ) as spell
    from starts
),

-- The window comes from the observation that shows the follow: the first, or the one whose
-- window proves that it is another follow.
shown as (
    select
        *,
        coalesce(
            max(shown_at) over spell,
            min(place) over spell
        ) as window_place
    from numbered
    window spell as (partition by provider, follower_username, account_id, spell)
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
            lead(followed_at_latest) over (
                partition by provider, follower_username, account_id
                order by spell
            )
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
