"""Telling people what concerns them: the kinds, who is told of what, the inbox, what people follow, and when a mail is
due. Writing and sending the mails is done by `indexer/delivery/`."""
