{{ config(enabled='rapidapi' in var('tiktok_providers')) }}
{{ tiktok_base('rapidapi', 'scans') }}
