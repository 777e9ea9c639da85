"""What is decided about teams: their names, who may read their new requests, how they are reached, how long their
requests are kept, and what happens when one is removed. Commands and pages call the same functions, which record each
change in the audit log. Which team is offered for a question is decided in people/."""
