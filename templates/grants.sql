{#- Rights that a role needs to read everything in a schema, what is created later included. -#}
{% macro read_schema(schema, role) -%}
GRANT USAGE ON SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON ALL TABLES IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON ALL VIEWS IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON FUTURE TABLES IN SCHEMA {{ schema }} TO ROLE {{ role }};
GRANT SELECT ON FUTURE VIEWS IN SCHEMA {{ schema }} TO ROLE {{ role }};
{%- endmacro %}
