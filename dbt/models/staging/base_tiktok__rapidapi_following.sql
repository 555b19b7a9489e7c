{{ config(enabled='rapidapi' in var('tiktok_providers')) }}

{{ tiktok_select('rapidapi_following', {
    'follower_username': 'text',
    'user_id': 'text',
    'username': 'text',
    'scanned_at': 'timestamp',
    'position': 'bigint',
    'followed_at_earliest': 'timestamp',
    'followed_at_latest': 'timestamp',
    'display_name': 'text',
    'website_url': 'text',
    'followers': 'bigint',
    'following': 'bigint',
    'total_likes': 'bigint',
    'total_videos': 'bigint',
    'verified': 'boolean',
    'is_private': 'boolean',
    'bio': 'text',
    'avatar_url': 'text',
    'avatar_thumb_url': 'text',
}) }}
