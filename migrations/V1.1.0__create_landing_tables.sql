{% for source in ['customers', 'products', 'orders'] -%}
CREATE TABLE raw.{{ source }} (
    record      VARIANT NOT NULL,
{% include 'audit_columns.sql' %}
)
COMMENT = 'Landing table of {{ source }}';

{% endfor -%}
