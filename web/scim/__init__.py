"""SCIM 2.0 (RFC 7643, RFC 7644): an identity provider adds, changes and disables people and teams here, with a bearer
token of the scope `scim`. What a change does is in recommender/provisioning/; messages, filters and patches are read by
the library scim2-models, which is loaded by the first call."""
