with observations as (
    {% for provider in tiktok_providers() %}
    {%- set is_rapidapi = provider == 'rapidapi' %}
    select
        '{{ provider }}' as provider,
        lower(follower_username) as follower_username,
        {{ 'user_id' if is_rapidapi else 'cast(null as text)' }} as user_id,
        lower(username) as username,
        scanned_at,
        position,
        followed_at_earliest,
        followed_at_latest,
        display_name,
        {{ 'website_url' if is_rapidapi else 'cast(null as text)' }} as website_url,
        {{ 'followers' if is_rapidapi else 'cast(null as bigint)' }} as followers,
        {{ 'following' if is_rapidapi else 'cast(null as bigint)' }} as following_total,
        {{ 'total_likes' if is_rapidapi else 'cast(null as bigint)' }} as total_likes,
        {{ 'total_videos' if is_rapidapi else 'cast(null as bigint)' }} as total_videos,
        {{ 'verified' if is_rapidapi else 'cast(null as boolean)' }} as verified,
        {{ 'is_private' if is_rapidapi else 'cast(null as boolean)' }} as is_private,
        {{ 'bio' if is_rapidapi else 'cast(null as text)' }} as bio,
        {{ 'avatar_url' if is_rapidapi else 'cast(null as text)' }} as avatar_url,
        {{ 'avatar_thumb_url' if is_rapidapi else 'cast(null as text)' }} as avatar_thumb_url
    from {{ ref('base_tiktok__' ~ provider ~ '_following') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
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
where copy = 1
