-- The models of the dbt package in dbt/ as plain SQL, for DuckDB and PostgreSQL: generated
-- from them, and held to them by a test. Run it again after each load. The tap's tables are
-- in the schema tiktok, those of both providers with all columns; the models are made in the
-- schema tiktok_following. For anything else, compile the package (see analysis.md).

CREATE SCHEMA IF NOT EXISTS tiktok_following;

DROP VIEW IF EXISTS tiktok_following.base_tiktok__rapidapi_following CASCADE;
DROP VIEW IF EXISTS tiktok_following.base_tiktok__rapidapi_scans CASCADE;
DROP VIEW IF EXISTS tiktok_following.base_tiktok__research_following CASCADE;
DROP VIEW IF EXISTS tiktok_following.base_tiktok__research_scans CASCADE;
DROP VIEW IF EXISTS tiktok_following.stg_tiktok__observations CASCADE;
DROP VIEW IF EXISTS tiktok_following.stg_tiktok__scans CASCADE;
DROP TABLE IF EXISTS tiktok_following.account_names CASCADE;
DROP TABLE IF EXISTS tiktok_following.int_tiktok__whole_lists CASCADE;
DROP TABLE IF EXISTS tiktok_following.follow_spells CASCADE;
DROP TABLE IF EXISTS tiktok_following.accounts CASCADE;
DROP TABLE IF EXISTS tiktok_following.follow_events CASCADE;
DROP TABLE IF EXISTS tiktok_following.follow_changes CASCADE;
DROP TABLE IF EXISTS tiktok_following.follows CASCADE;
DROP TABLE IF EXISTS tiktok_following.coverage CASCADE;
DROP TABLE IF EXISTS tiktok_following.edges CASCADE;
DROP TABLE IF EXISTS tiktok_following.mutual_follows CASCADE;
DROP TABLE IF EXISTS tiktok_following.whom_to_read_next CASCADE;

CREATE VIEW tiktok_following.base_tiktok__rapidapi_following AS
select
    cast("follower_username" as text) as "follower_username",
    cast("user_id" as text) as "user_id",
    cast("username" as text) as "username",
    cast("scanned_at" as timestamp) as "scanned_at",
    cast("position" as bigint) as "position",
    cast("followed_at_earliest" as timestamp) as "followed_at_earliest",
    cast("followed_at_latest" as timestamp) as "followed_at_latest",
    cast("display_name" as text) as "display_name",
    cast("website_url" as text) as "website_url",
    cast("followers" as bigint) as "followers",
    cast("following" as bigint) as "following",
    cast("total_likes" as bigint) as "total_likes",
    cast("total_videos" as bigint) as "total_videos",
    cast("verified" as boolean) as "verified",
    cast("is_private" as boolean) as "is_private",
    cast("bio" as text) as "bio",
    cast("avatar_url" as text) as "avatar_url",
    cast("avatar_thumb_url" as text) as "avatar_thumb_url"
from tiktok.rapidapi_following;


CREATE VIEW tiktok_following.base_tiktok__rapidapi_scans AS
select
    cast("follower_username" as text) as "follower_username",
    cast("scanned_at" as timestamp) as "scanned_at",
    cast("previous_scanned_at" as timestamp) as "previous_scanned_at",
    cast("outcome" as text) as "outcome",
    cast("reason" as text) as "reason",
    cast("whole_list" as boolean) as "whole_list",
    cast("accounts_read" as bigint) as "accounts_read",
    cast("accounts_sent" as bigint) as "accounts_sent",
    cast("accounts_lost" as bigint) as "accounts_lost",
    cast("read_until" as timestamp) as "read_until",
    cast("read_down_to" as timestamp) as "read_down_to",
    cast("requests" as bigint) as "requests",
    cast("following_total" as bigint) as "following_total",
    cast("cached" as boolean) as "cached"
from tiktok.rapidapi_scans;


