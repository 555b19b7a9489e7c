{#- The present, as a UTC time without a zone. -#}
{% macro tiktok_now() %}(now() at time zone 'UTC'){% endmacro %}


{#- Days between two times, with fractions. -#}
{% macro tiktok_days_between(start, end) -%}
    extract(epoch from ({{ end }} - {{ start }})) / 86400.0
{%- endmacro %}
