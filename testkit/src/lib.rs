//! A server of Snowflake's session protocol for tests: HTTP over the same catalogue, with faults.
