"""What an identity provider does to people and teams over SCIM 2.0: adding, changing, disabling. Nobody is deleted: who
is removed there may not sign in here, and what they wrote stays. The protocol itself is in web/scim/."""
