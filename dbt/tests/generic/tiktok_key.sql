{#- Fails for each combination of these columns, or expressions, that is null or not unique. -#}
{% test tiktok_key(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 or count({{ columns | join(') = 0 or count(') }}) = 0
{% endtest %}
