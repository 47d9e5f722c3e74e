-- Reference data: all of it, or none of it.
BEGIN TRANSACTION;

DELETE FROM staged.countries;

INSERT INTO staged.countries (country_code, name)
VALUES
{%- set names = {'AT': 'Austria', 'CH': 'Switzerland', 'DE': 'Germany'} %}
{%- for code in countries %}
    ('{{ code }}', '{{ names[code] }}'){{ ',' if not loop.last }}
{%- endfor %};

COMMIT;
