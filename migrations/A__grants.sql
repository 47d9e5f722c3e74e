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
