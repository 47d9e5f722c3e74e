-- One pair of roles an environment: RETAIL_DEV_READER, RETAIL_DEV_LOADER, ...
CREATE ROLE IF NOT EXISTS {{ snowops.database }}_reader COMMENT = 'Reads the mart';
CREATE ROLE IF NOT EXISTS {{ snowops.database }}_loader COMMENT = 'Loads raw and staged';

GRANT ROLE {{ snowops.database }}_reader TO ROLE {{ snowops.database }}_loader;
GRANT ROLE {{ snowops.database }}_loader TO ROLE SYSADMIN;
