{#- Rights on everything in a schema, what is created later included. -#}
{% macro read_schema(schema, role) -%}
GRANT USAGE ON SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON ALL TABLES IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON ALL VIEWS IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON FUTURE TABLES IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON FUTURE VIEWS IN SCHEMA {{ schema }} TO ROLE {{ role }};
{%- endmacro %}

{% macro write_schema(schema, role) -%}
{{ read_schema(schema, role) }}
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT INSERT, UPDATE, DELETE ON FUTURE TABLES IN SCHEMA {{ schema }} TO ROLE {{ role }};
{%- endmacro %}
