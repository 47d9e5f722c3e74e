COMMENT ON SCHEMA mart IS 'What people and dashboards read; migrated by snowops ({{ snowops.environment }})';
