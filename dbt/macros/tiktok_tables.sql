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


{#-
    Select columns of one of the tap's tables, each with its type.

    A column that the table lacks, because it was deselected, is null. Times become UTC without
    a time zone, whichever of the two kinds of timestamp the target has made.
-#}
{% macro tiktok_select(table, columns) %}
    {%- set relation = source('tiktok', table) -%}
    {%- set types = tiktok_column_types(relation) -%}
select
{%- for name, type in columns.items() %}
    {%- set column = adapter.quote(name) %}
    {% if name not in types -%}
        cast(null as {{ type }})
    {%- elif type == 'timestamp' and 'with time zone' in types[name] -%}
        {{ column }} at time zone 'UTC'
    {%- else -%}
        cast({{ column }} as {{ type }})
    {%- endif %} as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
from {{ relation }}
{%- endmacro %}


{#- The types of a table's columns by name, both in lower case; the table has to exist. -#}
{% macro tiktok_column_types(relation) %}
    {%- set types = {} -%}
    {%- if execute -%}
        {#- A look into dbt's cache of relations could find a schema that is read only in part. -#}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do types.update({column.name | lower: column.data_type | lower}) -%}
        {%- endfor -%}
        {%- if not types -%}
            {{ exceptions.raise_compiler_error(
                "There is no table " ~ relation ~ ": set the variables tiktok_database and "
                ~ "tiktok_schema to where the tap's tables are, and tiktok_providers to the "
                ~ "providers that have tables there."
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(types) }}
{% endmacro %}
