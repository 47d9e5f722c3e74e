CREATE OR REPLACE PROCEDURE raw.load_customers()
RETURNS VARCHAR
LANGUAGE SQL
AS
$$
BEGIN
    COPY INTO raw.customers (record, loaded_from)
    FROM (SELECT $1, METADATA$FILENAME FROM @raw.inbox/customers/);

    MERGE INTO staged.customers t
    USING (
        SELECT record:id::NUMBER AS customer_id, record:email::VARCHAR AS email, record:name::VARCHAR AS full_name
        FROM raw.customers
        QUALIFY ROW_NUMBER() OVER (PARTITION BY record:id::NUMBER ORDER BY loaded_at DESC) = 1
    ) s
    ON t.customer_id = s.customer_id
    WHEN MATCHED THEN UPDATE SET email = s.email, full_name = s.full_name
    WHEN NOT MATCHED THEN INSERT (customer_id, email, full_name, created_at)
        VALUES (s.customer_id, s.email, s.full_name, CURRENT_TIMESTAMP());

    RETURN 'loaded';
END;
$$;
