{#- The username in `name`, `@name` or a profile URL, in lower case. -#}
{% macro tiktok_username(column) -%}
    lower(regexp_replace(trim({{ column }}), '^(.*[/]@|@)|[/?].*$', '', 'g'))
{%- endmacro %}
