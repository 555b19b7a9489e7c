{#- A text made of columns that are not null: the same for the same values. -#}
{% macro tiktok_id(columns) -%}
    md5({{ columns | join(" || '|' || ") }})
{%- endmacro %}
