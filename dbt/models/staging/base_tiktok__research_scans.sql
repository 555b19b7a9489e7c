{{ config(enabled='research' in var('tiktok_providers')) }}
{{ tiktok_base('research', 'scans') }}
