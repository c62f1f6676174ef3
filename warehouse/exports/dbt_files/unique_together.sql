{% test unique_together(model, columns) %}
{%- set names = [] -%}
{%- for column in columns -%}{%- do names.append(adapter.quote(column)) -%}{%- endfor -%}
select {{ names | join(', ') }}, count(*) as number_of_rows
from {{ model }}
group by {{ names | join(', ') }}
having count(*) > 1
{% endtest %}
