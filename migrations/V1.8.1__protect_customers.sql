ALTER TABLE staged.customers MODIFY COLUMN email SET MASKING POLICY governance.mask_email;

ALTER TABLE staged.customers MODIFY COLUMN email SET TAG governance.sensitivity = 'personal';

ALTER TABLE staged.customers MODIFY COLUMN full_name SET TAG governance.sensitivity = 'personal';

ALTER TABLE staged.customers SET TAG governance.data_owner = 'crm';

ALTER TABLE staged.customers ADD ROW ACCESS POLICY governance.only_own_countries ON (country_code);
