{#- What the warehouses write in different ways, so that the models need not. -#}


{#- Text of any length. -#}
{% macro tiktok_text() %}
    {{- return(adapter.dispatch('tiktok_text', 'tiktok_following')()) }}
{% endmacro %}

{% macro default__tiktok_text() %}{{ return('text') }}{% endmacro %}
{% macro bigquery__tiktok_text() %}{{ return('string') }}{% endmacro %}
{% macro spark__tiktok_text() %}{{ return('string') }}{% endmacro %}
{#- `text` would be 256 characters. -#}
{% macro redshift__tiktok_text() %}{{ return('varchar(65535)') }}{% endmacro %}


{#- A number of 64 bits. -#}
{% macro tiktok_integer() %}
    {{- return(adapter.dispatch('tiktok_integer', 'tiktok_following')()) }}
{% endmacro %}

{% macro default__tiktok_integer() %}{{ return('bigint') }}{% endmacro %}
{% macro bigquery__tiktok_integer() %}{{ return('int64') }}{% endmacro %}


{#- A time in UTC: without a zone, or a point in time where that is the usual type. -#}
{% macro tiktok_timestamp() %}
    {{- return(adapter.dispatch('tiktok_timestamp', 'tiktok_following')()) }}
{% endmacro %}

{% macro default__tiktok_timestamp() %}{{ return('timestamp') }}{% endmacro %}
{% macro snowflake__tiktok_timestamp() %}{{ return('timestamp_ntz') }}{% endmacro %}


{#- A column of any type of time as such a time; one without a zone is in UTC. -#}
{% macro tiktok_utc(column, type) %}
    {{- adapter.dispatch('tiktok_utc', 'tiktok_following')(column, type) }}
{%- endmacro %}

{% macro default__tiktok_utc(column, type) -%}
    {%- if 'with time zone' in type or type == 'timestamptz' -%}
        {{ column }} at time zone 'UTC'
    {%- else -%}
        cast({{ column }} as timestamp)
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__tiktok_utc(column, type) -%}
    {%- if 'tz' in type and 'ntz' not in type -%}
        cast(convert_timezone('UTC', {{ column }}) as timestamp_ntz)
    {%- else -%}
        cast({{ column }} as timestamp_ntz)
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__tiktok_utc(column, type) %}cast({{ column }} as timestamp){% endmacro %}
{% macro spark__tiktok_utc(column, type) %}cast({{ column }} as timestamp){% endmacro %}


{#- The present as such a time. -#}
{% macro tiktok_now() %}
    {{- adapter.dispatch('tiktok_now', 'tiktok_following')() }}
{%- endmacro %}

{% macro default__tiktok_now() %}(now() at time zone 'UTC'){% endmacro %}
{% macro snowflake__tiktok_now() %}sysdate(){% endmacro %}
{% macro bigquery__tiktok_now() %}current_timestamp(){% endmacro %}
{% macro spark__tiktok_now() %}current_timestamp(){% endmacro %}
{% macro redshift__tiktok_now() %}getdate(){% endmacro %}


{#- Seconds from one time to another. -#}
{% macro tiktok_seconds_between(start, end) %}
    {{- adapter.dispatch('tiktok_seconds_between', 'tiktok_following')(start, end) }}
{%- endmacro %}

{% macro default__tiktok_seconds_between(start, end) -%}
    extract(epoch from ({{ end }} - {{ start }}))
{%- endmacro %}

{% macro snowflake__tiktok_seconds_between(start, end) -%}
    datediff(second, {{ start }}, {{ end }})
{%- endmacro %}

{% macro redshift__tiktok_seconds_between(start, end) -%}
    datediff(second, {{ start }}, {{ end }})
{%- endmacro %}

{% macro bigquery__tiktok_seconds_between(start, end) -%}
    timestamp_diff({{ end }}, {{ start }}, second)
{%- endmacro %}

{% macro spark__tiktok_seconds_between(start, end) -%}
    (unix_timestamp({{ end }}) - unix_timestamp({{ start }}))
{%- endmacro %}


{#- A text made of columns that are not null: the same for the same values. -#}
{% macro tiktok_id(columns) %}
    {%- set texts = [] -%}
    {%- for column in columns -%}
        {%- do texts.append('cast(' ~ column ~ ' as ' ~ tiktok_text() ~ ')') -%}
    {%- endfor -%}
    {{ adapter.dispatch('tiktok_md5', 'tiktok_following')(texts | join(" || '|' || ")) }}
{%- endmacro %}

{% macro default__tiktok_md5(text) %}md5({{ text }}){% endmacro %}
{% macro bigquery__tiktok_md5(text) %}to_hex(md5({{ text }})){% endmacro %}


{#- The later, or earlier, of two values; the other one if one is null. -#}
{% macro tiktok_later(one, other) %}coalesce(greatest({{ one }}, {{ other }}), {{ one }}, {{ other }}){% endmacro %}
{% macro tiktok_earlier(one, other) %}coalesce(least({{ one }}, {{ other }}), {{ one }}, {{ other }}){% endmacro %}


{#- The username in `name`, `@name` or a profile URL, in lower case. -#}
{% macro tiktok_username(column) -%}
    lower(regexp_replace(
        regexp_replace(replace(trim({{ column }}), '%40', '@'), '^([^@]*/)?@', ''),
        '[/?#].*$', ''
    ))
{%- endmacro %}
