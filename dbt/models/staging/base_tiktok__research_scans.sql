{{ config(enabled='research' in var('tiktok_providers')) }}

{{ tiktok_select('research_scans', {
    'follower_username': 'text',
    'scanned_at': 'timestamp',
    'previous_scanned_at': 'timestamp',
    'outcome': 'text',
    'reason': 'text',
    'whole_list': 'boolean',
    'accounts_read': 'bigint',
    'accounts_sent': 'bigint',
    'accounts_lost': 'bigint',
    'read_until': 'timestamp',
    'read_down_to': 'timestamp',
    'requests': 'bigint',
    'following_total': 'bigint',
    'cached': 'boolean',
}) }}
