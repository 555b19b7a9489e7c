-- What the page shows, in SQL that DuckDB, PostgreSQL, Snowflake, BigQuery, Databricks and Redshift
-- share. A name in braces is a model of the dbt package, the query `latest`, or a time or number that
-- report.py fills in.


-- name: runs
-- After `run_before`, each list was scanned at most once: the last run began then, or later.
with numbered as (
    select
        scanned_at,
        read_until,
        row_number() over (
            partition by provider, follower_username
            order by scanned_at desc
        ) as place
    from {scans}
)

select
    max(read_until) as as_of,
    max(case when place = 2 then coalesce(read_until, scanned_at) end) as run_before
from numbered


-- name: pause
-- The first scan that ended after `since`, and the last one that ended until then.
select
    min(case when ended_at > {since} then ended_at end) as first_after,
    max(case when ended_at <= {since} then ended_at end) as last_before
from (
    select coalesce(read_until, scanned_at) as ended_at
    from {scans}
) as ends
where ended_at <= {until}


-- name: providers
select
    provider,
    count(*) as scans,
    sum(requests) as requests,
    min(scanned_at) as first_scanned_at,
    max(scanned_at) as last_scanned_at
from {scans}
group by provider
order by provider desc


-- name: totals
select
    count(*) as follows,
    count(distinct account_id) as accounts,
    min(coalesce(followed_at_earliest, followed_at_latest)) as oldest
from {edges}
where is_listed


-- name: kinds
select
    kind,
    count(*) as changes
from {follow_changes}
where happened_at_latest > {since}
group by kind


-- name: changes
select
    follower_username,
    follower_display_name,
    kind,
    username,
    display_name,
    happened_at_earliest,
    happened_at_latest
from {follow_changes}
where happened_at_latest > {since}
order by happened_at_latest desc, follower_username, username, follow_event_id
limit {most}


-- name: changes_of
select
    follower_username,
    count(*) as changes
from {follow_changes}
where happened_at_latest > {since}
group by follower_username


-- name: latest
-- The last scan of each username, as part of other queries. A username counts as read if one
-- provider could read it.
select
    username,
    last_outcome,
    last_reason,
    last_read
from (
    select
        username,
        coalesce(last_outcome, 'never scanned') as last_outcome,
        last_reason,
        max(last_read) over (partition by username) as last_read,
        row_number() over (
            partition by username
            order by
                case
                    when last_outcome in ('complete', 'unchanged') then 0
                    when last_outcome = 'interrupted' then 1
                    when last_outcome is null then 3
                    else 2
                end,
                last_scanned_at desc,
                provider
        ) as place
    from {coverage}
) as ranked
where place = 1


-- name: outcomes
select
    outcome,
    count(*) as usernames
from (
    select
        case when last_outcome in ('complete', 'unchanged') then 'read' else last_outcome end as outcome
    from {latest} as latest
) as outcomes
group by outcome
order by usernames desc, outcome


-- name: read
-- A scan counts when it ends, which can be days after it started.
select
    count(scans.username) as lists,
    sum(case when scans.username is null and last_outcome in ('complete', 'unchanged') then 1 else 0 end) as earlier
from {latest} as latest
left join (
    select distinct follower_username as username
    from {scans}
    where outcome in ('complete', 'unchanged') and coalesce(read_until, scanned_at) > {since}
) as scans on latest.username = scans.username


-- name: read_by
-- A provider that is no longer used is not named for ever.
select
    provider,
    count(distinct case
        when outcome in ('complete', 'unchanged') and coalesce(read_until, scanned_at) > {since}
            then follower_username
    end) as lists
from {scans}
group by provider
having max(scanned_at) > {earliest}
order by provider desc


-- name: unread
select
    username,
    last_outcome as outcome,
    last_reason as reason,
    last_read
from {latest} as latest
where last_outcome not in ('complete', 'unchanged')
order by outcome, username
limit {most}


-- name: lost
-- A full scan names the accounts that it finds lost.
select
    count(*) as lists,
    coalesce(sum(accounts_lost), 0) as accounts
from (
    select
        username,
        max(accounts_lost) as accounts_lost
    from {coverage}
    where accounts_lost > 0 and coalesce(last_whole_list < last_scanned_at, true)
    group by username
) as lost


