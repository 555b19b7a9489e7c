{%- set account = 'partition by provider, follower_username, account_id' -%}

with spells as (
    select
        *,
        min(first_seen) over ({{ account }}) as first_ever_seen,
        lead(spell) over ({{ account }} order by spell) as next_spell
    from {{ ref('int_tiktok__follow_spells') }}
)

select
    spells.provider,
    spells.follower_username,
    account_id,
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
left join {{ ref('tiktok_following__accounts') }} as accounts using (account_id)
where spells.next_spell is null
