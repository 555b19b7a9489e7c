with observations as (
    {%- for provider in tiktok_providers() %}
    select * from {{ ref('base_tiktok__' ~ provider ~ '_following') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- An appending target keeps copies: the narrowest window is the best one.
numbered as (
    select
        *,
        row_number() over (
            partition by provider, follower_username, coalesce(user_id, username), scanned_at
            order by
                followed_at_latest,
                case when followed_at_earliest is null then 1 else 0 end,
                followed_at_earliest desc,
                username
        ) as copy
    from observations
)

select
    provider,
    {%- for column in tiktok_columns('following') %}
    {{ tiktok_name(column) }}{{ ',' if not loop.last }}
    {%- endfor %}
from numbered
where copy = 1
