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
from {{ ref('tiktok_following__follow_events') }} as events
left join {{ ref('tiktok_following__accounts') }} as followed
    on events.account_id = followed.account_id
left join {{ ref('int_tiktok__account_names') }} as names
    on events.follower_username = names.username
left join {{ ref('tiktok_following__accounts') }} as followers
    on names.account_id = followers.account_id
where not events.is_repeat
