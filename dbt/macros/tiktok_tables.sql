{#- The providers whose tables are there, as the variable names them. -#}
{% macro tiktok_providers() %}
    {%- set known = ['research', 'rapidapi'] -%}
    {%- set providers = var('tiktok_providers') -%}
    {%- set providers = [providers] if providers is string else providers -%}
    {%- if not providers or providers | reject('in', known) | list -%}
        {{ exceptions.raise_compiler_error(
            "The variable tiktok_providers must be a list of research, rapidapi or both; it is "
            ~ providers ~ "."
        ) }}
    {%- endif -%}
    {{ return(providers) }}
{% endmacro %}


{#- The columns of the tables of a kind, `following` or `scans`, with their types. -#}
{% macro tiktok_columns(kind, provider='rapidapi') %}
    {%- set columns = {
        'follower_username': 'name',
        'username': 'name',
        'scanned_at': 'time',
        'position': 'integer',
        'followed_at_earliest': 'time',
        'followed_at_latest': 'time',
        'display_name': 'text',
    } if kind == 'following' else {
        'follower_username': 'name',
        'scanned_at': 'time',
        'previous_scanned_at': 'time',
        'outcome': 'text',
        'reason': 'text',
        'whole_list': 'boolean',
        'accounts_read': 'integer',
        'accounts_sent': 'integer',
        'accounts_lost': 'integer',
        'read_until': 'time',
        'read_down_to': 'time',
        'requests': 'integer',
        'following_total': 'integer',
        'cached': 'boolean',
    } -%}
    {%- if kind == 'following' and provider == 'rapidapi' -%}
        {%- do columns.update({
            'user_id': 'text',
            'website_url': 'text',
            'followers': 'integer',
            'following': 'integer',
            'total_likes': 'integer',
            'total_videos': 'integer',
            'verified': 'boolean',
            'is_private': 'boolean',
            'bio': 'text',
            'avatar_url': 'text',
            'avatar_thumb_url': 'text',
        }) -%}
    {%- endif -%}
    {{ return(columns) }}
{% endmacro %}


{#- What a column is named in the models: `following` is reserved in some warehouses. -#}
{% macro tiktok_name(column) %}
    {{- return('following_total' if column == 'following' else column) }}
{% endmacro %}


{#-
    Select the columns of one of the tap's tables, with the types of the package, times in UTC and
    usernames in lower case. A column that the table lacks is null: it was deselected, or the
    provider does not have it.
-#}
{% macro tiktok_base(provider, kind) %}
    {%- set table = source('tiktok', provider ~ '_' ~ kind) -%}
    {%- set present = tiktok_columns_in(table, tiktok_columns(kind, provider)) %}
select
    '{{ provider }}' as provider
    {%- for name, type in tiktok_columns(kind).items() %},
    {{ tiktok_cast(present.get(name), type) }} as {{ tiktok_name(name) }}
    {%- endfor %}
from {{ table }}
{%- endmacro %}


{% macro tiktok_cast(column, type) %}
    {%- set real_type = {
        'name': tiktok_text(),
        'text': tiktok_text(),
        'time': tiktok_timestamp(),
        'integer': tiktok_integer(),
        'boolean': dbt.type_boolean(),
    }[type] -%}
    {%- if column is none -%}
        cast(null as {{ real_type }})
    {%- elif type == 'time' -%}
        {{ tiktok_utc(column.quoted, column.type) }}
    {%- elif type == 'name' -%}
        lower(cast({{ column.quoted }} as {{ real_type }}))
    {%- else -%}
        cast({{ column.quoted }} as {{ real_type }})
    {%- endif -%}
{% endmacro %}


{#- The columns of a table by name, each with its type; names and types in lower case. -#}
{% macro tiktok_columns_in(relation, expected) %}
    {%- set columns = {} -%}
    {%- if execute and flags.INTROSPECT -%}
        {#- A look into dbt's cache of relations could find a schema that is read only in part. -#}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do columns.update({column.name | lower: {
                'quoted': column.quoted, 'type': column.data_type | lower
            }}) -%}
        {%- endfor -%}
        {%- if not columns and flags.WHICH in ['build', 'run'] -%}
            {{ exceptions.raise_compiler_error(
                "There is no table " ~ relation ~ ": set the variables tiktok_database and "
                ~ "tiktok_schema to where the tap's tables are, and tiktok_providers to the "
                ~ "providers that have tables there."
            ) }}
        {%- endif -%}
    {%- endif -%}
    {%- if not columns -%}
        {#- The SQL can be compiled before there are tables. -#}
        {%- for name in expected -%}
            {%- set real_name = name | upper if target.type == 'snowflake' else name -%}
            {%- do columns.update({name: {'quoted': adapter.quote(real_name), 'type': ''}}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{% endmacro %}
