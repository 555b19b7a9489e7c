{#- Fails for each combination of these columns, or expressions, that more than one row has. -#}
{% test tiktok_unique_key(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
