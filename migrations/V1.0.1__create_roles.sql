-- snowops: role=USERADMIN
-- One pair of roles an environment: RETAIL_DEV_READER, RETAIL_DEV_LOADER, ...
CREATE ROLE IF NOT EXISTS {{ snowops.database }}_READER COMMENT = 'Reads the mart';
CREATE ROLE IF NOT EXISTS {{ snowops.database }}_LOADER COMMENT = 'Loads raw and staged';

GRANT ROLE {{ snowops.database }}_READER TO ROLE {{ snowops.database }}_LOADER;
GRANT ROLE {{ snowops.database }}_LOADER TO ROLE SYSADMIN;