-- name: lost_lists
select
    username,
    max(accounts_lost) as accounts_lost,
    max(last_whole_list) as last_whole_list
from {coverage}
where accounts_lost > 0 and coalesce(last_whole_list < last_scanned_at, true)
group by username
order by accounts_lost desc, username
limit {most}


-- name: full_scans
select
    count(*) as lists,
    coalesce(sum(case when last_whole_list is null then 1 else 0 end), 0) as never,
    coalesce(sum(case when last_whole_list <= {since} then 1 else 0 end), 0) as earlier
from (
    select
        username,
        max(last_whole_list) as last_whole_list
    from {coverage}
    where last_read is not null
    group by username
) as lists


-- name: without_full_scan
select
    username,
    max(last_whole_list) as last_whole_list
from {coverage}
where last_read is not null
group by username
having max(last_whole_list) is null or max(last_whole_list) <= {since}
order by case when max(last_whole_list) is null then 0 else 1 end, max(last_whole_list), username
limit {most}


-- name: several
with made as (
    select distinct
        account_id,
        username,
        follower_username
    from {follow_changes}
    where kind in ('followed', 'followed again') and happened_at_latest > {since}
),

counted as (
    select
        account_id,
        max(username) as username,
        count(distinct follower_username) as followers
    from made
    group by account_id
    having count(distinct follower_username) > 1
),

ranked as (
    select
        *,
        count(*) over () as accounts,
        row_number() over (order by followers desc, username, account_id) as place
    from counted
),

named as (
    select
        ranked.*,
        made.follower_username,
        row_number() over (
            partition by ranked.account_id
            order by made.follower_username
        ) as nth
    from ranked
    inner join made on ranked.account_id = made.account_id
)

select
    place,
    accounts,
    username,
    followers,
    follower_username
from named
where place <= {most} and nth <= 3
order by place, nth


-- name: most_followed
with counted as (
    select
        account_id,
        max(username) as username,
        count(distinct follower_username) as followers
    from {edges}
    where is_listed
    group by account_id
),

ranked as (
    select
        *,
        row_number() over (order by followers desc, username, account_id) as place
    from counted
),

gains as (
    select
        account_id,
        sum(case when kind = 'no longer listed' then -1 else 1 end) as gain
    from {follow_changes}
    where happened_at_latest > {since}
    group by account_id
),

members as (
    select distinct names.account_id
    from {coverage} as coverage
    inner join {account_names} as names on coverage.username = names.username
)

select
    ranked.username,
    ranked.followers,
    coalesce(gains.gain, 0) as gain,
    members.account_id is not null as is_on_list
from ranked
left join gains on ranked.account_id = gains.account_id
left join members on ranked.account_id = members.account_id
where ranked.place <= {most}
order by ranked.place


-- name: growth
select {sums}
from {edges}
where is_listed


-- name: growth_of
select
    follower_username,
    {sums}
from {edges}
where is_listed
group by follower_username


-- name: names
select
    coverage.username,
    accounts.display_name,
    coverage.provider,
    coverage.scans,
    coverage.last_scanned_at,
    coverage.last_read,
    coverage.last_whole_list,
    coverage.last_outcome
from {coverage} as coverage
left join {account_names} as names on coverage.username = names.username
left join {accounts} as accounts on names.account_id = accounts.account_id
order by coverage.username, coverage.provider desc


-- name: relations
select
    relation,
    count(*) as pairs
from {mutual_follows}
group by relation


-- name: friends
with ends as (
    select a as username from {mutual_follows} where relation = 'mutual'
    union all
    select b from {mutual_follows} where relation = 'mutual'
),

counted as (
    select
        username,
        count(*) as mutual
    from ends
    group by username
)

select
    username,
    mutual,
    count(*) over () as usernames
from counted
order by mutual desc, username
limit {most}


-- name: links
with ends as (
    select a as username from {mutual_follows} where relation = 'mutual'
    union all
    select b from {mutual_follows} where relation = 'mutual'
),

friends as (
    select username
    from ends
    group by username
    order by count(*) desc, username
    limit {most}
)

select
    pairs.a,
    pairs.b,
    pairs.relation
from {mutual_follows} as pairs
inner join friends as a on pairs.a = a.username
inner join friends as b on pairs.b = b.username
where pairs.relation <> 'unknown'
order by pairs.a, pairs.b
