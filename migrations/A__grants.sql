-- snowops: role=SECURITYADMIN
{% from 'grants.sql' import read_schema, write_schema -%}
{% set reader = snowops.database ~ '_READER' -%}
{% set loader = snowops.database ~ '_LOADER' -%}
GRANT USAGE ON DATABASE {{ snowops.database }} TO ROLE {{ reader }};
{{ read_schema('mart', reader) }}
{{ write_schema('raw', loader) }}
{{ write_schema('staged', loader) }}
GRANT READ, WRITE ON STAGE raw.inbox TO ROLE {{ loader }};
GRANT USAGE ON FILE FORMAT raw.json_lines TO ROLE {{ loader }};
GRANT USAGE ON PROCEDURE raw.load_customers() TO ROLE {{ loader }};
GRANT USAGE ON WAREHOUSE LOAD_XS TO ROLE {{ loader }};
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA mart TO ROLE {{ reader }};
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA mart TO ROLE {{ reader }};
GRANT MONITOR ON PIPE raw.load_clicks TO ROLE {{ loader }};
GRANT MONITOR, OPERATE ON ALL TASKS IN SCHEMA mart TO ROLE {{ loader }};
