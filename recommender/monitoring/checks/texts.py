"""What is said about each finding: (what was found, what to do next). The pages have the same texts in other
languages."""

TEXTS: dict[str, tuple[str, str]] = {
    "failed": (
        "This could not be checked (%(error)s).",
        "Look into the log, and run kollega verify, which says more.",
    ),
    # the machine
    "versions": ("Kollega %(kollega)s, Python %(python)s, on %(system)s", ""),
    "libraries": ("%(libraries)s", ""),
    "machine": ("%(cpus)s processors, %(memory)s of memory, of which %(available)s are free", ""),
    "memory_low": (
        "Only %(available)s of %(memory)s of memory are free.",
        "Stop other programs, or give the machine more memory; a server process takes about 1 GB.",
    ),
    "disk": ("%(free)s free on the disk of the home directory", ""),
    "disk_low": (
        "Only %(free)s are free on the disk of the home directory.",
        "Make room soon: the index is written beside the present one. kollega gc removes what interrupted runs left.",
    ),
    "disk_full": (
        "The disk of the home directory is full (%(free)s free).",
        "Make room, then start Kollega again; what was saved before is still there.",
    ),
    "inodes_low": (
        "The file system of the home directory has room for only %(free)s more files (free inodes).",
        "Delete small files that nobody needs, or move the home directory to another file system.",
    ),
    "home": ("The home directory can be read and written.", ""),
    "home_missing": (
        "There is no home directory.",
        "Check KOLLEGA_HOME. On a new installation run: kollega demo, or kollega serve.",
    ),
    "home_unwritable": (
        "Nothing can be written into the home directory: %(reason)s.",
        "Check that the disk is not full or read-only, and that the account that runs Kollega owns the directory.",
    ),
    "permissions": ("Only the account that runs Kollega can read its files.", ""),
    "permissions_open": (
        "Files and folders with confidential content that other accounts can read: %(count)s.",
        "In the home directory run: chmod -R go= .",
    ),
    "permissions_foreign": (
        "Files and folders in the home directory that belong to another account: %(count)s.",
        "Run every command as the account that runs Kollega, and give it the files (chown).",
    ),
    # settings
    "settings": ("All settings are known. Those that differ from their defaults: %(count)s.", ""),
    "settings_unknown": (
        "Variables that are no settings: %(names)s.",
        "Correct how they are spelt (docs/settings.md lists all), or remove them.",
    ),
    "settings_wrong": (
        "The value of %(name)s cannot be used. Everything else was checked as if it had its default.",
        "Correct it as docs/settings.md says. kollega status says what is expected.",
    ),
    "secret_key": ("The key that signs sign-ins and links is there.", ""),
    "secret_key_not_made": ("The key that signs sign-ins and links is made when the server starts.", ""),
    "secret_key_shared": (
        "The database is on a server, which several machines may use, and KOLLEGA_SECRET_KEY is not set.",
        "If several machines serve the pages, set the same KOLLEGA_SECRET_KEY on all of them.",
    ),
    "address": ("People use an address with https.", ""),
    "address_local": ("No address is set (KOLLEGA_PUBLIC_URL); the server only listens on this machine.", ""),
    "address_missing": (
        "The server listens for other machines, and KOLLEGA_PUBLIC_URL is not set.",
        "Put a proxy with HTTPS in front and set KOLLEGA_PUBLIC_URL (docs/deployment.md).",
    ),
    "address_plain": (
        "KOLLEGA_PUBLIC_URL does not begin with https://, so passwords and cookies can be read on the way.",
        "Put a proxy with HTTPS in front (docs/deployment.md), and set the address with https://.",
    ),
    "time_zone": ("Days and times are shown in the time zone %(zone)s; there it is %(now)s.", ""),
    # the database
    "database": ("%(kind)s, %(size)s, tables of version %(revision)s", ""),
    "database_missing": (
        "There is no database.",
        "Check KOLLEGA_HOME and KOLLEGA_DATABASE. A new one is made by kollega serve; or restore a backup.",
    ),
    "database_older": (
        "The tables are of an older version of Kollega (%(revision)s; this one needs %(wanted)s).",
        "Stop the server and run: kollega upgrade",
    ),
    "database_newer": (
        "The tables are of a newer version of Kollega (%(revision)s; this one knows up to %(wanted)s).",
        "Install that version of Kollega again, or restore a backup that this version made.",
    ),
    "database_away": (
        "The server of the database does not answer, or it refuses Kollega (%(code)s).",
        "Check that it runs, and the host, name and password in KOLLEGA_DATABASE. kollega status says more.",
    ),
    "database_unusable": (
        "The database cannot be opened or read (%(code)s).",
        "Check that there is room on the disk, and who owns the files. kollega status says more.",
    ),
    "database_damaged": (
        "The database finds damage in itself.",
        "Stop Kollega and restore a backup: kollega restore FILE. Keep the damaged file until that has worked.",
    ),
    "database_whole": ("The database finds no damage in itself.", ""),
    "clock": ("The clocks of this machine and of the database agree.", ""),
    "clock_differs": (
        "The clocks of this machine and of the database are %(seconds)s s apart.",
        "Let both machines set their clocks by a time server (NTP).",
    ),
    "clock_future": (
        "The newest change in the database lies %(minutes)s min in the future.",
        "Check the clock of this machine, and of those that wrote the data.",
    ),
    "backup": ("The last backup was made on %(day)s.", ""),
    "backup_old": (
        "The last backup with kollega backup was made on %(day)s, %(days)s days ago.",
        "Run kollega backup FILE every night (docs/administration.md), unless you make backups in another way.",
    ),
    "backup_never": (
        "No backup was ever made with kollega backup.",
        "Run kollega backup FILE every night (docs/administration.md), unless you make backups in another way.",
    ),
    # work in the background
    "watcher": ("kollega watch runs.", ""),
    "watcher_missing": (
        "kollega watch does not run: what people write is not found, and no mail is sent.",
        "Start kollega watch, as docs/deployment.md says.",
    ),
    "watcher_no_index": (
        "No kollega watch brings this machine's index up to date.",
        "Start kollega watch on this machine too.",
    ),
    "jobs": ("Jobs that wait: %(waiting)s.", ""),
    "jobs_stuck": (
        "Jobs that wait: %(waiting)s, the oldest of them for %(hours)s h.",
        "Check that kollega watch runs, and look into its log.",
    ),
    "jobs_failed": (
        "Jobs that have failed in the last week: %(failed)s.",
        "Look into the log of kollega watch for what could not be loaded.",
    ),
    "mail_queue": ("Mails that wait to be sent: %(waiting)s.", ""),
    "mail_failed": (
        "Mails that could not be sent and were given up: %(failed)s.",
        "Check KOLLEGA_MAIL_SERVER and KOLLEGA_MAIL_FROM, and the log of kollega watch.",
    ),
    "sources": ("Sources that were read without errors: %(count)s.", ""),
    "sources_none": ("No source is read regularly.", ""),
    "sources_failed": (
        "Sources that could not be read at their last run: %(failed)s of %(count)s.",
        "Run kollega sources, which says what went wrong with each.",
    ),
    "sources_problems": (
        "Sources of which some items could not be used: %(count)s.",
        "Run kollega sources, which lists them.",
    ),
    # search
    "index": ("%(generation)s, made on %(day)s: %(items)s items, %(passages)s passages", ""),
    "index_missing": ("There is no index, so nothing is found.", "Run: kollega reindex"),
    "index_of_other_version": (
        "The index was made by another version of Kollega, which read words in another way, so it cannot be searched.",
        "Run: kollega reindex --full",
    ),
    "index_damaged": ("Files of the index are missing or damaged.", "Run: kollega verify --repair"),
    "index_away": ("The server of the index (Milvus) does not answer.", "Start it, and check KOLLEGA_MILVUS."),
    "index_whole": ("The files of the index agree with their checksums.", ""),
    "index_current": ("Every change in the database is in the index.", ""),
    "index_waits": ("Changes that wait for the index: %(waiting)s, the oldest for %(minutes)s min.", ""),
    "index_behind": (
        "Changes that wait for the index: %(waiting)s, the oldest for %(minutes)s min.",
        "Check that kollega watch runs, or run: kollega reindex",
    ),
    "index_unknown": (
        "Nobody has noted how far the index is behind the database.",
        "Start kollega watch, or run: kollega reindex",
    ),
    "model": (
        "%(model)s (%(dimension)s dimensions), run by %(backend)s, gives the vectors that are expected.",
        "",
    ),
    "model_unchecked": ("%(model)s (%(dimension)s dimensions), run by %(backend)s, can be run.", ""),
    "model_missing": (
        "The model cannot be loaded (%(error)s): only words are searched, not meanings.",
        "Run: kollega prepare. Then check KOLLEGA_MODEL and KOLLEGA_BACKEND.",
    ),
    "model_damaged": (
        "Files of the model or of the dictionaries are missing or damaged.",
        "Run: kollega prepare. Then start Kollega again.",
    ),
    "model_wrong": (
        "The model gives other vectors than it should.",
        "Run: kollega verify, then kollega prepare. If that does not help, set KOLLEGA_BACKEND=torch.",
    ),
    "model_other": (
        "The index was made with another model than the one that is set.",
        "Run: kollega reindex --full, or unset KOLLEGA_MODEL.",
    ),
    "synonyms": ("Rules of synonyms in use: %(rules)s.", ""),
    "synonyms_wrong": (
        "The file synonyms.txt cannot be used: line %(line)s is wrong, or it is not in UTF-8.",
        "Correct it, as docs/administration.md says. kollega status says what is wrong.",
    ),
    "learned": ("What was learned from your own history is in use.", ""),
    "learned_none": ("The weights that ship with Kollega are in use; nothing was learned from your own history.", ""),
    "learned_wrong": (
        "What was learned from your own history is damaged, so the weights that ship with Kollega are used.",
        "Run: kollega calibrate, and kollega train-experts",
    ),
    # the network
    "mail": ("The mail server takes mail from Kollega.", ""),
    "mail_none": ("No mail server is set, so no mail is sent.", ""),
    "mail_away": (
        "The mail server cannot be reached (%(error)s).",
        "Check the host and port in KOLLEGA_MAIL_SERVER, and that the firewall lets this machine connect.",
    ),
    "mail_no_host": (
        "The host in KOLLEGA_MAIL_SERVER is not known to this machine.",
        "Correct its name, or the name server (DNS) of this machine.",
    ),
    "mail_certificate": (
        "The certificate of the mail server cannot be checked.",
        "Use the host name that stands in the certificate, or add your authority to this machine.",
    ),
    "mail_refused": (
        "The mail server refuses the user or password of KOLLEGA_MAIL_SERVER (code %(code)s).",
        "Correct them; special characters have to be written as in a web address (%%40 for @).",
    ),
    "mail_sender_refused": (
        "The mail server refuses the sender KOLLEGA_MAIL_FROM (code %(code)s).",
        "Set an address that this server may send from, or let it take mail from this machine.",
    ),
    "mail_unencrypted": (
        "The mail server offers no encryption, so no password is sent to it and no mail can be sent.",
        "Use smtps:// or a server that offers STARTTLS.",
    ),
    "oidc": ("The OpenID provider answers.", ""),
    "oidc_none": ("No OpenID provider is set; people sign in with passwords.", ""),
    "oidc_away": (
        "The OpenID provider cannot be reached (%(error)s).",
        "Check KOLLEGA_OIDC_ISSUER, and that the firewall lets this machine connect.",
    ),
    "oidc_wrong": (
        "What answers at KOLLEGA_OIDC_ISSUER is no OpenID provider of that name (code %(code)s).",
        "Copy the issuer's address exactly as the provider shows it.",
    ),
    "oidc_faults": (
        "The OpenID provider answers, but signing in with it may fail (%(faults)s).",
        "The page Signing in of the administration tests it and says what to do.",
    ),
}
"""By the code of a finding. `%%` is a percent sign: every text is filled in with values."""