CREATE VIEW tiktok_following.base_tiktok__research_following AS
select
    cast("follower_username" as text) as "follower_username",
    cast("username" as text) as "username",
    cast("scanned_at" as timestamp) as "scanned_at",
    cast("position" as bigint) as "position",
    cast("followed_at_earliest" as timestamp) as "followed_at_earliest",
    cast("followed_at_latest" as timestamp) as "followed_at_latest",
    cast("display_name" as text) as "display_name"
from tiktok.research_following;


CREATE VIEW tiktok_following.base_tiktok__research_scans AS
select
    cast("follower_username" as text) as "follower_username",
    cast("scanned_at" as timestamp) as "scanned_at",
    cast("previous_scanned_at" as timestamp) as "previous_scanned_at",
    cast("outcome" as text) as "outcome",
    cast("reason" as text) as "reason",
    cast("whole_list" as boolean) as "whole_list",
    cast("accounts_read" as bigint) as "accounts_read",
    cast("accounts_sent" as bigint) as "accounts_sent",
    cast("accounts_lost" as bigint) as "accounts_lost",
    cast("read_until" as timestamp) as "read_until",
    cast("read_down_to" as timestamp) as "read_down_to",
    cast("requests" as bigint) as "requests",
    cast("following_total" as bigint) as "following_total",
    cast("cached" as boolean) as "cached"
from tiktok.research_scans;


CREATE VIEW tiktok_following.stg_tiktok__observations AS
with observations as (

    select
        'research' as provider,
        lower(follower_username) as follower_username,
        cast(null as text) as user_id,
        lower(username) as username,
        scanned_at,
        position,
        followed_at_earliest,
        followed_at_latest,
        display_name,
        cast(null as text) as website_url,
        cast(null as bigint) as followers,
        cast(null as bigint) as following_total,
        cast(null as bigint) as total_likes,
        cast(null as bigint) as total_videos,
        cast(null as boolean) as verified,
        cast(null as boolean) as is_private,
        cast(null as text) as bio,
        cast(null as text) as avatar_url,
        cast(null as text) as avatar_thumb_url
    from tiktok_following.base_tiktok__research_following
    union all
    select
        'rapidapi' as provider,
        lower(follower_username) as follower_username,
        user_id as user_id,
        lower(username) as username,
        scanned_at,
        position,
        followed_at_earliest,
        followed_at_latest,
        display_name,
        website_url as website_url,
        followers as followers,
        following as following_total,
        total_likes as total_likes,
        total_videos as total_videos,
        verified as verified,
        is_private as is_private,
        bio as bio,
        avatar_url as avatar_url,
        avatar_thumb_url as avatar_thumb_url
    from tiktok_following.base_tiktok__rapidapi_following

),

numbered as (
    select
        *,
        row_number() over (
            partition by provider, follower_username, coalesce(user_id, username), scanned_at
            order by followed_at_latest, followed_at_earliest desc nulls last, username
        ) as copy
    from observations
)

select
    provider,
    follower_username,
    user_id,
    username,
    scanned_at,
    position,
    followed_at_earliest,
    followed_at_latest,
    display_name,
    website_url,
    followers,
    following_total,
    total_likes,
    total_videos,
    verified,
    is_private,
    bio,
    avatar_url,
    avatar_thumb_url
from numbered
where copy = 1;


CREATE VIEW tiktok_following.stg_tiktok__scans AS
with scans as (

    select
        'research' as provider,
        lower(follower_username) as follower_username,
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
        cached
    from tiktok_following.base_tiktok__research_scans
    union all
    select
        'rapidapi' as provider,
        lower(follower_username) as follower_username,
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
        cached
    from tiktok_following.base_tiktok__rapidapi_scans

),

