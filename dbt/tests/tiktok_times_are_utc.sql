-- Fails if a target wrote times in the time zone of its database session. It notes when it
-- received a row twice: as a time, and as a number of milliseconds, which has no time zone.
{%- if execute and flags.WHICH in ['build', 'test'] %}
    {%- for provider in tiktok_providers() %}
        {%- set table = source('tiktok', provider ~ '_scans') %}
        {%- set columns = tiktok_columns_in(table, {}) %}
        {%- set received_at = columns.get('_sdc_received_at', columns.get('_sdc_extracted_at')) %}
        {%- if received_at and '_sdc_sequence' in columns %}
            {%- set seconds = tiktok_seconds_between(
                "cast('1970-01-01' as " ~ tiktok_timestamp() ~ ")",
                tiktok_utc(received_at.quoted, received_at.type),
            ) %}
            {%- set off = run_query(
                "select max(abs(" ~ seconds ~ " - " ~ columns['_sdc_sequence'].quoted
                ~ " / 1000)) from " ~ table
            ).columns[0].values()[0] %}
            {%- if off and off > 900 %}
                {{ exceptions.raise_compiler_error(
                    "The times in " ~ table ~ " are up to " ~ (off / 3600) | round(1)
                    ~ " hours off: the target's database session did not use UTC. Set its time "
                    ~ "zone (in PostgreSQL: ALTER ROLE ... SET timezone = 'UTC'), delete the tap's "
                    ~ "tables and its state, and load them again."
                ) }}
            {%- endif %}
        {%- endif %}
    {%- endfor %}
{%- endif %}
select 1 as off_by
limit 0
