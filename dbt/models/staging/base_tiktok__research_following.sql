{{ config(enabled='research' in var('tiktok_providers')) }}

{{ tiktok_select('research_following', {
    'follower_username': 'text',
    'username': 'text',
    'scanned_at': 'timestamp',
    'position': 'bigint',
    'followed_at_earliest': 'timestamp',
    'followed_at_latest': 'timestamp',
    'display_name': 'text',
}) }}