-- An appending target keeps a row of each run that a scan took: the last one completes it.
numbered as (
    select
        *,
        row_number() over (
            partition by provider, follower_username, scanned_at
            order by
                case when outcome = 'interrupted' then 1 else 0 end,
                requests desc nulls last,
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
    whole_list,
    accounts_read,
    accounts_sent,
    accounts_lost,
    read_until,
    read_down_to,
    requests,
    following_total,
    cached,
    max(case when whole_list then scanned_at end) over (
        partition by provider, follower_username
        order by scanned_at
        rows between unbounded preceding and 1 preceding
    ) as whole_list_before,
    min(case when whole_list then scanned_at end) over (
        partition by provider, follower_username
        order by scanned_at
        rows between 1 following and unbounded following
    ) as whole_list_after
from numbered
where copy = 1;


CREATE TABLE tiktok_following.account_names AS
with names as (
    select distinct
        username,
        user_id
    from tiktok_following.stg_tiktok__observations
    where username is not null
    union
    select
        follower_username,
        null
    from tiktok_following.stg_tiktok__observations
    union
    select
        follower_username,
        null
    from tiktok_following.stg_tiktok__scans
),

counted as (
    select
        username,
        max(user_id) as user_id,
        count(distinct user_id) as user_ids
    from names
    group by username
)

select
    username,
    case when user_ids = 1 then user_id else username end as account_id,
    case when user_ids = 1 then user_id end as user_id,
    user_ids > 1 as is_ambiguous
from counted;


CREATE TABLE tiktok_following.int_tiktok__whole_lists AS
-- A scan that stops at a time reads its last page to the end: a little further down.
with cut as (
    select
        observations.provider,
        observations.follower_username,
        observations.scanned_at,
        min(observations.followed_at_earliest) as deepest
    from tiktok_following.stg_tiktok__observations as observations
    inner join tiktok_following.stg_tiktok__scans as scans
        on observations.provider = scans.provider
        and observations.follower_username = scans.follower_username
        and observations.scanned_at = scans.scanned_at
    where scans.whole_list and scans.read_down_to is not null
    group by
        observations.provider,
        observations.follower_username,
        observations.scanned_at
)

select
    scans.provider,
    scans.follower_username,
    scans.scanned_at,
    scans.read_until,
    case
        when scans.read_down_to is not null then least(scans.read_down_to, cut.deepest)
    end as read_down_to
from tiktok_following.stg_tiktok__scans as scans
left join cut
    on scans.provider = cut.provider
    and scans.follower_username = cut.follower_username
    and scans.scanned_at = cut.scanned_at
where scans.whole_list;


CREATE TABLE tiktok_following.follow_spells AS
with recursive observations as (
    select
        observations.provider,
        observations.follower_username,
        coalesce(observations.user_id, names.account_id) as account_id,
        observations.username,
        observations.scanned_at,
        observations.followed_at_earliest,
        observations.followed_at_latest
    from tiktok_following.stg_tiktok__observations as observations
    left join tiktok_following.account_names as names
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
    left join tiktok_following.stg_tiktok__scans as scans
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
    inner join tiktok_following.int_tiktok__whole_lists as lists
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
from ended;


CREATE TABLE tiktok_following.accounts AS
with observations as (
    select
        observations.*,
        coalesce(observations.user_id, names.account_id) as account_id
    from tiktok_following.stg_tiktok__observations as observations
    left join tiktok_following.account_names as names
        on observations.username = names.username
),

-- A list that could be read belongs to the account that had the username then.
read_lists as (
    select
        names.account_id,
        scans.follower_username as username,
        scans.scanned_at
    from tiktok_following.stg_tiktok__scans as scans
    inner join tiktok_following.account_names as names
        on scans.follower_username = names.username
    where scans.outcome in ('complete', 'unchanged')
),

sightings as (
    select account_id, username, scanned_at
    from observations
    where username is not null
    union all
    select account_id, username, scanned_at
    from read_lists
),

usernames as (
    select
        account_id,
        username,
        max(scanned_at) as last_seen
    from sightings
    group by account_id, username
),

newest_usernames as (
    select
        *,
        count(*) over (partition by account_id) as usernames,
        row_number() over (
            partition by account_id
            order by last_seen desc, username
        ) as place
    from usernames
),

-- RapidAPI returns whole profiles, the Research API only the name.
profiles as (
    select
        *,
        row_number() over (
            partition by account_id
            order by
                case when user_id is not null then 0 else 1 end,
                scanned_at desc,
                follower_username
        ) as place
    from observations
),

-- Usernames that were asked for, and never read or seen on a list, are accounts too.
known as (
    select account_id from tiktok_following.account_names
    union
    select account_id from observations
)

select
    known.account_id,
    coalesce(newest.username, names.username) as username,
    newest.last_seen as username_seen_at,
    coalesce(newest.usernames, 1) as usernames,
    profiles.user_id,
    case when profiles.user_id is not null then profiles.scanned_at end as profile_seen_at,
    profiles.display_name,
    profiles.website_url,
    profiles.followers,
    profiles.following_total,
    profiles.total_likes,
    profiles.total_videos,
    profiles.verified,
    profiles.is_private,
    profiles.bio,
    profiles.avatar_url,
    profiles.avatar_thumb_url
from known
left join newest_usernames as newest
    on known.account_id = newest.account_id and newest.place = 1
left join profiles
    on known.account_id = profiles.account_id and profiles.place = 1
left join tiktok_following.account_names as names
    on known.account_id = names.username;


CREATE TABLE tiktok_following.follow_events AS
with spells as (
    select
        spells.*,
        scans.previous_scanned_at,
        previous.scanned_at as previous_in_table,
        coalesce(scans.read_until, spells.first_seen) as seen_by,
        max(spells.followed_at_earliest) over (
            partition by spells.provider, spells.follower_username, spells.account_id
            order by spells.spell
        ) as made_after,
        lag(spells.last_seen) over (
            partition by spells.provider, spells.follower_username, spells.account_id
            order by spells.spell
        ) as seen_before
    from tiktok_following.follow_spells as spells
    left join tiktok_following.stg_tiktok__scans as scans
        on spells.provider = scans.provider
        and spells.follower_username = scans.follower_username
        and spells.first_seen = scans.scanned_at
    left join tiktok_following.stg_tiktok__scans as previous
        on scans.provider = previous.provider
        and scans.follower_username = previous.follower_username
        and scans.previous_scanned_at = previous.scanned_at
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
    inner join tiktok_following.int_tiktok__whole_lists as lists
        on spells.provider = lists.provider
        and spells.follower_username = lists.follower_username
        and spells.first_seen > lists.scanned_at
        and (lists.read_down_to is null or lists.read_down_to <= spells.made_after)
    group by spells.provider, spells.follower_username, spells.account_id, spells.spell
),

-- A scan before that is not in the table does not count: its rows were lost with it.
unlisted as (
    select
        spells.*,
        coalesce(lists_before.whole_list_before, spells.seen_before) as whole_list_before,
        coalesce(
            greatest(
                spells.previous_in_table,
                lists_before.whole_list_before,
                spells.seen_before
            ),
            spells.previous_scanned_at
        ) as unlisted_at
    from spells
    left join lists_before
        on spells.provider = lists_before.provider
        and spells.follower_username = lists_before.follower_username
        and spells.account_id = lists_before.account_id
        and spells.spell = lists_before.spell
    where
        spells.spell > 1
        or lists_before.whole_list_before is not null
        or spells.followed_at_earliest >= spells.previous_scanned_at
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
            when is_older then whole_list_before
            else greatest(unlisted_at, followed_at_earliest)
        end as happened_at_earliest,
        case
            when is_known_by_windows or not is_older then followed_at_latest
            when is_older then seen_by
            else greatest(followed_at_latest, seen_by)
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
        null
    from spells
    where gone_at_latest is not null
)

select
    md5(events.provider || '|' || events.follower_username || '|' || events.account_id || '|' || events.spell || '|' || events.event) as follow_event_id,
    events.provider,
    events.follower_username,
    events.account_id,
    events.spell,
    events.event,
    accounts.username,
    events.happened_at_earliest,
    events.happened_at_latest,
    events.is_older,
    events.provider = 'rapidapi' and exists (
        select 1
        from events as told
        where
            told.provider = 'research'
            and told.follower_username = events.follower_username
            and told.account_id = events.account_id
            and told.event = events.event
            and told.happened_at_earliest <= events.happened_at_latest
            and told.happened_at_latest >= events.happened_at_earliest
    ) as is_repeat
from events
left join tiktok_following.accounts as accounts
    on events.account_id = accounts.account_id;


CREATE TABLE tiktok_following.follow_changes AS
select
    events.follow_event_id,
    case
        when events.event = 'disappeared' then 'no longer listed'
        when events.is_older then 'listed again'
        when events.spell > 1 then 'followed again'
        else 'followed'
    end as kind,
    events.follower_username,
    followers.display_name as follower_display_name,
    events.username,
    followed.display_name,
    events.account_id,
    events.happened_at_earliest,
    events.happened_at_latest,
    events.provider
from tiktok_following.follow_events as events
left join tiktok_following.accounts as followed
    on events.account_id = followed.account_id
left join tiktok_following.account_names as names
    on events.follower_username = names.username
left join tiktok_following.accounts as followers
    on names.account_id = followers.account_id
where not events.is_repeat;


CREATE TABLE tiktok_following.follows AS
with spells as (
    select
        *,
        min(first_seen) over account as first_ever_seen,
        lead(spell) over (
            partition by provider, follower_username, account_id
            order by spell
        ) as next_spell
    from tiktok_following.follow_spells
    window account as (partition by provider, follower_username, account_id)
)

select
    spells.provider,
    spells.follower_username,
    spells.account_id,
    accounts.username,
    spells.first_ever_seen as first_seen,
    spells.last_seen,
    spells.spell as times_followed,
    spells.followed_at_earliest,
    spells.followed_at_latest,
    spells.gone_at_latest is null as is_listed,
    spells.gone_at_earliest,
    spells.gone_at_latest
from spells
left join tiktok_following.accounts as accounts
    on spells.account_id = accounts.account_id
where spells.next_spell is null;


CREATE TABLE tiktok_following.coverage AS
with asked_for as (
    select distinct
        provider,
        follower_username as username
    from tiktok_following.stg_tiktok__scans
),

scans as (
    select
        *,
        row_number() over (
            partition by provider, follower_username
            order by scanned_at desc
        ) as newest
    from tiktok_following.stg_tiktok__scans
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
    from tiktok_following.follows
    where is_listed
    group by provider, follower_username
)

select
    asked_for.provider,
    asked_for.username,
    coalesce(summed.scans, 0) as scans,
    coalesce(cast(summed.requests as bigint), 0) as requests,
    summed.last_scanned_at,
    summed.last_read,
    summed.last_whole_list,
    summed.last_outcome,
    summed.last_reason,
    coalesce(listed.follows_listed, 0) as follows_listed,
    summed.following_total,
    summed.accounts_lost,
    extract(epoch from ((now() at time zone 'UTC') - summed.last_read)) / 86400.0 as age_days
from asked_for
left join summed
    on asked_for.provider = summed.provider and asked_for.username = summed.username
left join listed
    on asked_for.provider = listed.provider and asked_for.username = listed.username;


CREATE TABLE tiktok_following.edges AS
with follows as (
    select
        *,
        coalesce(gone_at_latest, last_seen) as known_at,
        count(*) over pair as follows,
        row_number() over (
            partition by follower_username, username
            order by
                coalesce(gone_at_latest, last_seen) desc,
                followed_at_latest - followed_at_earliest nulls last,
                provider,
                account_id
        ) as place
    from tiktok_following.follows
    where username is not null
    window pair as (partition by follower_username, username)
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
where follows.place = 1;


CREATE TABLE tiktok_following.mutual_follows AS
with scanned as (
    select distinct follower_username
    from tiktok_following.stg_tiktok__scans
),

-- Lists that were read to their end: what is not on them is not followed.
read_to_the_end as (
    select
        follower_username,
        max(scanned_at) as whole_list_at
    from tiktok_following.stg_tiktok__scans
    where whole_list and read_down_to is null
    group by follower_username
),

-- Edges name an account by its newest username, a list by the one it was asked for with.
members as (
    select
        scanned.follower_username as username,
        accounts.username as newest_username,
        read_to_the_end.whole_list_at is not null as has_whole_list
    from scanned
    inner join tiktok_following.account_names as names
        on scanned.follower_username = names.username
    inner join tiktok_following.accounts as accounts
        on names.account_id = accounts.account_id
    left join read_to_the_end
        on scanned.follower_username = read_to_the_end.follower_username
),

directed as (
    select
        edges.follower_username as follower,
        followed.username as followed,
        edges.is_listed
    from tiktok_following.edges as edges
    inner join members as followed
        on edges.username = followed.newest_username
    inner join members as follower
        on edges.follower_username = follower.username
    where follower.newest_username <> followed.newest_username
),

pairs as (
    select distinct
        least(follower, followed) as a,
        greatest(follower, followed) as b
    from directed
    where is_listed
),

known as (
    select
        pairs.a,
        pairs.b,
        case
            when there.is_listed is not null then there.is_listed
            when a.has_whole_list then false
        end as a_follows_b,
        case
            when back.is_listed is not null then back.is_listed
            when b.has_whole_list then false
        end as b_follows_a
    from pairs
    inner join members as a on pairs.a = a.username
    inner join members as b on pairs.b = b.username
    left join directed as there on pairs.a = there.follower and pairs.b = there.followed
    left join directed as back on pairs.b = back.follower and pairs.a = back.followed
)

select
    a,
    b,
    a_follows_b,
    b_follows_a,
    case
        when a_follows_b and b_follows_a then 'mutual'
        when not a_follows_b or not b_follows_a then 'one way'
        else 'unknown'
    end as relation
from known;


CREATE TABLE tiktok_following.whom_to_read_next AS
with scans as (
    select
        follower_username,
        max(case when outcome in ('interrupted', 'failed') then 0 else 1 end) as is_settled
    from tiktok_following.stg_tiktok__scans
    group by follower_username
),

-- By id, so that a scan under an old username counts.
scanned_accounts as (
    select
        names.account_id,
        max(scans.is_settled) as is_settled
    from scans
    inner join tiktok_following.account_names as names
        on scans.follower_username = names.username
    group by names.account_id
),

-- Who is read under two usernames counts once.
followed as (
    select
        edges.username,
        count(distinct names.account_id) as followed_by
    from tiktok_following.edges as edges
    inner join tiktok_following.account_names as names
        on edges.follower_username = names.username
    where edges.is_listed
    group by edges.username
),

-- A username that two accounts have had stands here once, for the one that had it last.
accounts as (
    select
        *,
        row_number() over (
            partition by username
            order by username_seen_at desc nulls last, user_id nulls last, account_id
        ) as nth
    from tiktok_following.accounts
    where username is not null
),

candidates as (
    select
        accounts.account_id,
        accounts.username,
        scanned_accounts.account_id is not null or scans.follower_username is not null
            as is_unfinished,
        coalesce(followed.followed_by, 0) as followed_by,
        accounts.following_total,
        accounts.is_private
    from accounts
    left join scanned_accounts on accounts.account_id = scanned_accounts.account_id
    left join scans on accounts.username = scans.follower_username
    left join followed on accounts.username = followed.username
    where
        accounts.nth = 1
        and coalesce(scanned_accounts.is_settled, 0) = 0
        and coalesce(scans.is_settled, 0) = 0
)

select
    account_id,
    username,
    is_unfinished,
    followed_by,
    following_total,
    case
        when following_total is not null
            then cast(ceil(greatest(following_total, 1) / 100.0) as bigint)
    end as requests_needed,
    is_private,
    row_number() over (
        order by
            case when is_unfinished then 0 else 1 end,
            followed_by desc,
            username,
            account_id
    ) as place
from candidates
where is_unfinished or followed_by >= 1;
