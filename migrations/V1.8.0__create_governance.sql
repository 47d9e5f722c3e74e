-- What protects people's data has a schema of its own; in it only its owner grants.
CREATE SCHEMA governance WITH MANAGED ACCESS
    COMMENT = 'Tags and policies, and what they read';

CREATE TAG governance.sensitivity
    ALLOWED_VALUES 'public', 'internal', 'personal'
    COMMENT = 'How far a column may be shown';

CREATE TAG governance.data_owner
    COMMENT = 'The team that answers for a table';

CREATE MASKING POLICY governance.mask_email AS (email VARCHAR) RETURNS VARCHAR ->
    CASE
        WHEN IS_ROLE_IN_SESSION('{{ snowops.database }}_LOADER') THEN email
        ELSE REGEXP_REPLACE(email, '^[^@]+', '*****')
    END
    COMMENT = 'The domain stays readable';

CREATE TABLE governance.country_readers (
    role_name    VARCHAR(255) NOT NULL,
    country_code CHAR(2)      NOT NULL,
    PRIMARY KEY (role_name, country_code)
)
COMMENT = 'Which role sees the customers of which country';

CREATE ROW ACCESS POLICY governance.only_own_countries AS (code VARCHAR) RETURNS BOOLEAN ->
    IS_ROLE_IN_SESSION('{{ snowops.database }}_LOADER')
    OR EXISTS (
        SELECT 1
        FROM governance.country_readers r
        WHERE r.country_code = code AND IS_ROLE_IN_SESSION(r.role_name)
    );
