ALTER TABLE staged.customers ADD COLUMN loyalty_tier VARCHAR(20);

UPDATE staged.customers SET loyalty_tier = 'none' WHERE loyalty_tier IS NULL;

CREATE TABLE staged.loyalty_tiers LIKE staged.countries;

ALTER TABLE staged.loyalty_tiers RENAME COLUMN country_code TO tier;

ALTER TABLE staged.loyalty_tiers ALTER COLUMN tier SET DATA TYPE VARCHAR(20);
