CREATE SCHEMA IF NOT EXISTS raw
    DATA_RETENTION_TIME_IN_DAYS = {{ retention_days }}
    COMMENT = 'Files as they came, one VARIANT a record';

CREATE SCHEMA IF NOT EXISTS staged
    DATA_RETENTION_TIME_IN_DAYS = {{ retention_days }}
    COMMENT = 'Typed and deduplicated';

CREATE SCHEMA IF NOT EXISTS mart
    DATA_RETENTION_TIME_IN_DAYS = {{ retention_days }}
    COMMENT = 'What people and dashboards read';
