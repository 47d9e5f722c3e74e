{% from 'grants.sql' import read_schema -%}
GRANT USAGE ON DATABASE {{ snowops.database }} TO ROLE {{ snowops.database }}_reader;
{{ read_schema('mart', snowops.database ~ '_reader') }}
{{ read_schema('raw', snowops.database ~ '_loader') }}
{{ read_schema('staged', snowops.database ~ '_loader') }}
